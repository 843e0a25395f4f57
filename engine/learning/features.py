"""A model's inputs as a sparse vector, and the compact form in which they wait for a label.

Words and categories are hashed to indices (2^18 of them) and share one weight, so that long texts do
not outweigh short ones; numbers are put on a logarithmic scale. A missing number is a feature itself.
"""

import re
import struct
from array import array
from dataclasses import dataclass
from math import copysign, inf, isfinite, log1p, sqrt
from zlib import crc32

from engine.core.rules import ModelInputs, ModelSpec
from engine.errors import StateError

INDICES = 1 << 18
MAX_WORDS = 200
REMEMBERED_WORDS = 50_000
_WORD = re.compile(r"\w+", re.UNICODE)
_HEADER = struct.Struct("<HH")


@dataclass(frozen=True, slots=True)
class SparseFeatures:
    """Hashed indices that share one value, and indices with values of their own."""

    indices: tuple[int, ...]
    numbers: dict[int, float]

    def vector(self) -> dict[int, float]:
        """The form that River reads."""
        share = 1 / sqrt(len(self.indices)) if self.indices else 0.0
        vector = dict.fromkeys(self.indices, share)
        vector.update(self.numbers)
        return vector

    def encode(self) -> bytes:
        """For the state, and for the examples topic."""
        return b"".join(
            (
                _HEADER.pack(len(self.indices), len(self.numbers)),
                array("I", self.indices).tobytes(),
                array("I", self.numbers).tobytes(),
                array("d", self.numbers.values()).tobytes(),
            )
        )


def decode_features(data: bytes) -> SparseFeatures:
    """What `encode` wrote. Raises StateError for anything else."""
    try:
        words, numbers = _HEADER.unpack_from(data)
        if len(data) != _HEADER.size + 4 * words + 12 * numbers:
            raise ValueError(f"{len(data)} bytes do not hold {words} words and {numbers} numbers")
        indices, at = array("I"), _HEADER.size
        indices.frombytes(data[at : at + 4 * (words + numbers)])
        values = array("d")
        values.frombytes(data[at + 4 * (words + numbers) :])
        if not all(map(isfinite, values)):
            raise ValueError("a number is not finite")
    except (struct.error, ValueError) as error:
        raise StateError(f"stored features cannot be read: {error}") from error
    return SparseFeatures(tuple(indices[:words]), dict(zip(indices[words:], values, strict=True)))


class _WordIndices(dict[str, int]):
    """Where each word of one field is hashed to; the commonest words are hashed once."""

    def __init__(self, field: str) -> None:
        super().__init__()
        self._seed = crc32(f"text {field} ".encode())

    def __missing__(self, word: str) -> int:
        index = crc32(word.encode(), self._seed) % INDICES
        if len(self) < REMEMBERED_WORDS:
            self[word] = index
        return index


class Featurizer:
    """Turns a model's inputs into features. One for each model."""

    def __init__(self, spec: ModelSpec) -> None:
        self._numbers = [(_index(f"number {name}"), _index(f"missing {name}")) for name in spec.numbers]
        self._names = {
            index: name
            for name, indices in zip(spec.numbers, self._numbers, strict=True)
            for index, name in zip(indices, (name, f"{name} missing"), strict=True)
        }
        self._words = [_WordIndices(name) for name in spec.texts]
        self._categories = [f"category {name} " for name in spec.categories]

    def __call__(self, inputs: ModelInputs) -> SparseFeatures:
        """The sparse vector of one event."""
        indices: dict[int, None] = {}
        for words, text in zip(self._words, inputs.texts, strict=True):
            if text is not None:
                indices.update(dict.fromkeys(map(words.__getitem__, _WORD.findall(text.lower())[:MAX_WORDS])))
        for prefix, category in zip(self._categories, inputs.categories, strict=True):
            if category is not None:
                indices[_index(prefix + category)] = None
        numbers = {
            (missing if value is None or abs(value) == inf else index): _LOG[value]
            if type(value) is int and 0 <= value < _LOGS
            else _scaled(value)
            for (index, missing), value in zip(self._numbers, inputs.numbers, strict=True)
        }
        return SparseFeatures(tuple(indices), numbers)

    def describe(self, features: SparseFeatures) -> dict[str, float]:
        """The numbers under their names, as scaled, and how many distinct words and categories there were."""
        named = {self._names[index]: value for index, value in features.numbers.items()}
        return {"words": float(len(features.indices)), **named}


def _scaled(value: float | None) -> float:
    """A number on a logarithmic scale, with its sign; 1 for one that is missing or not finite."""
    return 1.0 if value is None or abs(value) == inf else copysign(log1p(abs(value)), value) / 5


_LOGS = 4_096
_LOG = [_scaled(value) for value in range(_LOGS)]


def _index(name: str) -> int:
    return crc32(name.encode()) % INDICES
