"""What it costs an attacker to stay below every rule: how much slower, or over how many more accounts.

The attack alone goes through the engine, again and again, each time twice as slow, or on twice as many accounts: what
makes accounts, devices and networks dear is what such a factor costs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from engine.sim.attacks import Event

FACTORS = (2, 4, 8, 16, 32, 64)
UNSEEN = 0.1
"""An attack evades the rules when they act on fewer of its accounts."""

Act = Callable[[Sequence[bytes]], set[str]]
"""The users that are acted on when these events come, and nothing else."""


@dataclass(frozen=True, slots=True)
class Evasion:
    """By which factor an attack has to be slowed down, or spread over accounts; None: more than all that were tried."""

    slower: int | None
    spread: int | None


def evasion(events: Sequence[Event], act: Act) -> Evasion:
    """What it costs this attack."""
    return Evasion(_least(events, slowed, act), _least(events, spread, act))


def slowed(events: Sequence[Event], factor: int) -> list[Event]:
    """The same, so many times slower from its first event on."""
    start = min(_time(event) for event in events)
    return [event | {"ts": start + factor * (_time(event) - start)} for event in events]


def spread(events: Sequence[Event], factor: int) -> list[Event]:
    """Each account's events in turn by so many accounts, on devices as they were."""
    turns: dict[object, int] = {}
    made = []
    for event in events:
        turn = turns[event["user_id"]] = turns.get(event["user_id"], -1) + 1
        made.append(event | {"user_id": f"{event['user_id']}-{turn % factor}"})
    return made


def _least(events: Sequence[Event], change: Callable[[Sequence[Event], int], list[Event]], act: Act) -> int | None:
    for factor in FACTORS:
        changed = sorted(change(events, factor), key=_time)
        users = {str(event["user_id"]) for event in changed}
        if len(act([orjson.dumps(event) for event in changed]) & users) < UNSEEN * len(users):
            return factor
    return None


def _time(event: Event) -> int:
    return int(str(event["ts"]))
