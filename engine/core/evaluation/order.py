"""Whose events come in another order than their times say: each of them could be alone in its window.

An event is decided with the counts as of its own time. Whoever writes falling times into their events has sent nothing
before any of them, however much has come. A clock that is set back, two devices, a queue: some events of honest users
are earlier than one that came before. So a few are believed, and one in nine for as long as that goes on.

What is known stands among the cooldowns of the user's record, as it ends like one: when there has been nothing of the
kind for a while.
"""

from engine.core.domain.events import Event
from engine.core.state.entities import MAX_LATENESS_MS, EntityRecord
from engine.core.values.hashing import hash32
from engine.core.values.identity import CLOCK_SKEW

MOST_BELIEVED = 8
"""So many events that are earlier than the newest are believed, and one more for eight that come in order."""
_LATE, _IN_ORDER = 8, 1
_MOST_NOTED = 256
OUT_OF_ORDER = hash32("out of order")
"""Under which it stands among the cooldowns."""


def note_in_order(record: EntityRecord) -> None:
    """An event is the newest of its user."""
    weight = _weight(record)
    if weight > _IN_ORDER:
        record.cooldowns[OUT_OF_ORDER] = record.cooldowns[OUT_OF_ORDER][0], weight - _IN_ORDER
    else:
        record.cooldowns.pop(OUT_OF_ORDER, None)


def placed(event: Event, record: EntityRecord, now: int) -> int:
    """When an event counts that says that it is earlier than the newest of its user: at its own time, or, where too
    many have said so and its arrival is known, when it arrives, and no earlier than the newest. That may lie ahead by
    the tolerance: what stands before many that lie ahead would be read as what has been forgotten."""
    weight = min(_weight(record) + _LATE, _MOST_NOTED)
    record.cooldowns[OUT_OF_ORDER] = record.newest, weight
    if weight <= MOST_BELIEVED * _LATE or CLOCK_SKEW not in event.fields:
        return now
    skew_ms = event.fields[CLOCK_SKEW]  # None where the arrival is all that is known
    arrived_ms = event.ts_ms if event.is_skewed or skew_ms is None else event.ts_ms - skew_ms
    record.newest = max(record.newest, record.relative(arrived_ms))
    event.fields["ts"] = event.ts_ms = record.base_ms + record.newest
    event.is_skewed = True
    return record.newest


def _weight(record: EntityRecord) -> int:
    """How much is out of order: nothing where that is so long ago that `trim` may have dropped it."""
    time, weight = record.cooldowns.get(OUT_OF_ORDER, (0, 0))
    return weight if time + weight >= record.newest - MAX_LATENESS_MS else 0
