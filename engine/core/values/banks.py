"""Banks: lists of hashes of pictures, in which whatever differs in few enough bits is found, turned and mirrored copies
and negatives too."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from engine.core.values.lists import LiveList
from engine.core.values.near_hashes import HASH_BYTES, MOST_DISTANT, Near, NearHashes, Words, words_of

_DIGITS = 2 * HASH_BYTES
_MOST_REMEMBERED = 4_096
"""Answers: a ring posts the same pictures again and again."""

_MOST_NEW = 1_024
"""So many entries are looked through one by one before all of them get an index."""

_SIDE = 16
_NUMBERS = np.arange(_SIDE) % 2 == 0
"""Of the frequencies along one side, those that change their signs when a picture is mirrored."""


class Match(NamedTuple):
    """The entry that is nearest to a hash, and in how many bits it differs from it."""

    entry: str
    bits: int


def hash_of(written: Any) -> str | None:
    """A hash in its usual writing, 64 hexadecimal digits in small letters; None of anything else."""
    if type(written) is not str or len(written) != _DIGITS or not written.isascii() or not written.isalnum():
        return None
    try:
        return f"{int(written, 16):0{_DIGITS}x}"
    except ValueError:
        return None


def turned(words: Words) -> Words:
    """The hashes of a picture turned and mirrored: seven, nearly as if they were made of the pixels.

    Turning moves frequencies and changes signs. A bit says whether one is above the median, which is near to zero:
    changed signs are changed bits.
    """
    bits = np.unpackbits(words.view(np.uint8)).reshape(_SIDE, _SIDE)[::-1, ::-1]
    rows, columns = _NUMBERS[:, None], _NUMBERS[None, :]
    upright = [bits, bits ^ rows, bits ^ columns, bits ^ rows ^ columns]
    all_ways = np.array([*upright, *(one.T for one in upright)])[1:, ::-1, ::-1]
    return words_of(np.packbits(all_ways.reshape(7, -1), axis=1).tobytes())


def all_ways(words: Words) -> Words:
    """The same, and the hashes of the negatives of all eight: whose frequencies have other signs, each of them."""
    ways = turned(words)
    return np.concatenate((ways, ~words, ~ways))


class Bank(LiveList):
    """`fixed`: the entries that the rulebook itself has; `radius`: in how many bits what is looked up may differ;
    `data`: the name of a file that has more, if there is one."""

    def __init__(self, fixed: Iterable[str], radius: int = MOST_DISTANT, data: str | None = None) -> None:
        self.radius, self.data = radius, data
        self._base = NearHashes(words_of(b""))
        self._indexed = NearHashes(words_of(b""))
        self._new: dict[str, None] = {}
        self._unindexed: NearHashes | None = None
        self._answers: dict[str, Match | None] = {}
        super().__init__(fixed)

    def find(self, asked: str) -> Match | None:
        """The nearest entry within the radius: to the picture as it is, else to one that is turned, mirrored or a
        negative."""
        if not self and not len(self._base):
            return None
        if asked not in self._answers:
            if len(self._answers) >= _MOST_REMEMBERED:
                self._answers.clear()
            self._answers[asked] = self._search(asked)
        return self._answers[asked]

    def stand_on(self, hashes: NearHashes) -> None:
        """Have these beside all entries."""
        if hashes is not self._base:
            self._base = hashes
            self._answers.clear()

    def add(self, entry: str) -> None:
        """Have one entry more, which is a hash in its usual writing."""
        if not set.__contains__(self, entry):
            set.add(self, entry)
            self._new[entry] = None
            self._unindexed = None
            self._answers.clear()

    def discard(self, entry: object) -> None:
        """Have one less, if it is there."""
        if isinstance(entry, str) and set.__contains__(self, entry):
            set.discard(self, entry)
            self._indexed.drop(_words((entry,)))
            self._new.pop(entry, None)
            self._unindexed = None
            self._answers.clear()

    def clear(self) -> None:
        """Have none."""
        set.clear(self)
        self._indexed, self._unindexed = NearHashes(words_of(b"")), None
        self._new.clear()
        self._answers.clear()

    def __contains__(self, value: object) -> bool:
        asked = hash_of(value)
        return asked is not None and self.find(asked) is not None

    def _members(self, entry: str) -> tuple[str, ...]:
        written = hash_of(entry)
        return (written,) if written is not None else ()

    def _search(self, asked: str) -> Match | None:
        if len(self._new) > _MOST_NEW:
            self._indexed, self._unindexed = NearHashes(_words(self)), None
            self._new.clear()
        if self._unindexed is None:
            self._unindexed = NearHashes(_words(self._new))
        hashes, words = (self._base, self._indexed, self._unindexed), _words((asked,))
        found = [(near, each) for each in hashes if (near := each.find(words, self.radius)) is not None]
        if not found:
            others = all_ways(words)
            found = [(near, each) for each in hashes if (near := each.find_turned(others, self.radius)) is not None]
        nearest = min(found, key=lambda one: one[0].bits, default=None)
        return _match(*nearest) if nearest is not None else None


def _match(near: Near, hashes: NearHashes) -> Match:
    return Match(hashes.hash_at(near.place).hex(), near.bits)


def _words(entries: Iterable[str]) -> Words:
    return words_of(bytes.fromhex("".join(entries)))
