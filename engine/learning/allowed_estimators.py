"""What an expression may name: each estimator with the arguments that it takes, and how far these may go.

What is not here cannot be made. Everything here keeps what it learns in a state that
`engine.learning.learner_state` can write without help of its class, and takes bounded time and room for each event.
Left out on purpose: what reads files or fetches data; what calls functions that are passed in; regular expressions
of Python's, which can hang on a text (`tokenizer_pattern`); what keeps examples as a whole (neighbors); what has a
square of its features (`optim.Newton`); what hides its state in Rust (`AdaptiveStandardScaler`, `RobustScaler`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from river import (
    base,
    compose,
    ensemble,
    feature_extraction,
    forest,
    linear_model,
    naive_bayes,
    optim,
    preprocessing,
    tree,
)

from engine.learning.ngrams import HashedNgrams

MAX_CHARS_OF_A_TEXT = 200
MAX_TEXTS = 200
MAX_MEMBERS = 20
"""Models of an ensemble."""
MAX_PARTS = 50
"""Estimators of a pipeline."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What may be given for one parameter. `description`: in words."""

    description: str
    allows: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Allowed:
    """An estimator, and its parameters by name, in their order. `rest`: what unnamed arguments are."""

    make: type
    parameters: Mapping[str, Argument] = field(default_factory=dict)
    rest: Argument | None = None


def _real(least: float, most: float) -> Argument:
    def allows(value: Any) -> bool:
        return type(value) in (int, float) and isfinite(value) and least <= value <= most

    return Argument(f"a number from {least:g} to {most:g}", allows)


def _whole(least: int, most: int) -> Argument:
    description = f"a whole number from {least} to {most}"
    return Argument(description, lambda value: type(value) is int and least <= value <= most)


def _one_of(*choices: str) -> Argument:
    return Argument(" or ".join(map(repr, choices)), lambda value: type(value) is str and value in choices)


def _or(left: Argument, right: Argument) -> Argument:
    return Argument(
        f"{left.description}, or {right.description}", lambda value: left.allows(value) or right.allows(value)
    )


def _part(description: str, *classes: type) -> Argument:
    return Argument(description, lambda value: isinstance(value, classes))


def _is_text(value: Any) -> bool:
    return type(value) is str and len(value) <= MAX_CHARS_OF_A_TEXT


def _are_texts(value: Any) -> bool:
    return type(value) is tuple and len(value) <= MAX_TEXTS and all(map(_is_text, value))


def _is_ngram_range(value: Any) -> bool:
    return type(value) is tuple and list(map(type, value)) == [int, int] and 1 <= value[0] <= value[1] <= 5


def _are_rates(value: Any) -> bool:
    return type(value) is tuple and len(value) <= 16 and all(_RATE.allows(rate) for rate in value)


def _is_step(value: Any) -> bool:
    if type(value) is tuple and len(value) == 2 and _is_text(value[0]):
        value = value[1]
    return is_part(value)


def _is_member(value: Any) -> bool:
    """An ensemble's model is copied: it must not be large itself."""
    return isinstance(value, base.Classifier | compose.Pipeline) and all(
        is_part(part) and not isinstance(part, base.Ensemble | HashedNgrams) for part in parts(value)
    )


def parts(estimator: Any) -> Iterator[Any]:
    """An estimator and all that a pipeline or a union puts together."""
    yield estimator
    for inner in (*getattr(estimator, "steps", {}).values(), *getattr(estimator, "transformers", {}).values()):
        yield from parts(inner)


def is_part(value: Any) -> bool:
    """Whether a pipeline may consist of this, among others: operators make it of anything."""
    return name_of(value) is not None and isinstance(value, base.Transformer | base.Classifier | compose.Pipeline)


_NONE = Argument("None", lambda value: value is None)
_FLAG = Argument("True or False", lambda value: type(value) is bool)
_TEXT = Argument(f"a text of at most {MAX_CHARS_OF_A_TEXT} characters", _is_text)
_TEXTS = Argument(f"a list of at most {MAX_TEXTS} texts", _are_texts)
_NAME = _or(_TEXT, _NONE)
_RATE = _real(0, 1_000)
_SHARE = _real(0, 1)
_DECAY = _real(0, 0.999_999)
_TINY = _real(1e-30, 1)
_ANY_NUMBER = _real(-1e12, 1e12)
_SEED = _or(_whole(0, 2**32 - 1), _NONE)
_SCHEDULER = _part("a scheduler", optim.base.Scheduler)
_LEARNING_RATE = _or(_RATE, _SCHEDULER)
_LOSS = _or(_part("a loss for two classes", optim.losses.BinaryLoss), _NONE)
_INITIALIZER = _or(_part("an initializer", optim.initializers.Constant), _NONE)
_OPTIMIZER = _or(_part("an optimizer", optim.base.Optimizer), _NONE)
_STEP = Argument("a transformer or a classifier, or a name and one", _is_step)
_TRANSFORMER = _part("a transformer", base.Transformer, compose.Pipeline)
_MEMBER = Argument("a classifier or a pipeline without ensembles and n-grams", _is_member)
_MEMBERS = _whole(2, MAX_MEMBERS)
_DEPTH = _or(_whole(1, 200), _NONE)

_WORDS = {
    "on": _NAME, "strip_accents": _FLAG, "lowercase": _FLAG, "stop_words": _or(_TEXTS, _NONE),
    "ngram_range": Argument("two whole numbers from 1 to 5", _is_ngram_range),
}  # fmt: skip
_ADAM = {"lr": _LEARNING_RATE, "beta_1": _DECAY, "beta_2": _DECAY, "eps": _TINY}
_MOMENTUM = {"lr": _LEARNING_RATE, "rho": _SHARE}
_BAGGING = {"model": _MEMBER, "n_models": _MEMBERS, "seed": _SEED}
_GROWTH = {
    "grace_period": _whole(1, 1_000_000), "max_depth": _DEPTH,
    "split_criterion": _one_of("gini", "info_gain"), "delta": _real(1e-30, 0.999_999), "tau": _SHARE,
    "leaf_prediction": _one_of("mc", "nb", "nba"), "nb_threshold": _whole(0, 1_000_000),
    "nominal_attributes": _or(_TEXTS, _NONE), "min_branch_fraction": _SHARE,
    "max_share_to_split": _SHARE, "remove_poor_attrs": _FLAG, "merit_preprune": _FLAG,
}  # fmt: skip
"""Without River's care for memory, for what an object takes is not the same in another process, and without what lets
the order of a set decide between two splits."""
_POSITIVE = _real(1e-9, 1_000)

ALLOWED: Mapping[str, Allowed] = {
    "HashedNgrams": Allowed(HashedNgrams, {"texts": _TEXTS, "rates": Argument("a list of learning rates", _are_rates)}),
    "compose.Discard": Allowed(compose.Discard, rest=_TEXT),
    "compose.Pipeline": Allowed(compose.Pipeline, rest=_STEP),
    "compose.Prefixer": Allowed(compose.Prefixer, {"prefix": _TEXT}),
    "compose.Select": Allowed(compose.Select, rest=_TEXT),
    "compose.Suffixer": Allowed(compose.Suffixer, {"suffix": _TEXT}),
    "compose.TransformerProduct": Allowed(compose.TransformerProduct, rest=_TRANSFORMER),
    "compose.TransformerUnion": Allowed(compose.TransformerUnion, rest=_TRANSFORMER),
    "ensemble.AdaBoostClassifier": Allowed(ensemble.AdaBoostClassifier, _BAGGING),
    "ensemble.BaggingClassifier": Allowed(ensemble.BaggingClassifier, _BAGGING),
    "feature_extraction.BagOfWords": Allowed(feature_extraction.BagOfWords, _WORDS),
    "feature_extraction.TFIDF": Allowed(feature_extraction.TFIDF, {"normalize": _FLAG, **_WORDS}),
    "forest.ARFClassifier": Allowed(
        forest.ARFClassifier,
        {
            "n_models": _MEMBERS,
            "max_features": _or(_one_of("sqrt", "log2"), _or(_whole(1, 10_000), _or(_SHARE, _NONE))),
            "lambda_value": _whole(1, 20), "disable_weighted_vote": _FLAG, **_GROWTH, "seed": _SEED,
        },
    ),
    "linear_model.ALMAClassifier": Allowed(
        linear_model.ALMAClassifier, {"p": _real(1.01, 100), "alpha": _SHARE, "B": _POSITIVE, "C": _POSITIVE}
    ),
    "linear_model.LogisticRegression": Allowed(
        linear_model.LogisticRegression,
        {
            "optimizer": _OPTIMIZER, "loss": _LOSS, "l2": _RATE, "l1": _RATE, "intercept_init": _ANY_NUMBER,
            "intercept_lr": _LEARNING_RATE, "clip_gradient": _real(0, 1e12), "initializer": _INITIALIZER,
        },
    ),
    "linear_model.PAClassifier": Allowed(
        linear_model.PAClassifier, {"C": _POSITIVE, "mode": _whole(0, 2), "learn_intercept": _FLAG}
    ),
    "linear_model.Perceptron": Allowed(
        linear_model.Perceptron, {"l2": _RATE, "clip_gradient": _real(0, 1e12), "initializer": _INITIALIZER}
    ),
    "naive_bayes.BernoulliNB": Allowed(
        naive_bayes.BernoulliNB, {"alpha": _RATE, "true_threshold": _ANY_NUMBER}
    ),
    "naive_bayes.ComplementNB": Allowed(naive_bayes.ComplementNB, {"alpha": _RATE}),
    "naive_bayes.GaussianNB": Allowed(naive_bayes.GaussianNB),
    "naive_bayes.MultinomialNB": Allowed(naive_bayes.MultinomialNB, {"alpha": _RATE}),
    "optim.AMSGrad": Allowed(optim.AMSGrad, {**_ADAM, "correct_bias": _FLAG}),
    "optim.AdaBound": Allowed(optim.AdaBound, {**_ADAM, "gamma": _POSITIVE, "final_lr": _POSITIVE}),
    "optim.AdaDelta": Allowed(optim.AdaDelta, {"rho": _SHARE, "eps": _TINY}),
    "optim.AdaGrad": Allowed(optim.AdaGrad, {"lr": _LEARNING_RATE, "eps": _TINY}),
    "optim.AdaMax": Allowed(optim.AdaMax, _ADAM),
    "optim.Adam": Allowed(optim.Adam, _ADAM),
    "optim.FTRLProximal": Allowed(
        optim.FTRLProximal, {"alpha": _POSITIVE, "beta": _RATE, "l1": _RATE, "l2": _RATE}
    ),
    "optim.Momentum": Allowed(optim.Momentum, _MOMENTUM),
    "optim.Nadam": Allowed(optim.Nadam, _ADAM),
    "optim.NesterovMomentum": Allowed(optim.NesterovMomentum, _MOMENTUM),
    "optim.RMSProp": Allowed(optim.RMSProp, {"lr": _LEARNING_RATE, "rho": _SHARE, "eps": _TINY}),
    "optim.SGD": Allowed(optim.SGD, {"lr": _LEARNING_RATE}),
    "optim.initializers.Constant": Allowed(optim.initializers.Constant, {"value": _ANY_NUMBER}),
    "optim.initializers.Zeros": Allowed(optim.initializers.Zeros),
    "optim.losses.BinaryFocalLoss": Allowed(optim.losses.BinaryFocalLoss, {"gamma": _POSITIVE, "beta": _RATE}),
    "optim.losses.Hinge": Allowed(optim.losses.Hinge, {"threshold": _RATE}),
    "optim.losses.Log": Allowed(optim.losses.Log, {"weight_pos": _RATE, "weight_neg": _RATE}),
    "optim.schedulers.Constant": Allowed(optim.schedulers.Constant, {"learning_rate": _RATE}),
    "optim.schedulers.InverseScaling": Allowed(
        optim.schedulers.InverseScaling, {"learning_rate": _RATE, "power": _real(0, 10)}
    ),
    "optim.schedulers.Optimal": Allowed(
        optim.schedulers.Optimal, {"loss": _part("a loss", optim.losses.BinaryLoss), "alpha": _POSITIVE}
    ),
    "preprocessing.Binarizer": Allowed(preprocessing.Binarizer, {"threshold": _ANY_NUMBER}),
    "preprocessing.FeatureHasher": Allowed(
        preprocessing.FeatureHasher,
        {"n_features": _whole(1, 1 << 20), "seed": _SEED, "alternate_sign": _FLAG},
    ),
    "preprocessing.MaxAbsScaler": Allowed(preprocessing.MaxAbsScaler),
    "preprocessing.MinMaxScaler": Allowed(preprocessing.MinMaxScaler),
    "preprocessing.Normalizer": Allowed(preprocessing.Normalizer, {"order": _real(1, 100)}),
    "preprocessing.OneHotEncoder": Allowed(
        preprocessing.OneHotEncoder, {"drop_zeros": _FLAG, "drop_first": _FLAG}
    ),
    "preprocessing.StandardScaler": Allowed(preprocessing.StandardScaler, {"with_std": _FLAG}),
    "tree.HoeffdingTreeClassifier": Allowed(tree.HoeffdingTreeClassifier, _GROWTH),
}  # fmt: skip
"""Every name that an expression may use."""

KEEPS_TEXT = frozenset({
    "feature_extraction.TFIDF", "preprocessing.OneHotEncoder", "tree.HoeffdingTreeClassifier", "forest.ARFClassifier",
})  # fmt: skip
"""These keep words or values of categories, as they are, in what they have learned."""
MAKES_NAMES = frozenset({"feature_extraction.BagOfWords", "feature_extraction.TFIDF", "preprocessing.OneHotEncoder"})
"""These make words, or values of categories, the names of features."""
KEEPS_NAMES = frozenset(
    name
    for name in ALLOWED
    if name.startswith(("linear_model.", "naive_bayes.", "tree.", "forest.")) or name.endswith("Scaler")
)
"""These, with their optimizers, keep the names of their features: words, where one of `MAKES_NAMES` comes before."""

_NAME_OF = {allowed.make: name for name, allowed in ALLOWED.items()}


def name_of(estimator: Any) -> str | None:
    """The name that an expression gives to an estimator's class; None when there is none."""
    return _NAME_OF.get(type(estimator))


def keeps_text(estimator: Any) -> bool:
    """Whether what an allowed estimator has learned may hold parts of texts or categories that it has read. It says so
    rather once too often: a `FeatureHasher` in between is not looked for."""
    names = set()
    for part in parts(estimator):
        names.add(name_of(part))
        names |= {name_of(inner) for inner in parts(getattr(part, "model", None))}
    return bool(names & KEEPS_TEXT or (names & MAKES_NAMES and names & KEEPS_NAMES))
