"""What it costs an attacker to stay below a rule."""

from collections import Counter
from collections.abc import Sequence

import orjson
import pytest

from engine.sim.attacks import Event
from engine.sim.evasion import Evasion, evasion, slowed, spread

ATTACK: list[Event] = [{"event_id": f"e{at}", "user_id": f"u{at % 3}", "ts": 1_000 + at * 100} for at in range(240)]


class Act:
    """Acts on users with more events than that within so long, counted from the first event on."""

    def __init__(self, limit: int, within_ms: int) -> None:
        self._limit, self._within_ms = limit, within_ms

    def __call__(self, lines: Sequence[bytes]) -> set[str]:
        counts: Counter[tuple[str, int]] = Counter()
        for line in lines:
            event = orjson.loads(line)
            counts[event["user_id"], event["ts"] // self._within_ms] += 1
        return {user for (user, _), count in counts.items() if count > self._limit}


def test_slower_keeps_the_beginning_and_the_order() -> None:
    changed = slowed(ATTACK, 4)
    assert [event["ts"] for event in changed[:3]] == [1_000, 1_400, 1_800]
    assert [event["user_id"] for event in changed] == [event["user_id"] for event in ATTACK]


def test_spread_takes_turns() -> None:
    changed = spread(ATTACK, 2)
    assert [event["user_id"] for event in changed[:6]] == ["u0-0", "u1-0", "u2-0", "u0-1", "u1-1", "u2-1"]
    assert len({event["user_id"] for event in changed}) == 6


@pytest.mark.parametrize(
    ("limit", "within_ms", "cost"),
    [
        (9, 10_000, Evasion(slower=4, spread=4)),  # some 33 events of each within ten seconds
        (0, 10_000, Evasion(slower=None, spread=None)),
        (1_000, 10_000, Evasion(slower=2, spread=2)),
    ],
)
def test_the_smallest_factor_that_evades_is_told(limit: int, within_ms: int, cost: Evasion) -> None:
    assert evasion(ATTACK, Act(limit, within_ms)) == cost
