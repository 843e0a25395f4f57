"""Whether scores are right where it matters to whom: calibration by country, by language, of new users and of old.

All scores together may be right though those of one slice are too high and those of another too low. A slice is off
where as many spam, or as few, as there were could hardly be by chance if its scores were right, and by a share that
matters.
"""

from collections import Counter, deque
from collections.abc import Sequence
from math import sqrt
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from engine.learning.metrics import calibration_error

WINDOW = 2_000
"""So many labels tell; older ones are about another model and other spam."""
MOST_SLICED = 4
"""By so many names a model's events are sliced at most."""
MOST_VALUES = 64
"""So many values of each are known at a time, the most frequent; all others are one."""
MOST_TOLD = 8
FEWEST = 50
"""With fewer labels nothing is said of a slice."""
TOLERATED = 0.05
"""By so much spam may be more, or less, frequent than the scores say."""
Z = 4.0
"""So many standard deviations away is no chance, though many slices are looked at again and again."""
MAX_CHARS = 64
OTHER, MISSING = "…", ""

_Column = tuple[Annotated[list[str], msgspec.Meta(max_length=MOST_VALUES + 2)], bytes]


class Slice(NamedTuple):
    """The labels of one value of one name: how many, what their events scored on average, the share of spam, the
    calibration error, and whether it is off."""

    name: str
    value: str
    n: int
    mean_score: float
    share: float
    ece: float
    is_off: bool

    @property
    def gap(self) -> float:
        """By how much spam is more frequent than the scores say."""
        return self.share - self.mean_score


class _Dumped(msgspec.Struct, array_like=True):
    names: Annotated[list[str], msgspec.Meta(max_length=MOST_SLICED)]
    scores: bytes
    spam: bytes
    columns: Annotated[list[_Column], msgspec.Meta(max_length=MOST_SLICED)]


class SlicedLabels:
    """The last labels, with the scores that their events were given and the slices that these belong to."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._begin(names)

    def add(self, score: float | None, spam: bool, names: tuple[str, ...], values: Sequence[str | None]) -> None:
        """One label. Under other names than before it begins anew."""
        if names != self.names:
            self._begin(names)
        if score is None or not names:
            return
        is_full = len(self._seen) == WINDOW
        self._seen.append((float(np.float32(score)), spam))
        for place, value in enumerate(values):
            counts = self._counts[place]
            if is_full:
                oldest = self._columns[place].popleft()
                counts[oldest] -= 1
                if not counts[oldest]:
                    del counts[oldest]  # it takes no place
            known = self._known(place, value[:MAX_CHARS] if value else MISSING)
            self._columns[place].append(known)
            counts[known] += 1

    def _begin(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._seen: deque[tuple[float, bool]] = deque(maxlen=WINDOW)
        self._columns: list[deque[str]] = [deque() for _ in names]
        self._counts: list[Counter[str]] = [Counter() for _ in names]

    def _known(self, place: int, value: str) -> str:
        """The value, in whose place the rarest gives way where there are too many."""
        counts = self._counts[place]
        named = [name for name in counts if name not in (OTHER, MISSING)]
        if value in counts or value in (OTHER, MISSING) or len(named) < MOST_VALUES:
            return value
        rarest = min(named, key=lambda name: (counts[name], name))
        if counts[rarest] > 1:
            return OTHER
        self._columns[place] = deque(OTHER if each == rarest else each for each in self._columns[place])
        counts[OTHER] += counts.pop(rarest)
        return value

    def slices(self) -> list[Slice]:
        """How the largest slices stand."""
        scores, spam = [score for score, _ in self._seen], [is_spam for _, is_spam in self._seen]
        return slices_of(self.names, scores, spam, self._columns)

    def dump(self) -> bytes:
        """As bytes."""
        if not self.names:
            return b""
        columns = list[_Column]()
        for column in self._columns:
            values = sorted(set(column))
            places = {value: place for place, value in enumerate(values)}
            columns.append((values, bytes(places[value] for value in column)))
        scores, spam = (np.array([one[part] for one in self._seen], kind) for part, kind in ((0, "<f4"), (1, "u1")))
        return msgspec.msgpack.encode(_Dumped(list(self.names), scores.tobytes(), spam.tobytes(), columns))

    @classmethod
    def load(cls, data: bytes) -> "SlicedLabels":
        """What `dump` wrote. Raises ValueError."""
        if not data:
            return cls()
        dumped = msgspec.msgpack.decode(data, type=_Dumped)
        count = len(dumped.spam)
        scores = np.frombuffer(dumped.scores, "<f4")
        if count > WINDOW or len(scores) != count or not np.isfinite(scores).all():
            raise ValueError("these are not the scores of slices")
        if len(dumped.columns) != len(dumped.names) or any(
            len(places) != count or max(places, default=-1) >= len(values) for values, places in dumped.columns
        ):
            raise ValueError("these are not the slices of as many labels")
        loaded = cls(tuple(dumped.names))
        loaded._seen.extend((score, spam == 1) for score, spam in zip(scores.tolist(), dumped.spam, strict=True))
        loaded._columns = [deque(values[place] for place in places) for values, places in dumped.columns]
        loaded._counts = [Counter(column) for column in loaded._columns]
        return loaded


def late_slices(
    names: Sequence[str], scores: Sequence[float], spam: Sequence[bool], told: Sequence[Sequence[str | None]]
) -> list[Slice]:
    """Of the second half of events. `told`: what each is told by, the values of these names last."""
    half, many = len(scores) // 2, len(names)
    columns = [[values[place - many] or MISSING for values in told[half:]] for place in range(many)]
    return slices_of(names, scores[half:], spam[half:], columns)


def slices_of(
    names: Sequence[str], scores: Sequence[float], spam: Sequence[bool], columns: Sequence[Sequence[str]]
) -> list[Slice]:
    """The largest slices by each name. `columns`: the values of all events, by name."""
    found = list[Slice]()
    for name, column in zip(names, columns, strict=True):
        places: dict[str, list[int]] = {}
        for place, value in enumerate(column):
            places.setdefault(value, []).append(place)
        for value in sorted(places, key=lambda value: (-len(places[value]), value))[:MOST_TOLD]:
            own = places[value]
            if len(own) >= FEWEST:
                found.append(_slice(name, value, [scores[at] for at in own], [spam[at] for at in own]))
    return found


def _slice(name: str, value: str, scores: Sequence[float], spam: Sequence[bool]) -> Slice:
    count = len(scores)
    mean, share = sum(scores) / count, sum(spam) / count
    chance = sqrt(sum(score * (1 - score) for score in scores)) / count
    is_off = abs(share - mean) > max(TOLERATED, Z * chance)
    return Slice(name, value, count, mean, share, calibration_error(scores, spam) or 0.0, is_off)
