"""What an estimator of River's has learned, as bytes, and back: numbers, texts and lists, nothing that could run.

    bytes      MessagePack: [VERSION, state]
    state      of an object: {attribute: state}, as `_KEEPING` below lists them for its class
               of a pipeline, a union, an ensemble: [state, ...], in the order of the expression
               of anything else: as its kind in `engine.learning.state_kinds` says, and `engine.learning.tree_state`

Which class an object has is never told: a state goes into an estimator that the expression has made, which knows.
A state that does not fit it, to the last attribute, is refused.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from river import compose, ensemble, feature_extraction, linear_model, naive_bayes, optim, preprocessing, proba, stats
from river.forest import ARFClassifier
from river.tree import HoeffdingTreeClassifier

from engine.errors import SnapshotError
from engine.learning.allowed_estimators import ALLOWED
from engine.learning.ngrams import HashedNgrams
from engine.learning.packed import MAX_ENTRIES, Room, items_of, measure
from engine.learning.state_kinds import (
    COUNT,
    COUNTS,
    FINITE,
    KEYS,
    NUMBERS,
    OBJECT,
    POSITIVE,
    STATE,
    Attributes,
    Dice,
    Kind,
    Members,
    Moments,
    Ngrams,
    Number,
    NumbersByTwo,
    Steps,
)
from engine.learning.tree_state import Forest, Tree

VERSION = 1

_MOMENTS, _STEPS = Moments(), Steps()
_BAYES: Mapping[str, Kind] = {"class_counts": COUNTS, "class_totals": COUNTS, "feature_totals": COUNTS,
                              "feature_counts": NumbersByTwo(0)}  # fmt: skip
_LINEAR: Mapping[str, Kind] = {
    "intercept": FINITE, "_weights": NUMBERS, "max_cum_l1": FINITE, "cum_l1": NUMBERS, "optimizer": OBJECT,
}  # fmt: skip
_BAGGED: Mapping[str, Kind] = {"data": _STEPS, "_rng": Dice(), "wrong_weight": COUNTS, "correct_weight": COUNTS}

_KEEPING: Mapping[type, Mapping[str, Kind]] = {
    ensemble.AdaBoostClassifier: _BAGGED,
    ensemble.BaggingClassifier: _BAGGED,
    feature_extraction.TFIDF: {"dfs": COUNTS, "n": COUNT},
    linear_model.ALMAClassifier: {"w": NUMBERS, "k": Number(1, 2**62, whole=True)},
    linear_model.LogisticRegression: _LINEAR,
    linear_model.PAClassifier: {"weights": NUMBERS, "intercept": FINITE},
    linear_model.Perceptron: _LINEAR,
    naive_bayes.BernoulliNB: _BAYES,
    naive_bayes.ComplementNB: _BAYES,
    naive_bayes.GaussianNB: {"class_counts": COUNTS, "gaussians": Members(Members(OBJECT))},
    naive_bayes.MultinomialNB: _BAYES,
    optim.AMSGrad: {"n_iterations": COUNT, "m": NUMBERS, "v": COUNTS, "v_hat": COUNTS},
    optim.AdaBound: {"n_iterations": COUNT, "m": NUMBERS, "v": COUNTS, "final_lr": FINITE},
    optim.AdaDelta: {"n_iterations": COUNT, "g2": COUNTS, "s2": COUNTS},
    optim.AdaGrad: {"n_iterations": COUNT, "g2": COUNTS},
    optim.AdaMax: {"n_iterations": COUNT, "m": NUMBERS, "u": COUNTS},
    optim.Adam: {"n_iterations": COUNT, "m": _MOMENTS, "v": _MOMENTS},
    optim.FTRLProximal: {"n_iterations": COUNT, "z": NUMBERS, "n": COUNTS},
    optim.Momentum: {"n_iterations": COUNT, "s": NUMBERS},
    optim.Nadam: {"n_iterations": COUNT, "m": NUMBERS, "v": COUNTS},
    optim.NesterovMomentum: {"n_iterations": COUNT, "s": NUMBERS},
    optim.RMSProp: {"n_iterations": COUNT, "g2": _MOMENTS},
    optim.SGD: {"n_iterations": COUNT},
    preprocessing.FeatureHasher: {"_seed": Number(0, 2**32 - 1, whole=True)},
    preprocessing.MaxAbsScaler: {"abs_max": Members(OBJECT)},
    preprocessing.MinMaxScaler: {"min": Members(OBJECT), "max": Members(OBJECT)},
    preprocessing.OneHotEncoder: {"values": Members(KEYS), "_zero_dict": COUNTS},
    preprocessing.StandardScaler: {"counts": COUNTS, "means": NUMBERS, "vars": NUMBERS},
    proba.Gaussian: {"_var": OBJECT},
    stats.AbsMax: {"abs_max": POSITIVE},
    stats.Max: {"max": Number(finite=False)},
    stats.Mean: {"n": FINITE, "_mean": FINITE},
    stats.Min: {"min": Number(finite=False)},
    stats.Var: {"mean": OBJECT, "_S": FINITE},
}  # fmt: skip
STATE |= {allowed.make: Attributes({}) for allowed in ALLOWED.values()}  # what is not named above keeps nothing
STATE |= {made: Attributes(kinds) for made, kinds in _KEEPING.items()}
STATE |= dict.fromkeys((compose.Pipeline, compose.TransformerProduct, compose.TransformerUnion), _STEPS)
STATE |= {HashedNgrams: Ngrams(), HoeffdingTreeClassifier: Tree(), ARFClassifier: Forest()}


def dump_state(estimator: Any) -> bytes:
    """All that it has learned. Raises SnapshotError when it holds what cannot be learned anew: no finite number, a text
    in place of a number, or too much."""
    try:
        data = msgspec.msgpack.encode([VERSION, OBJECT.dump(estimator)])
        measure(data)
    except Exception as error:  # a learner may hold anything
        raise SnapshotError(f"what a {type(estimator).__name__} has learned cannot be written: {error}") from error
    return data


def load_state(estimator: Any, data: bytes) -> None:
    """Put what `dump_state` gave into an estimator that is fresh from the same expression. It predicts and learns as
    the other one from there on, to the last bit. Raises SnapshotError, and nothing else: throw the estimator away then.
    """
    try:
        measure(data)
        version, state = items_of(msgspec.msgpack.decode(data), 2)
        if version != VERSION or type(version) is not int:
            raise ValueError(f"its version is {version!r:.20}, not {VERSION}")
        OBJECT.load(estimator, state, Room(MAX_ENTRIES))
    except Exception as error:  # hostile bytes are no reason to fall
        raise SnapshotError(f"a learner of {len(data)} bytes cannot be read: {error}") from error
