"""Strikes on ladders: an event is one, however many rules of the ladder meet it, until it decays or is forgiven.

In the record of its user a ladder's strikes are a distinct series: each rule that meets an event enters the event, so
it stays a strike until the actions of all of them are taken back.
"""

from typing import NamedTuple

from engine.core.kernel import add_distinct, read_distinct
from engine.core.series.distincts import remove_distinct
from engine.core.state.entities import MAX_LATENESS_MS, EntityRecord
from engine.core.values.bounds import least_of

MAX_STRIKES = 64


class Strike(NamedTuple):
    """What one rule has entered: on which ladder, by its key, and a hash of the event."""

    ladder: int
    event: int


def enter(record: EntityRecord, strike: Strike, now: int, decay_ms: int) -> int:
    """Enter a strike; returns of how many different events there are some."""
    series = record.series.distincts
    add_distinct(series, strike.ladder, now, strike.event, MAX_STRIKES, decay_ms + MAX_LATENESS_MS)
    return max(1, int(least_of(read_distinct(series, strike.ladder, now, decay_ms)) or 1))


def count(record: EntityRecord, ladder: int, now: int, decay_ms: int) -> int:
    """Of how many different events there are strikes."""
    return int(least_of(read_distinct(record.series.distincts, ladder, now, decay_ms)) or 0)


def forgive(record: EntityRecord, strike: Strike) -> bool:
    """Take back what one rule has entered; False where it is not there any more."""
    return remove_distinct(record.series.distincts, strike.ladder, strike.event)
