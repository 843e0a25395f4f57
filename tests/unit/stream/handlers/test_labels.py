"""Which models are followed, whose label is about which event, and what becomes of scored events."""

from typing import Any

import msgspec
import orjson
import pytest

from engine.core.domain.events import Event
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.errors import SnapshotError
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers import labels
from engine.stream.handlers.batches import Outcome, StateOutcome
from engine.stream.handlers.label_messages import decode_example
from engine.stream.handlers.labels import MAX_NAME_CHARS, LabelWorker, Models, ScoredEvents, Source
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.publishers import RecordOrigin
from tests.events import START_MS
from tests.unit.stream.handlers.test_events import Desk, acted, label_action
from tests.unit.stream.handlers.test_training import followed, messages, rulebook
from tests.unit.stream.signed import record

HIDDEN = PrivacySettings(key="k" * 40)


def part(models: Models, name: str) -> bool:
    """A part of a model comes, and no head; whether it is followed."""
    key, value = next((one.key or b"", one.value) for one in messages() if b"/all/" in (one.key or b""))
    try:
        assert models.receive(key.decode().replace("spam", name, 1), value) is None
    except SnapshotError:
        return False
    return name in models.followers


@pytest.mark.parametrize(
    ("chars", "taken"), [(0, False), (1, True), (MAX_NAME_CHARS, True), (MAX_NAME_CHARS + 1, False)]
)
def test_a_model_has_a_name_that_is_not_too_long(chars: int, taken: bool) -> None:
    models = Models()
    assert part(models, "m" * chars) == taken
    assert len(models.followers) == taken


def test_a_model_is_there_when_its_head_has_come() -> None:
    *parts, head = messages()
    models = Models()
    for message in parts:
        assert models.receive((message.key or b"").decode(), message.value) is None
    learned = models.receive("spam", head.value)
    assert learned is not None
    assert learned.labels == 5


def test_no_more_models_are_followed_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MAX_MODELS", 2)
    models = Models()
    assert [part(models, name) for name in ("a", "b", "c", "a")] == [True, True, False, True]
    assert list(models.followers) == ["a", "b"]


def test_a_model_of_the_rulebook_takes_the_place_of_one_that_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MAX_MODELS", 3)
    models = followed("whole")
    models.use(rulebook("spam"))
    assert part(models, "a")
    assert part(models, "b")
    assert not part(models, "c")
    assert part(models, "spam@seed")
    assert list(models.followers) == ["whole", "b", "spam@seed"]  # what is not whole goes first
    assert part(models, "spam")
    assert list(models.followers) == ["whole", "spam@seed", "spam"]


def test_where_all_are_asked_for_none_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MAX_MODELS", 1)
    models = Models()
    models.use(rulebook("spam"))
    assert part(models, "spam")
    assert not part(models, "spam@seed")
    assert list(models.followers) == ["spam"]


def kept(topic: int, partition: int, settings: Settings, presume: float = 0.0) -> list[Message]:
    """What is sent when one event has been scored in a batch."""
    learned = f"{{texts: [text], presume: {presume}}}" if presume else "{texts: [text]}"
    rules = f"version: 1\nmodels: {{spam: {learned}}}\n"
    rules += "rules: {r: {event: post, when: [score.spam > 2], then: {flag: x}}}"
    rules_in_use = load_rulebook({"rules.yaml": rules})
    evaluator = Evaluator(rules_in_use, Models().scorers(rules_in_use))
    event = Event("e", "post", "ann", START_MS, {"text": "hello"})
    pseudonyms = settings.pseudonyms()
    if pseudonyms is not None:
        pseudonyms.conceal(event)
        assert event.user_id != "ann"
    program = rules_in_use.program("post")
    assert program is not None
    evaluator.evaluate(event, program, EntityRecord())
    state = PartitionState(MemoryDatabase, 10)
    outcome = StateOutcome(state=state)
    scored = ScoredEvents(topic, settings, Metrics())
    scored.use(evaluator)
    scored.keep(outcome, evaluator, Source(partition, [(event.identify(), 7)]))
    assert len(outcome.scored) == 1
    return outcome.messages


def test_what_is_presumed_has_a_source_of_its_own_for_each_topic_and_partition() -> None:
    sources = []
    for topic, partition in ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2)):
        (message,) = kept(topic, partition, Settings(review_share=0.0), presume=1.0)
        sources.append(decode_example(message.value, partitions=3).source)
    assert sources == [(-1, 7), (-2, 7), (-3, 7), (-4, 7), (-5, 7)]  # labels have those from 0 on


@pytest.mark.parametrize("privacy", [PrivacySettings(), HIDDEN], ids=["open", "hidden"])
def test_moderators_are_asked_about_the_user_whose_event_it_is(privacy: PrivacySettings) -> None:
    (message,) = kept(0, 0, msgspec.structs.replace(Settings(review_share=1.0), privacy=privacy))
    assert (message.topic, message.key, orjson.loads(message.value)["user_id"]) == ("review", b"ann", "ann")


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
