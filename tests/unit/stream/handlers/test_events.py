"""The batch handlers, without a broker: dead letters, replays, labels, snapshots."""

import asyncio
from hashlib import sha256
from typing import Any

import msgspec
import orjson
import pytest

from engine.core.domain.events import EARLIEST_MS, LATEST_MS
from engine.core.evaluation.evaluator import Evaluator
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.events import EventWorker, arrival_of
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.label_messages import MODEL_COMMAND, Pin, Restore, decode_example
from engine.stream.handlers.labels import LabelWorker
from engine.stream.handlers.messages import DEAD_LETTER_BYTES, Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.training import TrainerWorker
from engine.stream.offline.arrivals import Arrival, merge
from engine.stream.offline.engine import OfflineEngine, Record

RULES = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
models:
  spam: {texts: [text], min_labels: 2}
rules:
  flood: {event: post, when: [posts_1m > 2], then: {limit: posting}}
  sure: {event: post, when: [score.spam > 0.6], then: {hide: content, target: event}}
"""
START_MS = 1_760_000_000_000


class Desk:
    """The three workers over one partition in memory."""

    def __init__(self) -> None:
        self.settings = Settings(decision_sample=0.0, snapshot_interval_ms=1_000)
        self.database, self.models, self.metrics = MemoryDatabase(), FollowedModels(), Metrics()
        self.rulebook = load_rulebook({"rules.yaml": RULES})
        self.state = PartitionState(lambda: self.database, 100)
        self.now_s = 0.0
        self.events = EventWorker(self.settings, lambda _: self.state, lambda _: None, self.metrics)
        self.labels = LabelWorker(self.settings, lambda _: self.state, self.metrics)
        self.trainer = TrainerWorker(self.settings, self.models, self.metrics, clock=lambda: self.now_s)
        self.trainer.use(self.rulebook)
        asyncio.run(self.trainer.on_assigned(0))
        self.use_models()

    def follow(self, published: list[Message]) -> None:
        for message in published:
            self.models.receive((message.key or b"").decode(), message.value)

    def use_models(self) -> None:
        self.events.use(Evaluator(self.rulebook, self.models.scorers(self.rulebook), self.settings.decision_sample))

    def apply(self, outcome: Outcome) -> Outcome:
        self.database.apply(outcome.changes)
        outcome.settle()
        return outcome

    def post(self, offset: int, **fields: Any) -> Outcome:
        event = {"event_id": f"e{offset}", "type": "post", "user_id": "u", "ts": START_MS + offset, **fields}
        return self.apply(self.events.process(0, [self.record("events", offset, orjson.dumps(event))]))

    def label(self, offset: int, event_id: str, verdict: str, key: bytes | None = b"u", **fields: Any) -> Outcome:
        label = {"event_id": event_id, "label": verdict, "ts": START_MS, **fields}
        return self.apply(self.labels.process(0, [self.record("labels", offset, orjson.dumps(label), key)]))

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    @staticmethod
    def record(topic: str, offset: int, value: bytes | None, key: bytes | None = b"u") -> Record:
        return Record(topic, 0, offset, key, value, START_MS)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"not json", "not_json"), (b"[]", "not_an_object"), (b"{}", "missing_field"), (None, "empty"),
     (b'{"event_id":1}', "wrong_type"), (b'"' + b"x" * 1_100_000 + b'"', "too_large"),
     (b'{"event_id":"e","type":"post","user_id":"u","ts":', "not_json")],
)  # fmt: skip
def test_a_bad_message_becomes_a_dead_letter_with_its_beginning_and_the_batch_goes_on(
    value: bytes | None, reason: str
) -> None:
    desk = Desk()
    good = orjson.dumps({"event_id": "e", "type": "post", "user_id": "u", "ts": START_MS})
    records = [Desk.record("events", 0, value, b"k"), Desk.record("events", 1, good)]
    outcome = desk.apply(desk.events.process(0, records))
    (letter,) = [message for message in outcome.messages if message.topic == "dead-letters"]
    headers = dict(letter.headers or [])
    assert (letter.key, letter.value) == (b"k", (value or b"")[:DEAD_LETTER_BYTES])
    assert headers["length"] == str(len(value or b"")).encode()
    assert headers["sha256"] == sha256(value or b"").hexdigest().encode()
    assert (headers["topic"], headers["partition"], headers["offset"]) == (b"events", b"0", b"0")
    assert headers["reason"] == reason.encode()
    assert headers["error"]
    assert desk.metric("floodgate_events_total") == 1


def test_events_read_again_after_a_crash_are_skipped() -> None:
    desk = Desk()
    actions = [message for offset in range(3) for message in desk.post(offset).messages if message.topic == "actions"]
    assert len(actions) == 1
    again = [message for offset in range(3) for message in desk.post(offset).messages if message.topic == "actions"]
    assert again == []
    assert desk.metric("floodgate_events_replayed_total") == 3


def test_a_user_who_is_not_the_messages_key_is_noticed() -> None:
    desk = Desk()
    desk.post(0, user_id="someone else")
    assert desk.metric("floodgate_events_misrouted_total") == 1


@pytest.mark.parametrize("key", [b"u", b"", None])
def test_a_user_who_is_the_messages_key_or_has_none_is_not_counted(key: bytes | None) -> None:
    desk = Desk()
    event = orjson.dumps({"event_id": "e", "type": "post", "user_id": "u", "ts": START_MS})
    desk.apply(desk.events.process(0, [desk.record("events", 0, event, key)]))
    assert (desk.metric("floodgate_events_misrouted_total"), desk.metric("floodgate_events_total")) == (0, 1)


@pytest.mark.parametrize(
    ("stamp", "latest_ms", "arrived"),
    [
        (None, LATEST_MS, None),
        (EARLIEST_MS - 1, LATEST_MS, None),
        (EARLIEST_MS, LATEST_MS, EARLIEST_MS),
        (LATEST_MS, LATEST_MS, LATEST_MS),
        (LATEST_MS + 1, LATEST_MS, None),
        (START_MS, START_MS + 1, START_MS),
        (START_MS, START_MS, START_MS),
        (START_MS, START_MS - 1, START_MS - 1),
    ],
)
def test_a_record_is_believed_when_it_says_a_time_that_can_be(
    stamp: int | None, latest_ms: int, arrived: int | None
) -> None:
    assert arrival_of(Record("events", 0, 0, None, b"", stamp), latest_ms) == arrived


@pytest.mark.parametrize("stamp", [None, 0, EARLIEST_MS - 1, LATEST_MS + 1])
def test_where_an_arrival_cannot_be_an_events_own_time_counts(stamp: int | None) -> None:
    desk = Desk()
    event = orjson.dumps({"event_id": "e", "type": "post", "user_id": "u", "ts": START_MS})
    desk.apply(desk.events.process(0, [Record("events", 0, 0, b"u", event, stamp)]))
    assert (desk.metric("floodgate_events_skewed_total"), desk.metric("floodgate_events_total")) == (0, 1)


def test_what_is_skewed_or_replayed_is_counted() -> None:
    desk = Desk()
    desk.post(0, ts=START_MS - 40 * 86_400_000)
    assert desk.metric("floodgate_events_skewed_total") == 1
    desk.post(0)
    desk.post(1)
    counted = [desk.metric(f"floodgate_events{name}_total") for name in ("", "_replayed", "_skewed")]
    assert counted == [2, 1, 1]


def test_types_that_nobody_asks_about_are_ignored() -> None:
    desk = Desk()
    assert desk.post(0, type="poke").changes == []
    assert desk.metric("floodgate_events_ignored_total") == 1


def test_labels_become_examples_become_a_model_that_scores() -> None:
    desk = Desk()
    for offset in range(40):
        text = "free crypto" if offset % 2 else "lunch today"
        desk.post(offset, text=text, user_id=f"u{offset}")
        examples = desk.label(offset, f"e{offset}", "spam" if offset % 2 else "ham", f"u{offset}".encode()).messages
        assert [message.topic for message in examples] == ["examples"]
        desk.apply(desk.trainer.process(0, [Desk.record("examples", offset, examples[0].value)]))
    assert desk.trainer.due_snapshots() == []  # not before its time
    desk.now_s = 2.0
    published = desk.trainer.due_snapshots()
    assert [(message.topic, message.key) for message in published][-1] == ("models", b"spam")
    assert desk.trainer.due_snapshots() == []
    desk.follow(published)
    desk.use_models()
    decided = [message.topic for message in desk.post(100, text="free crypto!", user_id="v").messages]
    assert decided == ["actions", "decisions"]
    assert desk.post(101, text="lunch?", user_id="w").messages == []


def test_events_are_presumed_to_be_ham_until_a_label_says_spam() -> None:
    desk = Desk()
    desk.rulebook = load_rulebook({"rules.yaml": RULES.replace("min_labels: 2", "min_labels: 2, presume: 1")})
    desk.trainer.use(desk.rulebook)
    desk.use_models()
    sent = desk.post(7, text="free crypto").messages
    sent += desk.label(3, "e7", "spam").messages
    examples = [decode_example(message.value) for message in sent if message.topic == "examples"]
    assert [(one.verdict, one.before, one.source, one.presumes) for one in examples] == [
        ("ham", None, (-1, 7), True),
        ("spam", "ham", (0, 3), False),
    ]
    for offset, message in enumerate([*sent, *sent]):  # whatever was sent twice is learned once
        desk.trainer.process(0, [Desk.record("examples", offset, message.value)])
    model = desk.trainer.learned()["spam"]
    assert (model.labels, model.spam) == (1, 1)


def test_an_event_that_came_twice_keeps_no_other_from_being_presumed() -> None:
    desk = Desk()
    desk.rulebook = load_rulebook({"rules.yaml": RULES.replace("min_labels: 2", "min_labels: 2, presume: 1")})
    desk.use_models()
    records = [
        desk.record("events", offset, orjson.dumps({"event_id": name, "type": "post", "user_id": "u", "ts": START_MS}))
        for offset, name in enumerate("ABCA")
    ]
    sent = desk.apply(desk.events.process(0, records)).messages
    examples = [decode_example(message.value) for message in sent if message.topic == "examples"]
    assert [(one.event_id, one.source) for one in examples] == [("A", (-1, 0)), ("B", (-1, 1)), ("C", (-1, 2))]


def test_the_offline_engine_learns_what_is_presumed() -> None:
    engine = OfflineEngine(
        load_rulebook({"rules.yaml": RULES.replace("min_labels: 2", "min_labels: 2, presume: 1")}), Settings()
    )
    event = {"type": "post", "ts": START_MS, "text": "free crypto"}
    events = [orjson.dumps({**event, "event_id": f"e{at}", "user_id": f"u{at}"}) for at in range(20)]
    label = orjson.dumps({"event_id": "e3", "label": "spam", "ts": START_MS})
    messages = list(engine.run([*(Arrival("event", 0, one) for one in events), Arrival("label", 0, label)]))
    assert not [message for message in messages if message.topic == "examples"]
    model = engine._trainer.learned()["spam"]
    assert (model.labels, model.spam) == (20, 1)


def test_a_rule_acts_by_score_once_the_wanted_precision_is_known() -> None:
    desk = Desk()
    desk.rulebook = load_rulebook(
        {
            "rules.yaml": "version: 1\nmodels: {spam: {texts: [text], min_labels: 2, precision: 0.9}}\n"
            "rules: {r: {event: any, when: [score.spam >= threshold.spam], then: {review: x}}}\n"
        }
    )
    desk.trainer.use(desk.rulebook)
    desk.use_models()
    acted = []
    for offset in range(700):
        spam = offset % 3 == 0
        outcome = desk.post(offset, text=f"free crypto {offset}" if spam else f"see you at lunch {offset}")
        actions = [orjson.loads(message.value) for message in outcome.messages if message.topic == "actions"]
        acted += [(offset, spam, action["explanation"]) for action in actions]
        for message in desk.label(offset, f"e{offset}", "spam" if spam else "ham").messages:
            desk.apply(desk.trainer.process(0, [Desk.record("examples", offset, message.value)]))
        desk.now_s += 2.0
        desk.follow(desk.trainer.due_snapshots())
        desk.use_models()
    assert acted[0][0] > 300  # 200 hams have to be seen first
    assert len(acted) > 80
    assert sum(spam for _, spam, _ in acted) / len(acted) > 0.9
    assert "score.spam >= threshold.spam" in acted[0][2]
    decision = orjson.loads(desk.post(700, text="free crypto 1").messages[-1].value)
    assert set(decision["scores"]) == {"spam"}
    part, logit = decision["contributions"]["spam"][0]
    assert "crypto" in part
    assert logit > 0
    assert decision["hits"][0]["clauses"][0]["value"].keys() == {"score.spam", "threshold.spam"}


def test_a_trainer_that_has_just_started_publishes_a_pin_before_any_label() -> None:
    first = Desk()
    for offset, verdict in enumerate(("spam", "ham")):
        first.post(offset, text="free crypto")
        for message in first.label(offset, f"e{offset}", verdict).messages:
            first.trainer.process(0, [Desk.record("examples", offset, message.value)])
    first.now_s = 5.0
    second = Desk()
    second.follow(first.trainer.due_snapshots())
    assert asyncio.run(second.trainer.on_assigned(0)) == 2
    model_command = msgspec.json.encode(Pin("spam", pinned=True))
    second.trainer.process(0, [Desk.record("examples", 2, model_command, MODEL_COMMAND)])
    second.now_s = 5.0
    second.follow(second.trainer.due_snapshots())
    assert second.models.followers["spam"].model().pinned


def test_heads_learn_from_labels_of_their_own_policy() -> None:
    desk = Desk()
    desk.rulebook = load_rulebook(
        {
            "rules.yaml": "version: 1\nmodels: {spam: {texts: [text]}, fraud: {texts: [text], labels: fraud}}\n"
            "rules: {r: {event: any, when: [score.spam > 0.5 or score.fraud > 0.5], then: {review: x}}}\n"
        }
    )
    desk.use_models()
    desk.post(0, text="x")
    told = []
    for offset, policy in enumerate((None, "fraud", "fraud", "other")):
        messages = desk.label(offset, "e0", "spam", policy=policy).messages
        told.append([decode_example(message.value).model for message in messages])
    assert told == [["spam"], ["fraud"], [], []]
    outcomes = {
        name: desk.metric("floodgate_labels_total", outcome=name) for name in ("matched", "duplicate", "unmatched")
    }
    assert outcomes == {"matched": 2, "duplicate": 1, "unmatched": 1}


def test_a_label_is_for_the_event_of_its_user_and_no_one_elses_with_the_same_id() -> None:
    desk = Desk()
    for offset, (user, text) in enumerate((("victim", "honest"), ("attacker", "buy pills"))):
        desk.post(offset, event_id="E1", user_id=user, text=text)
    told = [decode_example(one.value) for one in desk.label(0, "E1", "ham", b"victim").messages]
    assert [one.inputs.texts for one in told] == [("honest",)]
    assert desk.label(1, "E1", "spam", b"").messages == []  # whose it is nobody can tell
    assert desk.metric("floodgate_labels_total", outcome="ambiguous") == 1
    told = [decode_example(one.value) for one in desk.label(2, "E1", "spam", b"", user_id="attacker").messages]
    assert [one.inputs.texts for one in told] == [("buy pills",)]
    assert desk.label(3, "E1", "spam", b"stranger").messages == []


def test_a_label_tells_events_of_two_types_with_one_id_apart() -> None:
    desk = Desk()
    rules = (
        "version: 1\nmodels: {spam: {texts: [text]}}\nrules: {r: {event: any, when: [score.spam > 2], then: {flag: x}}}"
    )
    desk.rulebook = load_rulebook({"rules.yaml": rules})
    desk.use_models()
    desk.post(0, event_id="7", text="a post")
    desk.post(1, event_id="7", type="comment", text="a comment")
    assert desk.label(0, "7", "spam").messages == []
    told = [decode_example(one.value) for one in desk.label(1, "7", "spam", type="comment").messages]
    assert [one.inputs.texts for one in told] == [("a comment",)]


@pytest.mark.parametrize(
    ("event_id", "verdict", "outcome"),
    [("e0", "spam", "matched"), ("gone", "spam", "unmatched"), ("e0", "retracted", "duplicate")],
)
def test_each_label_has_a_counted_outcome(event_id: str, verdict: str, outcome: str) -> None:
    desk = Desk()
    desk.post(0, text="x")
    desk.label(0, event_id, verdict)
    assert desk.metric("floodgate_labels_total", outcome=outcome) == 1


def test_a_bad_label_becomes_a_dead_letter() -> None:
    desk = Desk()
    for value in (
        b"?",
        b"{}",
        b'{"event_id":"e","label":"maybe","ts":1}',
        b'{"event_id":"e","label":"spam","ts":"soon"}',
    ):
        (letter,) = desk.apply(desk.labels.process(0, [Desk.record("labels", 0, value)])).messages
        assert (letter.topic, letter.value) == ("dead-letters", value)


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": orjson.Fragment('["x",' + "[" * 900 + "]" * 900 + "]")},
        {"w": 2**63, "h": 2**63},
        {"w": 1e300, "h": 1e300},
    ],
    ids=["deep list", "long product", "infinite product"],
)
def test_no_event_can_stop_a_partition(fields: dict[str, Any]) -> None:
    desk = Desk()
    rules = """
version: 1
fields: {tags: list, w: number, h: number}
derived: {area: w * h}
models: {spam: {numbers: [area]}}
rules:
  listed: {event: post, when: ['"x" in tags'], then: {flag: x}}
  large: {event: post, when: [area > 10 or score.spam > 2], then: {flag: y}}
"""
    desk.rulebook = load_rulebook({"rules.yaml": rules})
    desk.use_models()
    topics = [message.topic for message in desk.post(0, **fields).messages]
    assert topics == ["actions", "decisions"]
    examples = desk.label(0, "e0", "spam").messages
    desk.trainer.use(desk.rulebook)
    desk.apply(desk.trainer.process(0, [Desk.record("examples", 0, examples[0].value)]))
    desk.now_s = 5.0
    desk.follow(desk.trainer.due_snapshots())
    head = desk.models.followers["spam"].head
    assert head is not None
    assert head.labels == 1


def test_an_event_that_cannot_be_evaluated_becomes_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    monkeypatch.setattr(Evaluator, "evaluate", lambda *_: 1 / 0)
    (letter,) = desk.post(0).messages
    assert dict(letter.headers or [])["reason"] == b"evaluation_failed"


@pytest.mark.parametrize("value", [b'{"model": [], "event_id": 1, "verdict": 1, "score": "x", "source": [0, 0]}', b"5"])
def test_a_bad_example_becomes_a_dead_letter(value: bytes) -> None:
    desk = Desk()
    (letter,) = desk.trainer.process(0, [Desk.record("examples", 0, value)]).messages
    assert letter.topic == "dead-letters"


def test_a_label_takes_effect_before_the_first_younger_event() -> None:
    events = [Arrival("event", ts, b"%d" % ts) for ts in (10, 20, 15, 30)]
    labels = [Arrival("label", 20, b"b"), Arrival("label", 5, b"a"), Arrival("label", 99, b"c")]
    merged = [arrival.value for arrival in merge(events, labels)]
    assert merged == [b"a", b"10", b"20", b"15", b"b", b"30", b"c"]


def label_action(desk: Desk, offset: int, action_id: str, key: bytes | None = b"u", **fields: str) -> list[Message]:
    label = {"action_id": action_id, "label": "spam", "ts": START_MS, **fields}
    return desk.apply(desk.labels.process(0, [desk.record("labels", offset, orjson.dumps(label), key)])).messages


def acted(desk: Desk) -> str:
    """The id of the action on the third post."""
    messages = [message for offset in range(3) for message in desk.post(offset, text="hello").messages]
    (action,) = [orjson.loads(one.value) for one in messages if one.topic == desk.settings.topics.actions]
    assert action["event_id"] == "e2"
    return str(action["action_id"])


def test_a_label_on_an_action_is_one_on_its_event() -> None:
    desk = Desk()
    action_id = acted(desk)
    (example,) = label_action(desk, 0, action_id)
    assert (decode_example(example.value).event_id, decode_example(example.value).verdict) == ("e2", "spam")
    assert label_action(desk, 1, action_id) == []
    assert desk.metric("floodgate_labels_total", outcome="duplicate") == 1
    assert desk.label(2, "e2", "ham").messages  # the same event, known by its own name


def test_a_label_on_an_unknown_action_is_unmatched() -> None:
    desk = Desk()
    acted(desk)
    assert label_action(desk, 0, "no such action") == []
    assert desk.metric("floodgate_labels_total", outcome="unmatched") == 1
    assert label_action(desk, 1, "no such action", key=None) == []  # it may be in another partition
    assert desk.metric("floodgate_labels_total", outcome="unmatched") == 1


def test_no_record_has_arrived_later_than_now() -> None:
    state, rulebook = PartitionState(MemoryDatabase, 100), load_rulebook({"rules.yaml": RULES})
    settings, clock = Settings(decision_sample=1.0), lambda: START_MS / 1_000
    worker = EventWorker(settings, lambda _: state, lambda _: None, Metrics(), clock)
    worker.use(Evaluator(rulebook, FollowedModels().scorers(rulebook), settings.decision_sample))
    ahead_ms = START_MS + 23 * 3_600_000
    event = {"event_id": "e", "type": "post", "user_id": "u", "ts": ahead_ms}
    outcome = worker.process(0, [Record("events", 0, 0, b"u", orjson.dumps(event), ahead_ms)])
    (decision,) = [orjson.loads(one.value) for one in outcome.messages if one.topic == "decisions"]
    assert decision["ts"] == START_MS + settings.events.clock_tolerance_ms


def test_a_ruling_about_a_model_that_is_not_there_makes_none() -> None:
    desk = Desk()
    outcome = desk.trainer.process(
        0, [Desk.record("examples", 0, msgspec.json.encode(Restore("made-up", 1)), MODEL_COMMAND)]
    )
    assert [dict(one.headers or ())["reason"] for one in outcome.messages] == [b"no_such_model"]
    assert not desk.trainer.learned()


def test_a_seed_that_never_comes_does_not_stop_the_trainer() -> None:
    desk = Desk()
    model_command = Desk.record("examples", 0, msgspec.json.encode(Restore("spam", 1 << 50)), MODEL_COMMAND)
    assert desk.trainer.process(0, [model_command]).read_from == 0
    desk.now_s = 60.0
    outcome = desk.trainer.process(0, [model_command])
    assert outcome.read_from is None
    assert [dict(one.headers or ())["reason"] for one in outcome.messages] == [b"no_seed"]
