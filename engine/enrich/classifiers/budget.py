"""How many events of an hour a classifier is asked about, and how many of one user."""

import os
import time
from array import array
from collections.abc import Callable
from hashlib import blake2b

from engine.enrich.classifiers.options import BudgetOptions

_SLOTS = 65_536
_USUAL_SHARE = 20
_HOUR_S = 3_600


class HourlyBudget:
    """Users are counted in so many slots, which a secret of the process gives them: nobody can choose whose slot they
    fill."""

    def __init__(self, options: BudgetOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock, self._secret = options.per_hour, clock, os.urandom(16)
        self._most_of_one = options.per_user_hour or min(max(1, options.per_hour // _USUAL_SHARE), 65_535)
        self._begin()

    def take(self, user_id: str) -> bool:
        """Whether one more event of this user may be asked about."""
        if self._clock() - self._began >= _HOUR_S:
            self._begin()
        slot = self._slot(user_id)
        if self._taken >= self._most or self._by_user[slot] >= self._most_of_one:
            return False
        self._taken += 1
        self._by_user[slot] += 1
        return True

    def _begin(self) -> None:
        self._began, self._taken, self._by_user = self._clock(), 0, array("H", bytes(2 * _SLOTS))

    def _slot(self, user_id: str) -> int:
        hashed = blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=4, key=self._secret)
        return int.from_bytes(hashed.digest(), "little") % _SLOTS
