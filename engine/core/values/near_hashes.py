"""Which of very many hashes of 256 bits are near one that is asked for: exact, without looking at all of them.

A hash is 16 chunks of 16 bits. One that differs in at most 31 bits differs in at most one bit of some chunk, by the
pigeonhole principle. So those that have a chunk in common with it, or all but one bit of a chunk, are the candidates
(multi-index hashing; Norouzi, Punjani and Fleet, 2012). Where there are so many that looking at all costs less, all are
looked at: whatever is asked for, and whatever is in there, a question costs no more than that.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

MOST_DISTANT = 31
"""So far exactly one changed bit of a chunk is enough."""

HASH_BYTES = 32

Words = np.ndarray[Any, np.dtype[np.uint64]]
"""Hashes, each as four words."""

_CHUNKS, _CHUNK_VALUES, _WORDS = 16, 1 << 16, 4
_ONE_CHANGED = np.array([0, *(1 << bit for bit in range(16))], np.uint16)
_FIRST_BUCKETS = (np.arange(_CHUNKS, dtype=np.int64) * _CHUNK_VALUES)[:, None]
_CHEAPER = 20
"""Looking at one candidate costs as much as looking at so many in a row."""

_BLOCK = 1 << 16
_FEW = 1_024
"""So many are looked at without an index."""

_MOST_TURNED = 2_048
"""So many candidates are looked at for one turned copy."""


class Near(NamedTuple):
    """A hash that is near, as its place among all, and in how many bits it differs."""

    place: int
    bits: int


def words_of(hashes: bytes) -> Words:
    """Hashes one behind the other, as they are asked for."""
    return np.frombuffer(hashes, np.uint64).reshape(-1, _WORDS)


class NearHashes:
    """`words`: the hashes, which stay as they are, until they are dropped."""

    def __init__(self, words: Words) -> None:
        self._columns = np.ascontiguousarray(words.T)
        self._dropped = np.zeros(len(words), np.bool_)
        if len(words) <= _FEW:
            return
        chunks = words.view(np.uint16)
        self._halves = np.ascontiguousarray(words[:, :2])
        self._places = np.empty(_CHUNKS * len(words), np.uint32)
        self._starts = np.empty(_CHUNKS * _CHUNK_VALUES + 1, np.int64)
        for number in range(_CHUNKS):
            first = number * len(words)
            self._places[first : first + len(words)] = np.argsort(chunks[:, number], kind="stable")
            sizes = np.bincount(chunks[:, number], minlength=_CHUNK_VALUES)
            self._starts[number * _CHUNK_VALUES : (number + 1) * _CHUNK_VALUES] = first + np.cumsum(sizes) - sizes
        self._starts[-1] = len(self._places)

    def __len__(self) -> int:
        return len(self._dropped)

    def hash_at(self, place: int) -> bytes:
        """One of the hashes."""
        return self._columns[:, place].tobytes()

    def drop(self, asked: Words) -> None:
        """Find one hash no more, however often it is there."""
        near = self.find(asked, 0)
        while near is not None:
            self._dropped[near.place] = True
            near = self.find(asked, 0)

    def find(self, asked: Words, most_bits: int) -> Near | None:
        """The nearest to one hash, if it differs in at most so many bits, which are at most 31."""
        assert 0 <= most_bits <= MOST_DISTANT
        if len(self) <= _FEW:
            return self._nearest_of_all(asked, most_bits)
        buckets = ((asked.view(np.uint16).reshape(_CHUNKS, 1) ^ _ONE_CHANGED) + _FIRST_BUCKETS).ravel()
        starts = self._starts[buckets]
        sizes = self._starts[buckets + 1] - starts
        if int(sizes.sum()) * _CHEAPER > len(self):
            return self._nearest_of_all(asked, most_bits)
        return self._nearest(_members(self._places, starts, sizes), asked, most_bits)

    def find_turned(self, asked: Words, most_bits: int) -> Near | None:
        """One that is near to one of these hashes, of which there may be several: of those that have a chunk in common
        with it. All that differ in up to 15 bits are looked at, if not very many have these chunks."""
        if len(self) <= _FEW:
            return _nearer(self._nearest_of_all(one, most_bits) for one in asked)
        buckets = asked.view(np.uint16).reshape(len(asked), _CHUNKS) + _FIRST_BUCKETS.ravel()
        starts = self._starts[buckets]
        sizes = self._starts[buckets + 1] - starts
        found = []
        for one, its_starts, its_sizes in zip(asked, starts, sizes, strict=True):
            smallest = np.argsort(its_sizes, kind="stable")
            kept = smallest[np.cumsum(its_sizes[smallest]) <= _MOST_TURNED]
            found.append(self._nearest(_members(self._places, its_starts[kept], its_sizes[kept]), one, most_bits))
        return _nearer(found)

    def _nearest(self, places: Any, asked: Words, most_bits: int) -> Near | None:
        """Of some: the first half of a hash rules nearly all out."""
        asked = asked.reshape(_WORDS)
        bits = _counted(self._halves.take(places, axis=0) ^ asked[:2])
        return self._first(places[bits[:, 0] + bits[:, 1] <= most_bits], asked, most_bits)

    def _nearest_of_all(self, asked: Words, most_bits: int) -> Near | None:
        asked = asked.reshape(_WORDS)
        found = []
        for start in range(0, len(self), _BLOCK):
            bits = np.zeros(min(_BLOCK, len(self) - start), np.uint16)
            for column, word in zip(self._columns, asked, strict=True):
                bits += _counted(column[start : start + _BLOCK] ^ word)
            found.append(self._first(start + np.flatnonzero(bits <= most_bits), asked, most_bits))
        return _nearer(found)

    def _first(self, places: Any, asked: Words, most_bits: int) -> Near | None:
        """The nearest of those that are not ruled out."""
        places = places[~self._dropped[places]]
        if not len(places):
            return None
        bits = _counted(self._columns[:, places] ^ asked[:, None]).sum(axis=0, dtype=np.uint16)
        first = int(np.argmin(bits))
        return Near(int(places[first]), int(bits[first])) if bits[first] <= most_bits else None


def _members(places: Any, starts: Any, sizes: Any) -> Any:
    """What is in these buckets, one behind the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return places.take(np.arange(total) + np.repeat(starts - ends + sizes, sizes))


def _nearer(found: Iterable[Near | None]) -> Near | None:
    return min((near for near in found if near is not None), key=lambda near: near.bits, default=None)


def _counted(words: Words) -> Any:
    """How many bits each word has."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words)
    return _of_sixteen()[np.ascontiguousarray(words).view(np.uint16)].reshape(*words.shape, 4).sum(-1, dtype=np.uint8)


@cache
def _of_sixteen() -> Any:
    """How many bits each number has; NumPy counts them from 2.0 on."""
    return np.array([number.bit_count() for number in range(_CHUNK_VALUES)], np.uint8)
