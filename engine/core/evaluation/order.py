"""When an event counts whose user has sent later ones before it.

An event is decided with the counts as of its own time. Whoever writes falling times into their events has sent nothing
before any of them, however much has come; and what stands before many that lie ahead stands where counters have
forgotten already. A clock that is set back, two devices, a queue: some events of honest users are earlier than one that
came before. So a few are believed, and one in nine for as long as that goes on.

Only events count here. What follows from them (labels, hits) comes at another moment live than offline.
"""

from engine.core.domain.events import Event
from engine.core.state.entities import EntityRecord
from engine.core.state.order import Order

MOST_BELIEVED = 8
"""So many events that are earlier than the newest are believed, and one more for each eight that come in order."""
_LATE, _IN_ORDER = 8, 1
_MOST_NOTED = 256
_FORGOTTEN_MS = 86_400_000
"""After so long without events all is in order again."""


def note_later(record: EntityRecord, now: int) -> None:
    """Something that is no event has been entered at `now`."""
    if now > record.newest:
        if record.order is None:
            record.order = Order(record.newest)
        record.newest = now


def placed(event: Event, record: EntityRecord, now: int) -> int:
    """The time at which an event counts; its own is `now`. Where it is another, the event has it too."""
    order = record.order or Order(record.newest)
    arrived = event.arrived_ms - record.base_ms if event.arrived_ms is not None else None
    if now >= order.newest:
        _make_up(order, now - order.newest)
        order.newest = now
    elif arrived is not None and arrived >= order.newest - order.ahead_ms:  # else arrivals fall: no sender's doing
        order.disorder = min(order.disorder + _LATE, _MOST_NOTED)
        if order.disorder > MOST_BELIEVED * _LATE:
            order.newest = now = max(order.newest, arrived)
            event.fields["ts"] = event.ts_ms = record.base_ms + now
            event.is_skewed = True
    else:
        return now
    record.newest = max(record.newest, order.newest)
    order.ahead_ms = max(order.newest - arrived, 0) if arrived is not None else 0
    is_told = order.disorder or order.ahead_ms or record.newest > order.newest
    record.order = order if is_told else None
    return now


def _make_up(order: Order, by_ms: int) -> None:
    """An event comes so long after the newest."""
    if by_ms >= _FORGOTTEN_MS:
        order.disorder = 0
    elif by_ms:
        order.disorder = max(order.disorder - _IN_ORDER, 0)
