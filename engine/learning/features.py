"""A model's inputs as a sparse vector, and the compact form in which they wait for a label.

Words and categories are hashed to indices (2^18 of them) and share one weight, so that long texts do
not outweigh short ones; numbers are put on a logarithmic scale. A missing number is a feature itself.
"""

import re
import struct
from array import array
from dataclasses import dataclass
from math import copysign, log1p, sqrt
from zlib import crc32

from engine.core.rules import ModelInputs, ModelSpec
from engine.errors import StateError

INDICES = 1 << 18
MAX_WORDS = 200
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
    except (struct.error, ValueError) as error:
        raise StateError(f"stored features cannot be read: {error}") from error
    return SparseFeatures(tuple(indices[:words]), dict(zip(indices[words:], values, strict=True)))


class Featurizer:
    """Turns a model's inputs into features. One for each model."""

    def __init__(self, spec: ModelSpec) -> None:
        self._numbers = [(_index(f"number {name}"), _index(f"missing {name}")) for name in spec.numbers]
        self._names = {
            index: name
            for name, indices in zip(spec.numbers, self._numbers, strict=True)
            for index, name in zip(indices, (name, f"{name} missing"), strict=True)
        }
        self._seeds = [crc32(f"text {name} ".encode()) for name in spec.texts]
        self._categories = [f"category {name} " for name in spec.categories]

    def __call__(self, inputs: ModelInputs) -> SparseFeatures:
        """The sparse vector of one event."""
        indices: dict[int, None] = {}
        for seed, text in zip(self._seeds, inputs.texts, strict=True):
            if text is not None:
                for word in _WORD.findall(text.lower())[:MAX_WORDS]:
                    indices[crc32(word.encode(), seed) % INDICES] = None
        for prefix, category in zip(self._categories, inputs.categories, strict=True):
            if category is not None:
                indices[_index(prefix + category)] = None
        numbers = {}
        for (index, missing), value in zip(self._numbers, inputs.numbers, strict=True):
            if value is None:
                numbers[missing] = 1.0
            else:
                numbers[index] = copysign(log1p(abs(value)), value) / 5
        return SparseFeatures(tuple(indices), numbers)

    def describe(self, features: SparseFeatures) -> dict[str, float]:
        """The numbers under their names, as scaled, and how many distinct words and categories there were."""
        named = {self._names[index]: value for index, value in features.numbers.items()}
        return {"words": float(len(features.indices)), **named}


def _index(name: str) -> int:
    return crc32(name.encode()) % INDICES
