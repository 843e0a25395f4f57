"""What reads bytes that came from somewhere else, each with examples of what it expects.

A target takes any bytes. It may raise the errors that are drawn in `engine/errors.py`, and nothing else; and a worker
may make a dead letter of a message, for a reason that says that the message was bad, and for no other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import orjson

from engine.core.domain.rules import Rulebook
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.records import load_record
from engine.core.values.hashing import hash64
from engine.errors import FloodgateError
from engine.learning.estimators import RiverLearner
from engine.learning.models import LearnedModel
from engine.learning.snapshots import whole
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.tools.formatting import formatted
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.state.entity_budget import load_entity_budget
from engine.state.memory import MemoryDatabase
from engine.state.scored import BLOCK, INDEX
from engine.state.store import ENTITY_BUDGET, PROVISIONAL, WATERMARKS, PartitionState, load_watermarks
from engine.stream.control.lists import Entry, LiveEntries
from engine.stream.control.promotions import Promotion, note_promotion
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.hop_messages import encode_request
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.label_messages import MODEL_COMMAND, Pin, Quarantine, decode_example
from engine.stream.handlers.labels import LabelWorker
from engine.stream.handlers.messages import Message, decode_paused, decode_rulebook, encode_rulebook  # fmt: skip
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.training import TrainerWorker
from engine.stream.offline.engine import Record
from tests.events import START_MS, swarm_events

RULES = (Path(__file__).parents[1] / "rulebooks" / "swarm" / "rules.yaml").read_text("utf-8")
LEARNING = """
version: 1
models: {spam: {texts: [text], categories: [type], numbers: [posts_1m], min_labels: 1}}
rules:
  sure: {event: any, when: [score.spam > 0.6], then: {hide: content, target: event}}
  shout: {event: any, when: ['event.text matches "(?i)free.*money"'], then: {flag: shout}}
"""
STRICT = """
version: 1
ladders: {l: {decay: 1d, steps: [{at: 2, challenge: captcha}, {at: 3, suspend: account, needs: review}]}}
rules:
  again:
    event: any
    when: [event.text matches "s"]
    then: {ladder: l}
    budget: {max: 10%, per: 1h, if_exceeded: shadow unless before}
    plan: {from: 2025-01-01, shadow: 1h, canary: 50%, canary_for: 1h}
"""
HIDING = Settings(
    privacy=PrivacySettings(key="k" * 40, fields=frozenset(("user_id", "target_id", "ip", "device_id", "author.id")))
)
NOT_OUR_FAULT = {"evaluation_failed", "cannot_travel", "cannot_be_stored"}
"""Reasons of dead letters that no message may ever bring about."""


@dataclass(frozen=True, slots=True)
class Target:
    """`read` takes bytes; `share`: how much of a campaign is its."""

    name: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    share: float


class Desk:
    """The workers over one partition in memory, with a state that has something in it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings, self.database, self.metrics = settings or Settings(), MemoryDatabase(), Metrics()
        sources, pseudonyms = {"rules.yaml": RULES, "learning.yaml": LEARNING}, self.settings.pseudonyms()
        if pseudonyms is not None:
            sources["strict.yaml"] = STRICT
        self.rulebook: Rulebook = load_rulebook(sources, pseudonyms.of if pseudonyms is not None else None)
        self.state = PartitionState(lambda: self.database, 1_000)
        self.models = FollowedModels()
        self.events = EventWorker(self.settings, lambda _: self.state, lambda _: None, self.metrics)
        self.hops = HopWorker(self.settings, lambda _: self.state, self.metrics, partitions=1)
        self.labels = LabelWorker(self.settings, lambda _: self.state, self.metrics)
        self.trainer = TrainerWorker(self.settings, self.models, self.metrics)
        self.trainer.use(self.rulebook)
        evaluator = Evaluator(self.rulebook, self.models.scorers(self.rulebook), 1.0)
        self.events.use(evaluator)
        self.hops.use(evaluator)
        self._offset = 0

    def process(self, worker: Any, value: bytes, key: bytes | None = b"u") -> Outcome:
        """One message, taken for good. Raises AssertionError where the engine blames itself."""
        self._offset += 1
        record = Record(self.settings.topics.events, 0, self._offset, key, value, START_MS)
        outcome: Outcome = worker.process(0, [record])
        self.database.apply(outcome.changes)
        outcome.settle()
        for message in outcome.messages:
            reason = dict(message.headers or ()).get("reason", b"").decode()
            assert reason not in NOT_OUR_FAULT, dict(message.headers or ())
        return outcome


PIPELINE = "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"
LONGEST = 250_000
"""Characters of a text: a megabyte of them, where each takes four bytes."""


@cache
def recorded() -> tuple[Desk, list[Message], list[bytes]]:
    """What a few hundred events and labels leave behind: the state, messages, labels."""
    desk, messages, labels = Desk(), list[Message](), list[bytes]()
    for number, event in enumerate(swarm_events(300)):
        messages += desk.process(desk.events, event).messages
        label = {"event_id": f"s{number}", "label": ("spam", "ham", "retracted")[number % 3], "ts": START_MS}
        if number % 5 == 0:
            label["action_id"] = label.pop("event_id")
        labels.append(orjson.dumps(label | {"moderator": "mo", "propensity": 0.5} if number % 2 else label))
    topics = desk.settings.topics
    waiting = [message for message in messages if message.topic == topics.hops]
    for message in waiting:
        messages += desk.process(desk.hops, message.value).messages
    for label_ in labels:
        messages += desk.process(desk.labels, label_, b"").messages
    return desk, messages, labels


def sent(topic: str) -> list[bytes]:
    """What the workers have published on a topic."""
    return [message.value for message in recorded()[1] if message.topic == topic][:200]


def stored(prefix: bytes) -> list[bytes]:
    """What the state holds under a prefix."""
    return [value for key, value in recorded()[0].database.values.items() if key.startswith(prefix)][:200]


def read_piece() -> Callable[[bytes], None]:
    """A label whose event lies in a piece."""
    desk, place = Desk(), INDEX + hash64("s1").to_bytes(8, "little") + bytes(8) + b"\x00"
    label = orjson.dumps({"event_id": "s1", "label": "spam", "ts": START_MS})

    def read(data: bytes) -> None:
        desk.database.apply([(BLOCK + b"\x00" + bytes(8), data), (place, bytes(8) + b"\x00" + bytes(8))])
        desk.process(desk.labels, label, b"")

    return read


def read_rules(data: bytes) -> None:
    """YAML as the policy team may write it."""
    check_rulebook({"rules.yaml": data.decode("utf-8", "replace")})


def read_clause(data: bytes) -> None:
    """One expression."""
    text = data.decode("utf-8", "replace")
    document = {"version": 1, "counters": {"n": {"count": "post", "by": "user_id", "over": "1m"}},
                "rules": {"r": {"event": "post", "when": [text], "then": {"flag": "x"}}}}  # fmt: skip
    check_rulebook({"rules.yaml": orjson.dumps(document).decode()})


def read_snapshot() -> Callable[[bytes], None]:
    """Messages of the models topic: the key up to a line's end, then the value."""
    models = FollowedModels()
    for key, value in whole(LearnedModel("spam"), 1):
        models.receive(key, value)

    def read(data: bytes) -> None:
        key, _, value = data.partition(b"\n")
        models.receive(key.decode("utf-8", "replace"), value)

    return read


def taught_river() -> RiverLearner:
    """A pipeline that has learned from what is recorded."""
    learner = RiverLearner(PIPELINE)
    for data in sent(recorded()[0].settings.topics.examples)[:50]:
        example = decode_example(data)
        learner.teach(example.names, example.inputs, example.verdict == "spam", 1.0)
    return learner


def river_snapshots() -> list[bytes]:
    """The same as messages of the models topic."""
    model = LearnedModel("spam", labels=2, spam=1, learner=taught_river())
    return [key.encode() + b"\n" + value for key, value in whole(model, 1)]


def read_learner(data: bytes) -> None:
    """What a pipeline has learned."""
    RiverLearner.load(PIPELINE, data)


def read_long_event() -> Callable[[bytes], object]:
    """An event with a text of up to a megabyte, made of what comes."""
    worker = worker_of("events")

    def read(data: bytes) -> None:
        text = (data.decode("utf-8", "replace") * (LONGEST // max(1, len(data)) + 1))[:LONGEST]
        event = {
            "event_id": "long",
            "type": "post",
            "user_id": "u",
            "ts": START_MS,
            "text": text,
            "urls": [text[:9_000]],
        }
        worker(orjson.dumps(event))

    return read


def read_rulebook_message(data: bytes) -> None:
    """Messages of the rulebooks topic."""
    load_rulebook(decode_rulebook(data)["sources"])


def read_layout(data: bytes) -> None:
    """A file that is laid out, as often as one likes in the same way."""
    made = formatted("rules.yaml", data.decode("utf-8", "replace"))
    assert formatted("rules.yaml", made) == made


def read_entry(data: bytes) -> None:
    """An entry of a live list."""
    LiveEntries().receive("list/bad/x", data)


def read_promotion(data: bytes) -> None:
    """A rule's promotion."""
    note_promotion({}, "promoted/r", data)


def worker_of(name: str, settings: Settings | None = None) -> Callable[[bytes], object]:
    """A worker's whole way, over one state that goes on."""
    desk = Desk(settings)
    keys = {"trainer": [MODEL_COMMAND, b"spam"], "labels": [b"", b"u"]}.get(name, [b"u"])

    def read(data: bytes) -> None:
        for key in keys:
            desk.process(getattr(desk, name), data, key)

    return read


def targets() -> list[Target]:
    """All of them."""
    topics = recorded()[0].settings.topics
    clauses = [b"n > 3", b'event.a in ["x", "y"] and not n >= 2 * 3', b'event.text matches "(a|b)+c"', b"n / 2 > 1.5e3"]
    taught = LearnedModel("spam")
    for example in sent(topics.examples):
        taught.learn(decode_example(example))
    snapshots = [key.encode() + b"\n" + value for key, value in whole(taught, 1)]
    commands = [msgspec.json.encode(one) for one in (Quarantine("mo", True), Pin("spam", True))]
    entry = msgspec.json.encode(Entry("mo", "why", 1, START_MS))
    promotion = msgspec.json.encode(Promotion(2, 1, "mo", "why", 1))
    books = [encode_rulebook({"rules.yaml": RULES}, "id", "me", "note", 1)]
    return [
        Target("events", worker_of("events"), swarm_events(200), 0.2),
        Target("hidden events", worker_of("events", HIDING), swarm_events(200), 0.05),
        Target("entries", read_entry, [entry, b"null"], 0.05),
        Target("promotions", read_promotion, [promotion], 0.05),
        Target("layouts", read_layout, [RULES.encode(), STRICT.encode()], 0.01),
        Target("labels", worker_of("labels"), recorded()[2][:200], 0.1),
        Target("hops", worker_of("hops"), [*sent(topics.hops), encode_request(Forget("u", [b"eu"]))], 0.1),
        Target("examples", worker_of("trainer"), [*sent(topics.examples), *commands], 0.1),
        Target("example", decode_example, sent(topics.examples), 0.05),
        Target("records", load_record, stored(b"e") + stored(b"f"), 0.15),
        Target("pieces", read_piece(), stored(BLOCK), 0.1),
        Target("watermarks", load_watermarks, stored(WATERMARKS), 0.05),
        Target("entity_budget", load_entity_budget, [recorded()[0].database.values[ENTITY_BUDGET]], 0.05),
        Target("provisional", partial(load_entity_budget, b""), stored(PROVISIONAL), 0.05),
        Target("snapshots", read_snapshot(), snapshots, 0.05),
        Target("river snapshots", read_snapshot(), river_snapshots(), 0.03),
        Target("river learners", read_learner, [taught_river().dump()], 0.03),
        Target("long events", read_long_event(), swarm_events(20), 0.01),
        Target("rulebooks", read_rulebook_message, books, 0.01),
        Target("rules", read_rules, [RULES.encode(), LEARNING.encode(), STRICT.encode()], 0.01),
        Target("clauses", read_clause, clauses, 0.03),
        Target("pauses", decode_paused, [b'{"author":"a","note":"b","ts":1}', b"null"], 0.05),
    ]


def try_out(target: Target, data: bytes) -> bool:
    """Whether the target takes these bytes; False: it refuses them as it may. Raises anything else."""
    try:
        target.read(data)
    except FloodgateError:
        return False
    return True
