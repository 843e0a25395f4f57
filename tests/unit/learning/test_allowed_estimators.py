"""An argument may go as far as its bounds, and no further."""

from typing import Any

import pytest
from river import base, compose, ensemble, feature_extraction, linear_model, naive_bayes, optim, preprocessing

from engine.learning.allowed_estimators import ALLOWED, KEEPS_NAMES, Argument, is_part, keeps_text, name_of, parts
from engine.learning.ngrams import HashedNgrams

_LR, _FOREST, _TREE = "linear_model.LogisticRegression", "forest.ARFClassifier", "tree.HoeffdingTreeClassifier"
_BAG, _WORDS = "ensemble.BaggingClassifier", "feature_extraction.BagOfWords"


def argument(estimator: str, name: str) -> Argument:
    found = ALLOWED[estimator]
    wanted = found.parameters[name] if name else found.rest
    assert wanted is not None
    return wanted


def bayes() -> Any:
    return naive_bayes.MultinomialNB()


_BOUNDS: list[tuple[str, str, list[Any], list[Any]]] = [
    (_LR, "l2", [0, 0.5, 1_000], [-1e-9, 1_000.001, True, "1", float("nan"), None]),
    (_LR, "intercept_init", [-1e12, 1e12], [-1.1e12, 1.1e12]),
    (_LR, "intercept_lr", [0, optim.schedulers.Constant(1)], [-1, None]),
    (_LR, "optimizer", [None, optim.SGD()], [0.1]),
    (_FOREST, "seed", [0, 2**32 - 1, None], [-1, 2**32, 1.0, True]),
    (_FOREST, "max_features", ["sqrt", "log2", 1, 10_000, 0.5, 0, None], ["all", 10_001, -1, 1.5]),
    (_FOREST, "n_models", [2, 20], [1, 21]),
    (_TREE, "max_depth", [1, 200, None], [0, 201]),
    (_TREE, "merit_preprune", [True, False], [1, None]),
    (_BAG, "n_models", [2, 20], [1, 21]),
    (_WORDS, "on", ["", "a" * 200, None], ["a" * 201, 1]),
    (_WORDS, "stop_words", [(), ("a",) * 200, None], [("a",) * 201, ["a"], ("a" * 201,), (1,)]),
    (_WORDS, "ngram_range", [(1, 1), (1, 5), (5, 5)], [(0, 1), (2, 1), (1, 6), (True, 2), [1, 2], (1,), (1, 2, 3)]),
    ("HashedNgrams", "rates", [(), (0.5,) * 16], [(0.5,) * 17, [0.5], (-1,), ("a",)]),
    ("preprocessing.FeatureHasher", "n_features", [1, 1 << 20], [0, (1 << 20) + 1]),
    ("optim.Adam", "eps", [1e-30, 1], [0, 1.1]),
    ("linear_model.PAClassifier", "mode", [0, 2], [-1, 3]),
    ("naive_bayes.BernoulliNB", "true_threshold", [-1e12], [-1.1e12]),
]


@pytest.mark.parametrize(("estimator", "name", "allowed", "refused"), _BOUNDS, ids=range(len(_BOUNDS)))
def test_an_argument_may_be_at_its_bounds(estimator: str, name: str, allowed: list[Any], refused: list[Any]) -> None:
    one = argument(estimator, name)
    assert [value for value in allowed if not one.allows(value)] == []
    assert [value for value in refused if one.allows(value)] == []


def test_a_step_may_have_a_name() -> None:
    step = argument("compose.Pipeline", "")
    assert step.allows(bayes())
    assert step.allows(("a" * 200, bayes()))
    refused: list[Any] = [("a" * 201, bayes()), ("a", bayes(), 1), (1, bayes()), ["a", bayes()], ("a", "b"), "a"]
    assert [value for value in refused if step.allows(value)] == []


def test_a_model_of_an_ensemble_is_no_ensemble_and_has_no_ngrams() -> None:
    model = argument(_BAG, "model")
    assert model.allows(bayes())
    assert model.allows(compose.Select("a") | bayes())
    refused: list[Any] = [
        ensemble.BaggingClassifier(bayes(), n_models=2), HashedNgrams(), compose.Select("a") | HashedNgrams(),
        preprocessing.StandardScaler(), preprocessing.RobustScaler() | bayes(), None,
    ]  # fmt: skip
    assert [value for value in refused if model.allows(value)] == []


def test_a_part_has_a_name_and_transforms_or_classifies() -> None:
    assert is_part(preprocessing.StandardScaler())
    assert is_part(bayes())
    assert is_part(compose.Pipeline(bayes()))
    assert isinstance(preprocessing.RobustScaler(), base.Transformer)
    assert not is_part(preprocessing.RobustScaler())
    assert not is_part(optim.SGD())
    assert name_of(optim.SGD()) == "optim.SGD"
    assert name_of(1) is None


def test_parts_are_found_inside_of_pipelines_and_unions() -> None:
    whole = (compose.Select("a") + compose.Select("b")) | bayes()
    assert [name_of(part) for part in parts(whole)] == [
        "compose.Pipeline", "compose.TransformerUnion", "compose.Select", "compose.Select", "naive_bayes.MultinomialNB",
    ]  # fmt: skip


def test_scalers_and_models_keep_names_and_optimizers_do_not() -> None:
    assert {"preprocessing.StandardScaler", "naive_bayes.GaussianNB", _LR, _TREE, _FOREST} <= KEEPS_NAMES
    assert not {"optim.SGD", "preprocessing.Normalizer", _WORDS, "HashedNgrams"} & KEEPS_NAMES


def test_text_is_kept_by_words_that_become_names() -> None:
    words = feature_extraction.BagOfWords
    assert keeps_text(words() | bayes())
    assert not keeps_text(words() | preprocessing.Normalizer())
    assert not keeps_text(compose.Select("a") | linear_model.PAClassifier())
    assert keeps_text(feature_extraction.TFIDF())
    assert keeps_text(ensemble.BaggingClassifier(words() | bayes(), n_models=2))
