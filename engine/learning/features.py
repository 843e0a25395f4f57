"""A model's inputs as a sparse vector, and the compact form in which an example carries it.

Words and categories are hashed to indices below 2^18 and share one weight, so that long texts do not
outweigh short ones; numbers have indices above, on a logarithmic scale. A missing number is a feature itself.
"""

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from engine.core.rules import ModelSpec, ModelTexts
from engine.errors import StateError
from engine.learning.words import INDEX_BITS, distinct, hash_words

WORD_INDICES = 1 << INDEX_BITS
_NUMBER_INDICES = 2**32 - WORD_INDICES
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
        """For the examples topic."""
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


@dataclass(frozen=True, slots=True)
class Words:
    """The distinct words and categories of a batch: event i's are `indices[bounds[i]:bounds[i + 1]]`."""

    indices: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    def count(self, place: int) -> int:
        """How many one event has."""
        return int(self.bounds[place + 1] - self.bounds[place])


class Featurizer:
    """Turns a model's inputs into features. One for each model.

    `numbers`: for each number of the spec, its index and the index that says that it is missing.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.numbers = [(_number(f"number {name}"), _number(f"missing {name}")) for name in spec.numbers]
        self._seeds = [crc32(f"text {name}".encode()) << 16 for name in spec.texts]
        self._prefixes = [f"category {name} " for name in spec.categories]

    def words(self, batch: Sequence[ModelTexts | None]) -> Words:
        """The words and categories of a batch of events; None = the model is not asked about it."""
        found = [hash_words([one and one[0][at] for one in batch], seed) for at, seed in enumerate(self._seeds)]
        for at, prefix in enumerate(self._prefixes):
            named = [(place, one[1][at]) for place, one in enumerate(batch) if one is not None]
            found.append(
                np.array(
                    [place << INDEX_BITS | _category(prefix + value) for place, value in named if value is not None],
                    np.uint64,
                )
            )
        joined = distinct(np.concatenate(found)) if found else np.zeros(0, np.uint64)
        bounds = np.searchsorted(joined, np.arange(len(batch) + 1, dtype=np.uint64) << np.uint64(INDEX_BITS))
        return Words((joined & np.uint64(WORD_INDICES - 1)).astype(np.uint32), bounds)


def _number(name: str) -> int:
    return WORD_INDICES + crc32(name.encode()) % _NUMBER_INDICES


def _category(name: str) -> int:
    return crc32(name.encode()) % WORD_INDICES
