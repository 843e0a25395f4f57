"""How often something is tried again: a share of what is asked. A service in trouble is not asked twice as much."""

_SHARE, _MOST = 0.1, 10.0


class RetryBudget:
    """Each request earns a tenth of a retry; ten of them are kept at most."""

    def __init__(self) -> None:
        self._left = _MOST

    def earn(self) -> None:
        """A request has been made for the first time."""
        self._left = min(_MOST, self._left + _SHARE)

    def take(self) -> bool:
        """Whether something may be tried again."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
