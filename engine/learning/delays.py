"""How long labels of spam take: the survival curve of what has not been reported yet.

The times from event to label are counted in steps on a logarithmic scale; earlier ones fade. All of it is event time,
so the same examples give the same curve. An event that is presumed to be ham is presumed so when a label would have
come: its wait is drawn from the curve, so at any time as large a share of the ham is known as of the spam.
"""

import struct
from bisect import bisect_right
from itertools import accumulate
from math import exp2, isfinite, log2, sqrt

from engine.core.kernel import hash64

STEPS = 84
PER_DOUBLING = 4
LEAST_MS = 1_000
"""The first step has all labels that come within it."""
MOST_MS = LEAST_MS << STEPS // PER_DOUBLING
"""24 days: nobody waits longer, whatever labels say. Examples are kept for 30, and are to be read again."""
FADE = 0.999
"""What a time counts after one more label."""
FEWEST = 20.0
"""While labels count less together, nothing is known, and nobody waits."""
_MOST_COUNTED = 1 / (1 - FADE)
_COUNTS = struct.Struct(f"<{STEPS}d")


class Delays:
    """The times that labels have taken: how much they count, step by step."""

    def __init__(self, counts: tuple[float, ...] = (0.0,) * STEPS) -> None:
        self._counts = list(counts)
        self._sums: list[float] = []  # made when they are asked for

    def add(self, delay_ms: int, weight: float = 1.0) -> None:
        """One label that came so long after its event, and how much it counts, 0 to 1."""
        fade = 1 - (1 - FADE) * weight  # who is not trusted does not make others forgotten either
        self._counts = [count * fade for count in self._counts]
        self._counts[_step(delay_ms)] += weight
        self._sums = []

    @property
    def is_known(self) -> bool:
        """Whether enough labels tell."""
        return self._summed()[-1] >= FEWEST

    def come_by(self, ms: int) -> float:
        """The share of labels that has come so long after the event; 0 without any."""
        step, sums = _step(ms), self._summed()
        before = sums[step - 1] if step else 0.0
        begins_ms, ends_ms = _bound(step), _bound(step + 1)
        within = min(1.0, max(0, ms - begins_ms) / (ends_ms - begins_ms))
        return (before + within * (sums[step] - before)) / sums[-1] if sums[-1] else 0.0

    def time_of(self, share: float) -> int:
        """By when such a share of labels has come; 0 while that is not known."""
        sums = self._summed()
        if not self.is_known:
            return 0
        wanted = share * sums[-1]
        step = min(bisect_right(sums, wanted), bisect_right(sums, sums[-1] * (1 - 1e-12)))
        before = sums[step - 1] if step else 0.0
        begins_ms, ends_ms = _bound(step), _bound(step + 1)
        within = min(1.0, (wanted - before) / (sums[step] - before))
        return int(begins_ms + within * (ends_ms - begins_ms))

    def wait_ms(self, key: int) -> int:
        """How long the event with this key is waited for: the longer of two times that labels take. So of the events
        that are spam, a third is presumed to be ham in the meantime; it would be a half with one."""
        return self.time_of(sqrt(hash64(f"wait {key:016x}") / (1 << 64)))

    def dump(self) -> bytes:
        """As bytes; none of nothing."""
        return _COUNTS.pack(*self._counts) if any(self._counts) else b""

    @classmethod
    def load(cls, data: bytes) -> "Delays":
        """What `dump` wrote. Raises ValueError."""
        if not data:
            return cls()
        if len(data) != _COUNTS.size:
            raise ValueError(f"{len(data)} bytes are not the times of labels")
        counts = _COUNTS.unpack(data)
        if not all(isfinite(count) and 0 <= count <= _MOST_COUNTED for count in counts):
            raise ValueError("these are not the times of labels")
        return cls(counts)

    def _summed(self) -> list[float]:
        if not self._sums:
            self._sums = list(accumulate(self._counts))
        return self._sums


def _step(ms: int) -> int:
    return min(STEPS - 1, int(PER_DOUBLING * log2(ms / LEAST_MS))) if ms > LEAST_MS else 0


def _bound(step: int) -> int:
    """Where a step begins."""
    return int(LEAST_MS * exp2(step / PER_DOUBLING)) if step else 0
