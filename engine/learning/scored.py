"""Events as they were scored, a batch in one piece, until their labels come.

A piece holds, for each model, its columns one after the other:

    model       name_length u8 | name | rows u32 | numbers u16 | words u32
    columns     rows x u64 event keys | rows x f64 scores (NaN = unknown) | 2 x numbers x u32 indices
                | rows x numbers x f64 values (NaN = missing) | rows x u32 words up to its end | words x u32
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from engine.errors import StateError
from engine.learning.features import SparseFeatures

_NAME = struct.Struct("<B")
_COUNTS = struct.Struct("<IHI")


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """What one model saw and said: its score (None = unknown) and the features."""

    name: str
    score: float | None
    features: SparseFeatures


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """What one model saw and said of many events, column by column. Event i's words end at `ends[i]`."""

    model: str
    indices: Sequence[tuple[int, int]]
    keys: NDArray[np.uint64]
    scores: NDArray[np.float64]
    numbers: NDArray[np.float64]
    ends: NDArray[np.int64]
    words: NDArray[np.uint32]

    def pieces(self, size: int) -> "Iterator[ScoredRows]":
        """The same in pieces of at most so many events."""
        for start in range(0, len(self.keys), size):
            rows = slice(start, start + size)
            first = int(self.ends[start - 1]) if start else 0
            ends = self.ends[rows]
            words = self.words[first : ends[-1]]
            yield ScoredRows(
                self.model, self.indices, self.keys[rows], self.scores[rows], self.numbers[rows], ends - first, words
            )

    def encode(self) -> bytes:
        """As a section of a piece."""
        name = self.model.encode()
        flat = np.array([index for pair in self.indices for index in pair], "<u4")
        counts = _COUNTS.pack(len(self.keys), len(self.indices), len(self.words))
        columns = (self.keys, self.scores, flat, self.numbers, self.ends.astype("<u4"), self.words)
        return b"".join((_NAME.pack(len(name)), name, counts, *(column.tobytes() for column in columns)))


def read_scored(piece: bytes | memoryview, keys: Iterable[int]) -> Iterator[tuple[int, ScoredModel]]:
    """What the models of a piece saw and said of these events. Raises StateError."""
    try:
        yield from _read(piece, np.array(list(keys), np.uint64))
    except (struct.error, ValueError) as error:
        raise StateError(f"stored features of {len(piece)} bytes cannot be read: {error}") from error


def _read(piece: bytes | memoryview, asked: NDArray[np.uint64]) -> Iterator[tuple[int, ScoredModel]]:
    at = 0
    while at < len(piece):
        (length,) = _NAME.unpack_from(piece, at)
        at += _NAME.size + length
        name = bytes(piece[at - length : at]).decode()
        rows, numbers, words = _COUNTS.unpack_from(piece, at)
        starts = [at + _COUNTS.size]
        for size in (8 * rows, 8 * rows, 8 * numbers, 8 * rows * numbers, 4 * rows, 4 * words):
            starts.append(starts[-1] + size)
        at = starts[-1]
        if at > len(piece):
            raise ValueError("it ends too early")
        keys = np.frombuffer(piece, "<u8", rows, starts[0])
        found = np.flatnonzero(np.isin(keys, asked)).tolist()
        scores = np.frombuffer(piece, "<f8", rows, starts[1])
        pairs = np.frombuffer(piece, "<u4", 2 * numbers, starts[2]).tolist()
        values = np.frombuffer(piece, "<f8", rows * numbers, starts[3]).reshape(rows, numbers)
        ends = np.frombuffer(piece, "<u4", rows, starts[4])
        indices = np.frombuffer(piece, "<u4", words, starts[5])
        for row in found:
            named = {
                missing if isnan(value) else index: 1.0 if isnan(value) else value
                for index, missing, value in zip(pairs[::2], pairs[1::2], values[row].tolist(), strict=True)
            }
            own = indices[ends[row - 1] if row else 0 : ends[row]].tolist()
            score = float(scores[row])
            seen = SparseFeatures(tuple(own), named)
            yield int(keys[row]), ScoredModel(name, None if isnan(score) else score, seen)
