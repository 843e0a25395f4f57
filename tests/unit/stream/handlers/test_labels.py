"""Which models are followed, whose label is about which event, and what becomes of scored events."""

from typing import Any

import msgspec
import orjson
import pytest

from engine.security import PrivacySettings
from engine.stream.handlers import labels
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.label_messages import decode_example
from engine.stream.handlers.labels import LabelWorker
from engine.stream.kafka.publishers import RecordOrigin
from tests.events import START_MS
from tests.unit.stream.handlers.test_events import Desk, acted, label_action
from tests.unit.stream.signed import record

HIDDEN = PrivacySettings(key="k" * 40)


def outcomes(desk: Desk) -> dict[str, int]:
    """How many labels had which outcome."""
    names = ("matched", "changed", "duplicate", "retracted", "unmatched", "ambiguous")
    found = {name: int(desk.metric("floodgate_labels_total", outcome=name)) for name in names}
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize(("key", "counted"), [(b"u", {"unmatched": 1}), (b"", {"unmatched": 1}), (None, {})], ids=str)
def test_a_label_that_was_sent_everywhere_is_unmatched_nowhere(key: bytes | None, counted: dict[str, int]) -> None:
    desk = Desk()
    desk.post(0, text="x")
    assert desk.label(0, "gone", "spam", key).messages == []
    assert outcomes(desk) == counted


@pytest.mark.parametrize(("key", "counted"), [(b"u", {"unmatched": 1}), (None, {})], ids=str)
def test_nor_is_one_of_a_policy_that_no_model_learns(key: bytes | None, counted: dict[str, int]) -> None:
    desk = Desk()
    desk.post(0, text="x")
    assert desk.label(0, "e0", "spam", key, policy="other").messages == []
    assert outcomes(desk) == counted


def test_a_label_that_was_sent_everywhere_is_joined_where_its_event_is() -> None:
    desk = Desk()
    desk.post(0, text="x")
    assert len(desk.label(0, "e0", "spam", None).messages) == 1
    assert outcomes(desk) == {"matched": 1}


def test_a_label_that_changes_its_mind_is_known_by_the_next_one() -> None:
    desk = Desk()
    desk.post(0, text="x")
    told = [(one, [decode_example(sent.value).before for sent in desk.label(at, "e0", one).messages])
            for at, one in enumerate(("spam", "ham", "ham", "retracted", "spam"))]  # fmt: skip
    assert told == [("spam", [None]), ("ham", ["spam"]), ("ham", []), ("retracted", ["ham"]), ("spam", [None])]
    assert outcomes(desk) == {"matched": 2, "changed": 1, "duplicate": 1, "retracted": 1}


def test_a_label_on_an_action_is_about_its_event_though_another_has_the_same_id() -> None:
    desk = Desk()
    action_id = acted(desk)
    desk.post(3, event_id="e2", user_id="other", text="honest")
    (message,) = label_action(desk, 0, action_id)
    assert decode_example(message.value).inputs.texts == ("hello",)


def test_labels_of_events_and_of_actions_may_come_together() -> None:
    desk = Desk()
    action_id = acted(desk)
    told = [{"event_id": "e0"}, {"action_id": action_id}, {"action_id": "unknown"}, {"event_id": "e1"}]
    batch = [
        Desk.record("labels", at, orjson.dumps({"label": "spam", "ts": START_MS, **one})) for at, one in enumerate(told)
    ]
    sent = desk.apply(desk.labels.process(0, batch)).messages
    assert [decode_example(one.value).event_id for one in sent] == ["e0", "e2", "e1"]
    assert outcomes(desk) == {"matched": 3, "unmatched": 1}


def test_very_many_labels_at_once_are_all_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "_LABELS_AT_ONCE", 2)
    desk = Desk()
    for at in range(5):
        desk.post(at, text="x", user_id=f"u{at}")
    batch = [
        Desk.record("labels", at, orjson.dumps({"event_id": f"e{at}", "label": "ham", "ts": START_MS}), b"u%d" % at)
        for at in range(5)
    ]
    sent = desk.apply(desk.labels.process(0, batch)).messages
    assert [decode_example(one.value).source for one in sent] == [(0, at) for at in range(5)]


@pytest.mark.parametrize("fields", [{}, {"type": "post"}], ids=["by user", "by user and type"])
def test_a_label_finds_an_event_under_a_pseudonym(fields: dict[str, str]) -> None:
    desk = Desk()
    settings = msgspec.structs.replace(desk.settings, privacy=HIDDEN)
    desk.labels = LabelWorker(settings, lambda _: desk.state, desk.metrics)
    pseudonyms = settings.pseudonyms()
    assert pseudonyms is not None
    for at, user in enumerate(("ann", "ben")):
        desk.post(at, event_id="e", user_id=pseudonyms.of(user), text=user)
    (message,) = desk.label(0, "e", "spam", b"ben", **fields).messages
    assert decode_example(message.value).inputs.texts == ("ben",)


@pytest.mark.parametrize(
    ("origin", "moderator"),
    [
        (None, None),
        (RecordOrigin(None, True), "mia"),
        (RecordOrigin("bot", True), "mia"),
        (RecordOrigin("ann", False), "ann"),
    ],
)
def test_who_signs_a_label_is_its_moderator_unless_he_speaks_for_others(
    origin: RecordOrigin | None, moderator: str | None
) -> None:
    desk = Desk()
    desk.labels = LabelWorker(desk.settings, lambda _: desk.state, desk.metrics, lambda *_: origin)
    desk.post(0, text="x")
    sent = desk.label(0, "e0", "spam", moderator="mia").messages
    if origin is None:
        assert [dict(one.headers or ())["reason"] for one in sent] == [b"not_a_publishers"]
    else:
        assert [decode_example(one.value).moderator for one in sent] == [moderator]


@pytest.mark.parametrize(("name", "heard"), [("ann", False), (None, True)], ids=["signed", "open"])
def test_an_old_label_that_is_published_again_changes_nothing_where_labels_are_signed(
    name: str | None, heard: bool
) -> None:
    desk = Desk()
    desk.labels = LabelWorker(desk.settings, lambda _: desk.state, desk.metrics, lambda *_: RecordOrigin(name, True))
    desk.post(0, text="x")

    def told(verdict: str, sequence: int) -> list[Any]:
        value = orjson.dumps({"event_id": "e0", "label": verdict, "ts": START_MS})
        headers = [("sequence", b"%d" % sequence)]
        outcome: Outcome = desk.apply(desk.labels.process(0, [record("labels", b"u", value, headers)]))
        return outcome.messages

    assert told("spam", 5)
    assert told("ham", 6)
    assert bool(told("spam", 5)) == heard
