"""Actions are held against the truth by whom they are about."""

from typing import Any

import pytest

from engine.sim.verdict import judge, judge_lookalikes
from engine.sim.world import SimulatedEvent


def sent(event_id: str, user_id: str, attack: str | None = None, lookalike: str | None = None) -> SimulatedEvent:
    return SimulatedEvent({"event_id": event_id, "user_id": user_id, "type": "report", "ts": 1}, attack, lookalike)


DAY = [sent("e1", "farmer", attack="farm"), sent("e2", "reporter"), sent("e3", "fan", lookalike="crowd")]


def action(event_id: str, user_id: str, kind: str, target_id: str) -> dict[str, Any]:
    return {
        "event_id": event_id, "user_id": user_id, "rule": "r", "ts": 2, "target": {"type": kind, "id": target_id},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "caught", "innocent"),
    [
        (action("e2", "reporter", "target_id", "farmer"), {"farmer"}, set()),
        (action("e2", "reporter", "target_id", "fan"), set(), {"fan"}),
        (action("e2", "reporter", "target_id", "a post"), set(), set()),
        (action("e2", "reporter", "event", "e2"), set(), {"reporter"}),
        (action("e1", "farmer", "target_id", "fan"), set(), {"fan"}),
    ],
)
def test_the_target_is_acted_on_not_the_reporter(one: dict[str, Any], caught: set[str], innocent: set[str]) -> None:
    (attack,), found = judge(DAY, [one])
    assert (attack.caught, found) == (caught, innocent)


def test_a_crowd_that_reports_is_not_what_is_acted_on() -> None:
    about_others, about_them = action("e3", "fan", "target_id", "a post"), action("e3", "fan", "user", "fan")
    (spared,), (hit,) = judge_lookalikes(DAY, [about_others]), judge_lookalikes(DAY, [about_them])
    assert (spared.share, hit.share) == (0.0, 1.0)
