"""How long numbers of schemas that lead to nothing may hold up a source: whoever writes a message chooses one."""

import time
from collections.abc import Callable

MOST_S = 60.0
SHARE = 0.1
"""A minute at first, and of the time after that a tenth."""

LEAST_S = 0.02
"""What each costs at least: so few are asked for a second, however fast the registry answers."""


class Patience:
    """Time that may be spent. `clock`: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._left_s, self._at_s = clock, MOST_S, clock()

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left for now."""
        return self._left() <= 0

    def spend(self, seconds: float) -> None:
        """So long nothing came of it."""
        self._left_s = self._left() - max(LEAST_S, seconds)

    def _left(self) -> float:
        now_s = self._clock()
        self._left_s = min(MOST_S, self._left_s + SHARE * (now_s - self._at_s))
        self._at_s = now_s
        return self._left_s
