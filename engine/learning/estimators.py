"""Any classifier or pipeline of River's as a learner, and as bytes.

Bytes are pickles, read by an unpickler that makes objects of River's classes, of numpy's arrays and of a few plain
ones, and calls nothing else: what comes from a topic cannot run anything.
"""

import io
import pickle
from typing import Any

from engine.errors import LabelError, SnapshotError
from engine.learning.features import Inputs, Names
from engine.learning.pipelines import read_pipeline

_PLAIN = {
    "builtins": {"set", "frozenset", "float", "int", "list", "dict", "str", "bool", "tuple", "object"},
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "copyreg": {"_reconstructor"},
    "datetime": {"datetime", "timedelta", "timezone"},
    "functools": {"partial"},
    "numpy": {"ndarray", "dtype"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "operator": {"itemgetter"},
    "random": {"Random"},
}
_RIVER = (
    "_river_rust", "active", "base", "compose", "drift", "ensemble", "feature_extraction", "feature_selection",
    "forest", "imblearn", "linear_model", "metrics", "multiclass", "naive_bayes", "neighbors", "neural_net", "optim",
    "preprocessing", "proba", "rules", "sketch", "stats", "tree", "utils",
)  # fmt: skip
"""What is below `river` and computes; other parts read files or load data."""
_FUNCTIONS = ("river.feature_extraction.", "river._river_rust.")
"""Functions below these read texts and count."""


class RiverLearner:
    """A classifier of River's. It reads texts, categories and numbers by name, in one dictionary."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._estimator = read_pipeline(expression)

    def probability(self, names: Names, inputs: Inputs) -> float:
        """The probability of spam; a half while it says nothing. Raises whatever the pipeline raises."""
        said = self._estimator.predict_proba_one(as_dictionary(names, inputs))
        found = float(said.get(True, 0.5 if not said else 1 - said.get(False, 1.0)))
        return found if 0 <= found <= 1 else 0.5

    def teach(self, names: Names, inputs: Inputs, spam: bool, push: float, given: float | None = None) -> float:
        """One label; returns the probability of spam that it would have given before. River's classifiers have no
        common way to weigh labels: `push` and `given` are left out. Raises LabelError when the pipeline does."""
        try:
            before = self.probability(names, inputs)
            self._estimator.learn_one(as_dictionary(names, inputs), spam)
        except Exception as error:  # a pipeline may do anything
            raise LabelError("pipeline_failed", f"{self.expression} cannot learn this: {error!r}") from error
        return before

    def take_back(self, names: Names, inputs: Inputs, score: float, push: float) -> None:
        """River's classifiers cannot forget: nothing happens."""

    def dump(self) -> bytes:
        """All that it has learned. Raises SnapshotError when it cannot be written."""
        try:
            return pickle.dumps(self._estimator, protocol=5)
        except Exception as error:  # a pipeline may hold anything, and be nested deeply
            raise SnapshotError(f"what {self.expression} has learned cannot be written: {error!r}") from error

    @classmethod
    def load(cls, expression: str, data: bytes) -> "RiverLearner":
        """What `dump` wrote. Raises SnapshotError."""
        learner = cls(expression)
        try:
            loaded = _Unpickler(io.BytesIO(data)).load()
        except SnapshotError:
            raise
        except Exception as error:  # an unpickler raises anything
            raise SnapshotError(f"a learner of {len(data)} bytes cannot be read: {error!r}") from error
        if type(loaded) is not type(learner._estimator):
            raise SnapshotError(f"this is a {type(loaded).__name__}, not what {expression!r} describes")
        learner._estimator = loaded
        return learner


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            return _method
        package, _, rest = module.partition(".")
        plain = name in _PLAIN.get(module, ())
        if "." not in name and (plain or (package == "river" and rest.partition(".")[0] in _RIVER)):
            found = super().find_class(module, name)
            own = isinstance(found, type) and found.__module__ == module
            if plain or own or name.startswith("__pyx_unpickle") or module.startswith(_FUNCTIONS):
                return found
        raise SnapshotError(f"a learner must not hold {module}.{name}")


def _method(owner: Any, name: str) -> Any:
    """What bound methods are pickled as: only public ones, of what extracts features and of strings."""
    if name.startswith("_") or not (owner is str or type(owner).__module__.startswith("river.feature_extraction.")):
        raise SnapshotError(f"a learner must not hold {name} of {type(owner).__name__}")
    return getattr(owner, name)


def as_dictionary(names: Names, inputs: Inputs) -> dict[str, float | str]:
    """What was read, by name, without what was missing."""
    named = [*zip(names.texts, inputs.texts, strict=True), *zip(names.categories, inputs.categories, strict=True)]
    numbers = zip(names.numbers, inputs.numbers, strict=True)
    return {name.removeprefix("event."): value for name, value in (*named, *numbers) if value is not None}
