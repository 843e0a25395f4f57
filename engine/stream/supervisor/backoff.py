"""How long a worker that has ended waits until it is started again."""

from collections.abc import Callable

_FIRST_S = 1.0
_LONGEST_S = 30.0
_SOUND_AFTER_S = 60.0


class Backoff:
    """A second, then twice as long each time, thirty seconds at most; a second again after a run of a minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next_s = _FIRST_S
        self._started_s = clock()

    def note_start(self) -> None:
        """It runs from now on."""
        self._started_s = self._clock()

    def note_end(self) -> float:
        """It has ended. For so many seconds it waits."""
        if self._clock() - self._started_s >= _SOUND_AFTER_S:
            self._next_s = _FIRST_S
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, _LONGEST_S)
        return wait_s
