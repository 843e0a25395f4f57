"""The engine over recorded events: batches, arrivals, what is learned on the way."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline import engine as offline
from engine.stream.offline.arrivals import Arrival, merge
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

ALL = Settings(decision_sample=1.0)
RULES = """
version: 1
counters: {on_device: {count: post, by: device_id, over: 1h}}
rules: {r: {event: post, when: [on_device >= 1], then: {flag: device}}}
"""


def event(number: int, **fields: Any) -> bytes:
    return orjson.dumps(
        {"event_id": f"e{number}", "type": "post", "user_id": f"u{number}", "ts": START_MS + number, **fields}
    )


def engine(rules: str = RULES, settings: Settings = ALL) -> OfflineEngine:
    return OfflineEngine(load_rulebook({"rules.yaml": rules}), settings)


@pytest.mark.parametrize(
    ("label_ms", "order"),
    [(9, "lef"), (10, "elf"), (11, "elf"), (20, "efl")],
    ids=["before", "with the first", "in between", "with the last"],
)
def test_a_label_comes_before_the_first_event_that_is_younger(label_ms: int, order: str) -> None:
    events = [Arrival("event", 10, b"e"), Arrival("event", 20, b"f")]
    assert b"".join(one.value for one in merge(events, [Arrival("label", label_ms, b"l")])).decode() == order


def test_a_replay_acts_in_no_log() -> None:
    with capture_logs() as told:
        messages = list(engine().run([Arrival("event", 0, event(0, device_id="d"))]))
    assert [one.topic for one in messages] == ["actions", "decisions"]
    assert told == []


def test_as_many_arrivals_are_held_as_a_batch_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "BATCH", 3)
    taken: list[int] = []

    def arrivals() -> Iterator[Arrival]:
        for number in range(7):
            taken.append(number)
            yield Arrival("event", 0, event(number))

    decided = [(orjson.loads(one.value)["event_id"], len(taken)) for one in engine().run(arrivals())]
    assert decided == [("e0", 4), ("e1", 4), ("e2", 4), ("e3", 7), ("e4", 7), ("e5", 7), ("e6", 7)]


DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("fields", "beside_ms", "arrived_ms"),
    [
        ({}, START_MS - 9 * DAY_MS, START_MS - 9 * DAY_MS),
        ({"arrived": START_MS - 8 * DAY_MS}, None, START_MS - 8 * DAY_MS),
        ({"arrived": START_MS - 8 * DAY_MS}, START_MS - 9 * DAY_MS, START_MS - 9 * DAY_MS),
    ],
    ids=["beside the line", "in the line", "both"],
)
def test_an_event_that_is_days_ahead_of_its_arrival_is_of_that_time(
    fields: dict[str, int], beside_ms: int | None, arrived_ms: int
) -> None:
    (decision,) = engine().run([Arrival("event", 0, event(0, **fields), beside_ms)])
    assert orjson.loads(decision.value)["ts"] == arrived_ms


def test_where_no_arrival_is_known_an_event_is_of_its_own_time() -> None:
    (decision,) = engine().run([Arrival("event", 0, event(0))])
    assert orjson.loads(decision.value)["ts"] == START_MS


def test_what_is_presumed_when_events_are_back_is_learned_once_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "BATCH", 3)
    rules = """
version: 1
counters: {on_device: {count: post, by: device_id, over: 1h}}
models: {spam: {texts: [text], numbers: [on_device], presume: 1}}
rules: {r: {event: post, when: [score.spam > 2], then: {flag: x}}}
"""
    made = engine(rules, Settings(decision_sample=0.0, review_share=0.0))
    arrivals = [Arrival("event", 0, event(number, device_id="d", text="hello")) for number in range(7)]
    assert list(made.run(arrivals)) == []
    assert made._trainer.learned()["spam"].labels == 7
    letters = made.metrics.registry.get_sample_value(
        "floodgate_dead_letters_total", {"topic": "examples", "reason": "not_an_example"}
    )
    assert letters is None


def test_what_is_presumed_waits_as_long_as_labels_take() -> None:
    """And learns the same in whatever batches."""
    rules = """
version: 1
models: {spam: {texts: [text], presume: 1, presume_after: learned}}
rules: {r: {event: post, when: [score.spam > 2], then: {flag: x}}}
"""
    learned = []
    for batch in (1, 7):
        made = engine(rules, Settings(decision_sample=0.0, review_share=0.0))
        made._batch = batch
        arrivals = []
        for number in range(160):
            ts_ms = START_MS + 60_000 * number
            if 3 <= number < 60:  # the one of three minutes before is spam
                label = {"event_id": f"e{number - 3}", "user_id": f"u{number - 3}", "label": "spam", "ts": ts_ms}
                arrivals.append(Arrival("label", ts_ms, orjson.dumps(label)))
            arrivals.append(Arrival("event", ts_ms, event(number, text="hello", ts=ts_ms)))
        assert list(made.run(arrivals)) == []
        model = made._trainer.learned()["spam"]
        assert model.spam == 57
        assert 160 - 6 <= model.labels + len(model.waiting) <= 160
        assert 2 <= len(model.waiting) <= 4
        assert model.delays.come_by(107_000) == 0.0  # the latest event was of two minutes after it
        assert model.delays.come_by(128_000) == 1.0
        learned.append((model.delays.dump(), model.ngrams.weights.tobytes()))
    assert learned[0] == learned[1]


def test_what_happens_at_entities_is_stored_with_them() -> None:
    made = engine(RULES.replace("on_device >= 1", "on_device >= 3"))
    messages = [one for number in range(3) for one in made.run([Arrival("event", 0, event(number, device_id="d"))])]
    assert [orjson.loads(one.value)["event_id"] for one in messages if one.topic == "actions"] == ["e2"]
    assert any(key.startswith(b"fdevice_id") for key in made.database.values)


def acted(rules: str, *fields: dict[str, str]) -> list[str]:
    """The events that are acted on, of some in one batch."""
    arrivals = [Arrival("event", 0, event(number, **one)) for number, one in enumerate(fields)]
    messages = engine(rules, Settings(decision_sample=0.0)).run(arrivals)
    return [orjson.loads(one.value)["event_id"] for one in messages if one.topic == "actions"]


def test_those_who_came_first_are_recalled_before_the_event_that_was_one_too_many() -> None:
    rules = """
version: 1
counters: {users: {distinct: user_id, of: post, by: device_id, over: 1h}}
rules: {swarm: {event: post, when: [users >= 3], then: {flag: x, also: earlier, lookback: 1h}}}
"""
    assert acted(rules, *({"device_id": device} for device in ("d", "d", "other", "d"))) == ["e0", "e1", "e3"]


def test_clusters_are_visited_when_all_entities_have_been() -> None:
    rules = """
version: 1
clusters: {ring: {of: post, share: device_id, within: 1h}}
counters: {ring_users: {distinct: user_id, by: ring, over: 1h}}
rules: {big: {event: post, when: [ring_users >= 2], then: {review: ring}}}
"""
    assert acted(rules, *({"device_id": device} for device in ("d", "other", "d"))) == ["e2"]


def test_events_of_one_batch_may_name_entities_of_different_kinds() -> None:
    rules = """
version: 1
counters:
  on_device: {count: post, by: device_id, over: 1h}
  on_domain: {count: post, by: url_domain, over: 1h}
rules: {r: {event: post, when: [on_device >= 2 or on_domain >= 2], then: {flag: x}}}
"""
    device, domain = {"device_id": "d"}, {"text": "https://a.com"}
    assert acted(rules, device, domain, {**device, **domain}, {}) == ["e2"]


def test_it_is_told_how_many_events_are_still_waited_upon() -> None:
    rules = """
version: 1
sequences: {left: {after: post, none: open, within: 1h, by: user_id}}
rules: {r: {event: absent.left, when: ["event.device_id == 'd'"], then: {flag: device}}}
"""
    one = engine(rules)
    hour_ms = 3_600_000
    events = [event(number * hour_ms, device_id="d") for number in range(4)]
    actions = list(one.run([Arrival("event", 0, each) for each in events]))
    acted = [orjson.loads(each.value)["event_id"] for each in actions if each.topic == "actions"]
    assert acted == ["e0", f"e{hour_ms}"]
    assert one.waiting() == 2


def test_it_is_no_later_where_events_meet_than_in_what_came_before() -> None:
    """A batch may be of days, and so may what waits at a device."""
    rules = """
version: 1
outcomes: {again: {after: post, is: post, by: device_id, within: 3h}}
rules: {r: {event: post, when: ["event.device_id == 'd'"], then: {flag: device}}}
"""
    known: list[bool] = []
    two_hours_ms, days = 7_200_000, 5
    one = OfflineEngine(load_rulebook({"rules.yaml": rules}), ALL, answered=lambda answer: known.append(answer.answer))
    events = [event(number * two_hours_ms, device_id="d") for number in range(12 * days)]
    list(one.run(Arrival("event", 0, each) for each in events))
    assert known == (12 * days - 1) * [True]


@pytest.mark.parametrize("step_ms", [1, 2_000])
def test_rules_that_look_back_find_accounts_whose_times_fall(step_ms: int) -> None:
    """Each of them is the first by these times."""
    events = [
        Arrival("event", 0, event(-step_ms * number, event_id=f"f{number}", user_id=f"f{number}", device_id="d"))
        for number in range(50)
    ]
    rules = """
version: 1
counters: {users: {distinct: user_id, of: post, by: device_id, over: 10m}}
rules:
  found: {event: post, when: [users >= 10], then: {flag: x, also: earlier, lookback: 1h}}
"""
    actions = [orjson.loads(one.value) for one in engine(rules).run(events) if one.topic == "actions"]
    assert len({action["user_id"] for action in actions}) == 50
