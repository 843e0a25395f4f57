"""How many users a rule acts on, as a share of those who are there: what keeps a bad edit from harming many.

A ledger is the record of one partition: who was active, and whom each rule would have acted on, as samples that slide
(`sketches.py`). Users are spread over partitions by a hash, so a share of a partition's is a share of all.
"""

from collections.abc import Callable

from engine.core.entities import EntityRecord
from engine.core.hashing import hash32
from engine.core.kernel import hash64
from engine.core.rules import Budget
from engine.core.sketches import add_approx_distinct, read_approx_distinct

SAMPLE = 256
"""Numbers above this are estimates, with a standard error of 7.5 %."""

MIN_USERS = 5
"""A rule may act on so many users of a partition in any case: of few, a share says nothing."""

_ACTIVE = hash32("active users")


def note_active(ledger: EntityRecord, user_id: str, ts_ms: int, longest_ms: int) -> None:
    """A user does something. `longest_ms`: the longest window of any budget."""
    add_approx_distinct(ledger.series.others, _ACTIVE, _at(ledger, ts_ms), hash64(user_id), SAMPLE, longest_ms)


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
    met = read_approx_distinct(series, budget.key, now, per_ms, SAMPLE) or 0
    active = read_approx_distinct(series, _ACTIVE, now, per_ms, SAMPLE) or 0
    if met <= max(MIN_USERS, budget.share * active):
        return True
    agreed = read_approx_distinct(series, budget.key + 1, now, per_ms, SAMPLE) or 0
    return budget.compares and 2 * agreed >= met


def _at(ledger: EntityRecord, ts_ms: int) -> int:
    """The ledger's time, which never goes back: late events count when they come."""
    ledger.newest = max(ledger.newest, ledger.relative(ts_ms) or 0)
    return ledger.newest
