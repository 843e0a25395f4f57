"""Times that attackers write into their events."""

from random import Random

from engine.core.domain.events import CLOCK_TOLERANCE_MS
from engine.sim.attacks import Event
from engine.sim.people import HOUR_MS

_DAY_MS = 24 * HOUR_MS
_FALL_MS = 10_000
_STRETCH_MS = 2 * CLOCK_TOLERANCE_MS - _FALL_MS
"""For so long times can fall by so much, and still be believed."""

_MINUTE_MS = 60_000
_FASTER = 1 + 2 * CLOCK_TOLERANCE_MS // _MINUTE_MS


def time_of(event: Event) -> int:
    """When an honest event happens."""
    return int(str(event["ts"]))


def ahead(rng: Random, event: Event, turn: int) -> Event:
    """An account's first event is hours ahead."""
    return event | {"ts": time_of(event) + rng.randrange(2 * HOUR_MS, 23 * HOUR_MS)} if turn == 0 else event


def back(rng: Random, event: Event, _: int) -> Event:
    """All are back by up to nine days."""
    return event | {"ts": time_of(event) - rng.randrange(HOUR_MS, 9 * _DAY_MS)}


def near(rng: Random, event: Event, _: int) -> Event:
    """All are off by what is believed."""
    return event | {"ts": time_of(event) + rng.randrange(-CLOCK_TOLERANCE_MS, CLOCK_TOLERANCE_MS)}


def falling(_: Random, event: Event, __: int) -> Event:
    """Each is earlier than the one that came before, whoever sent that."""
    begun_ms, passed_ms = divmod(time_of(event), _STRETCH_MS)
    return event | {"ts": begun_ms * _STRETCH_MS + CLOCK_TOLERANCE_MS - passed_ms * _FALL_MS // _STRETCH_MS}


def fast(_: Random, event: Event, __: int) -> Event:
    """A minute is told as five."""
    passed_ms = time_of(event) % _MINUTE_MS
    return event | {"ts": time_of(event) - CLOCK_TOLERANCE_MS + (_FASTER - 1) * passed_ms}
