"""How often a log says the same: with the brokers away, clients say it hundreds of times a second."""

import logging
import time
from collections.abc import Callable

_PERIOD_S = 10.0
_MOST = 5
_MAX_KINDS = 1_000


class RateLimit(logging.Filter):
    """Lets a warning or an error of one kind (logger, level, text before its values) through five times in ten seconds.
    The next one after that says in `left_out` how many like it there were. What is less serious always goes through."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int, str], _Period] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        if record.levelno < logging.WARNING:
            return True
        now_s, kind = self._clock(), (record.name, record.levelno, str(record.msg))
        period = self._kinds.get(kind)
        if period is None:
            if len(self._kinds) >= _MAX_KINDS:  # texts that differ each time
                self._kinds.clear()
            period = self._kinds[kind] = _Period(now_s)
        elif now_s - period.began_s >= _PERIOD_S:
            if period.left_out:
                record.left_out = period.left_out
            period = self._kinds[kind] = _Period(now_s)
        period.written += 1
        if period.written <= _MOST:
            return True
        period.left_out += 1
        return False


class _Period:
    __slots__ = ("began_s", "left_out", "written")

    def __init__(self, began_s: float) -> None:
        self.began_s, self.written, self.left_out = began_s, 0, 0
