"""How many users a rule acts on, as a share of those who are there: what keeps a bad edit from harming many.

A ledger is the record of one partition: who was active, and whom each rule would have acted on, as samples that slide
(`sketches.py`). Users are spread over partitions by a hash, so a share of a partition's is a share of all.
"""

from collections.abc import Callable, Iterable
from functools import cache

from engine.core.domain.rules import Budget
from engine.core.kernel import hash64
from engine.core.series.sketches import SampledSeries, add_approx_distinct
from engine.core.series.windows import SeriesByKey
from engine.core.state.entities import EntityRecord
from engine.core.values.hashing import hash32

SAMPLE = 256
"""Numbers above this are estimates, with a standard error of 7.5 %."""

MIN_USERS = 5
"""A rule may act on so many users of a partition in any case: of few, a share says nothing."""

_STEP_MS = 600_000
"""So far one event moves a ledger's time at most: a client may claim any time."""


def note_active(ledger: EntityRecord, user_id: str, ts_ms: int, windows: Iterable[int]) -> None:
    """A user does something. `windows`: the lengths of all budgets'."""
    now, user = _at(ledger, ts_ms), hash64(user_id)
    for per_ms in windows:
        add_approx_distinct(ledger.series.others, _active(per_ms), now, user, SAMPLE, per_ms)


def allows_one_more(
    ledger: EntityRecord, budget: Budget, user_id: str, ts_ms: int, held_before: Callable[[], bool] | None
) -> bool:
    """Whether a rule may act on this user too. Those on whom it may not count as well: it rests until it would act on
    few again. `held_before`: whether the version of the rule before its last change would have held too; where the
    budget compares with that one, a surge that both see is none of an edit's making. None: nobody can tell, as of an
    earlier event; then this user does not count."""
    now, series, user, per_ms = _at(ledger, ts_ms), ledger.series.others, hash64(user_id), budget.per_ms
    if held_before is not None:
        add_approx_distinct(series, budget.key, now, user, SAMPLE, per_ms)
        if budget.compares and held_before():
            add_approx_distinct(series, budget.key + 1, now, user, SAMPLE, per_ms)
    met = _users(series, budget.key, now, per_ms)
    if met <= max(MIN_USERS, budget.share * _users(series, _active(per_ms), now, per_ms)):
        return True
    return budget.compares and 2 * _users(series, budget.key + 1, now, per_ms) >= met


def _at(ledger: EntityRecord, ts_ms: int) -> int:
    """The ledger's time, which goes on in small steps and never back: late and early events count when they come."""
    now = ledger.relative(ts_ms)
    ledger.newest = max(ledger.newest, min(now, ledger.newest + _STEP_MS) if ledger.newest else now)
    return ledger.newest


def _users(series: SeriesByKey, key: int, now: int, per_ms: int) -> int:
    sample = series.get(key)
    return sample.estimate(now, per_ms, least=0) or 0 if isinstance(sample, SampledSeries) else 0


@cache
def _active(per_ms: int) -> int:
    return hash32(f"active users {per_ms}")
