"""Replies to those who ask about events, without a broker: once, the same, whoever died meanwhile."""

from typing import Any

import msgspec
import orjson
import pytest

from engine.core.evaluation.evaluator import Evaluator
from engine.core.kernel import hash64
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.serve.contract import verdict_of
from engine.serve_settings import ServeSettings, SurfaceSettings
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.scored import REPLY
from engine.state.store import PartitionState
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.erasure import Forget, forget
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.replies import ASKED, Kept, Reply, read_kept
from engine.stream.handlers.visits import Visits
from engine.stream.offline.engine import Record
from tests.events import START_MS

RULES = """
version: 1
counters:
  signups: {count: signup, by: user_id, over: 1h}
  shared: {count: signup, by: ip, over: 1h}
rules:
  often: {event: signup, when: [signups > 2], then: {limit: signup, for: 1h}, cooldown: {per: user_id, for: 1h}}
  swarm: {event: signup, when: [shared > 1], then: {suspend: user}}
  broken: {event: signup, when: [event.size > 1], then: {review: signup}, mode: shadow}
"""
TOKEN, OTHER = b"t" * 16, b"o" * 16
SERVE = ServeSettings({"door": SurfaceSettings(("signup", "unheard"))})


class Door:
    """One partition, whose worker may die before what it has computed is stored."""

    def __init__(self, **more: Any) -> None:
        self.settings = Settings(partitions=1, decision_sample=0.0, serve=SERVE, **more)
        self.database, self.metrics, self.number = MemoryDatabase(), Metrics(), 0
        self.hops = list[Message]()
        self.sent = list[Message]()
        self.start()

    def start(self) -> None:
        """Start, with what has been stored."""
        self.state = PartitionState(lambda: self.database, 100)
        self.events = EventWorker(self.settings, lambda _: self.state, lambda _: None, self.metrics)
        self.at_entities = HopWorker(self.settings, lambda _: self.state, self.metrics, 1)
        evaluator = Evaluator(load_rulebook({"rules.yaml": RULES}), {}, answered=self.settings.serve.types)
        for one in (self.events, self.at_entities):
            one.use(evaluator)

    def take(self, value: bytes, token: bytes = b"", *, again: bool = False, stored: int | None = None) -> None:
        """A record comes, or the last one once more. `stored`: so many changes are there when the worker dies."""
        self.number += not again
        headers = [(ASKED, token)] if token else []
        self._store(self.events.process(0, [Record("events", 0, self.number, b"", value, None, headers)]), stored)

    def travel(self, *, stored: int | None = None) -> None:
        """All that is at its entities goes on, until nothing is. `stored`: as above, of the last step."""
        done = 0
        while done < len(self.hops):
            records = [
                Record(self.settings.topics.hops, 0, at, one.key, one.value, None, one.headers or [])
                for at, one in enumerate(self.hops[done:], done)
            ]
            before, done = done, len(self.hops)
            outcome = self.at_entities.process(0, records)
            is_last = all(message.topic != self.settings.topics.hops for message in outcome.messages)
            self._store(outcome, stored if is_last else None)
            if is_last and stored is not None:
                self._store(self.at_entities.process(0, records), None)
            assert before < done

    def replies(self) -> list[tuple[bytes | None, Reply]]:
        """What was replied since the last call."""
        topic, sent = self.settings.topics.replies, self.sent
        self.sent = []
        return [(one.key, msgspec.json.decode(one.value, type=Reply)) for one in sent if one.topic == topic]

    def count(self) -> int:
        """How many events have counted."""
        return int(self.metrics.registry.get_sample_value("floodgate_events_duplicate_total") or 0)

    def _store(self, outcome: Any, stored: int | None) -> None:
        assert isinstance(outcome, StateOutcome)
        hops = self.settings.topics.hops
        known = {(one.value, str(one.headers)) for one in self.hops}
        self.hops += [
            one for one in outcome.messages if one.topic == hops and (one.value, str(one.headers)) not in known
        ]
        self.sent += outcome.messages
        self.database.apply(outcome.changes[:stored])
        if stored is None:
            outcome.settle()
        else:
            self.start()


def signup(number: int, user: str = "ann", **more: Any) -> bytes:
    return orjson.dumps({"event_id": f"s{number}", "type": "signup", "user_id": user, "ts": START_MS + number, **more})


def test_who_asks_is_told_and_who_does_not_is_not() -> None:
    door = Door()
    door.take(signup(1), TOKEN)
    door.take(signup(2))
    ((key, reply),) = door.replies()
    assert (key, reply.outcome, reply.hits, reply.event_id, reply.ts) == (TOKEN, "none", [], "s1", START_MS + 1)
    door.take(signup(3), TOKEN)
    door.take(signup(4), OTHER)
    (_, acted), (_, rests) = door.replies()
    (action,) = acted.actions
    assert (acted.outcome, action.kind, action.scope, action.for_ms) == ("act", "limit", "signup", 3_600_000)
    assert (rests.outcome, rests.actions, rests.hits[0].kind, rests.hits[0].effect) == (
        "cooldown",
        [],
        "limit",
        "cooldown",
    )


@pytest.mark.parametrize("asked_first", [True, False])
def test_the_same_event_counts_once_and_has_one_reply_however_much_came_between(*, asked_first: bool) -> None:
    door = Door()
    door.take(signup(1), TOKEN if asked_first else b"")
    first = door.replies()
    assert len(first) == asked_first
    for number in range(100):  # the user's record remembers 64
        door.take(signup(number + 2))
    door.start()
    door.take(signup(1), TOKEN)
    ((key, again),) = door.replies()
    assert (key, again.outcome) == (TOKEN, "none")
    assert not first or first[0][1] == again
    assert door.count() == 1
    door.take(signup(1, ip="192.0.2.1"), OTHER)  # another event, which has taken the id
    door.travel()
    assert [(key, reply.outcome) for key, reply in door.replies()] == [(OTHER, "none")]


@pytest.mark.parametrize("asked_first", [True, False])
def test_an_event_at_its_entities_is_replied_to_when_it_is_back(*, asked_first: bool) -> None:
    door = Door()
    door.take(signup(1, ip="192.0.2.1"), TOKEN if asked_first else b"")
    door.take(signup(1, ip="192.0.2.1"), TOKEN)
    assert door.replies() == []
    door.travel()
    assert [(key, reply.outcome) for key, reply in door.replies()] == [(TOKEN, "none")]
    door.take(signup(2, "bea", ip="192.0.2.1"), OTHER)
    door.travel()
    ((_, reply),) = door.replies()
    assert [action.kind for action in reply.actions] == ["suspend"]


def test_what_has_acted_before_the_entities_is_told_with_the_rest() -> None:
    door = Door()
    for number in range(2):
        door.take(signup(number))
    door.take(signup(3, ip="192.0.2.1"))
    door.take(signup(4, "bea", ip="192.0.2.9"))
    door.travel()
    door.take(signup(5, "bea", ip="192.0.2.1"))
    door.take(signup(6, "bea", ip="192.0.2.9"), TOKEN)
    door.travel()
    ((_, reply),) = door.replies()
    assert [action.kind for action in reply.actions] == ["limit", "suspend"]


@pytest.mark.parametrize("stored", [0, 1])
def test_a_worker_that_dies_before_all_is_stored_replies_the_same_again(stored: int) -> None:
    """The note is stored, the user's record is not: the event has to count."""
    door = Door()
    for number in range(2):
        door.take(signup(number))
    door.take(signup(2), TOKEN, stored=stored)
    door.take(signup(2), TOKEN, again=True)
    first, second = door.replies()
    assert first == second
    assert first[1].outcome == "act"
    assert door.count() == 0


@pytest.mark.parametrize("stored", [0, 1])
def test_the_same_on_the_way_back(stored: int) -> None:
    door = Door()
    for number in range(2):
        door.take(signup(number))
    door.take(signup(2, "bea", ip="192.0.2.1"))
    door.take(signup(3, ip="192.0.2.1"), TOKEN)
    door.travel(stored=stored)
    assert [[action.kind for action in reply.actions] for _, reply in door.replies()] == [["limit", "suspend"]] * 2


def test_an_event_that_was_back_before_it_came_again_keeps_its_reply() -> None:
    door = Door()
    door.take(signup(1, ip="203.0.113.7"), TOKEN, stored=1)
    door.travel()
    ((_, reply),) = door.replies()
    door.take(signup(1, ip="203.0.113.7"), TOKEN, again=True)
    door.travel()
    door.replies()
    door.take(signup(1, ip="203.0.113.7"), OTHER)
    assert door.replies() == [(OTHER, reply)]


CALMS = "event: signup, when: [signups > 0], cooldown: {per: user_id, for: 1h}"


@pytest.mark.parametrize(
    ("rules", "first", "second"),
    [
        (f"r: {{{CALMS}, then: {{suspend: user}}}}", "deny", "deny"),
        (f"r: {{{CALMS}, then: {{suspend: user}}, mode: shadow}}", "allow", "allow"),
        (f"r: {{{CALMS}, then: {{suspend: user, needs: review}}}}", "review", "review"),
        (f"r: {{{CALMS}, then: [{{flag: user}}, {{suspend: user}}]}}", "deny", "deny"),
        (f"r: {{{CALMS}, then: {{suspend: user}}, enforce: {{delay: 1h..2h}}}}", "allow", "allow"),
        (f"r: {{{CALMS}, then: {{ladder: slow}}}}", "allow", "allow"),
        (f"r: {{{CALMS}, then: {{ladder: fast}}}}", "deny", "deny"),
        (f"r: {{{CALMS}, then: {{suspend: user}}}}\n  ok: {{event: signup, when: [signups > 1], then: allow}}", "deny",
         "allow"),
    ],
)  # fmt: skip
def test_a_rule_that_rests_says_what_it_would_do(
    monkeypatch: pytest.MonkeyPatch, rules: str, first: str, second: str
) -> None:
    ladders = "".join(
        f"  {name}: {{decay: 30d, steps: [{{at: {at}, suspend: user}}]}}\n"
        for name, at in (("fast", 1), ("slow", 2))
        if name in rules
    )
    head = "counters: {signups: {count: signup, by: user_id, over: 1h}}\n" + (f"ladders:\n{ladders}" if ladders else "")
    monkeypatch.setattr(f"{__name__}.RULES", f"version: 1\n{head}rules:\n  {rules}\n")
    door = Door()
    for number in range(2):
        door.take(signup(number), TOKEN)
    (surface,) = SERVE.surfaces.values()
    assert [verdict_of(reply, surface, START_MS) for _, reply in door.replies()] == [first, second]


def test_what_was_decided_before_replies_were_kept_is_not_known() -> None:
    door = Door()
    door.take(signup(1))
    for key in [key for key in door.database.values if key.startswith(REPLY)]:
        del door.database.values[key]
    door.start()
    for token in (TOKEN, OTHER):
        door.take(signup(1), token)
    assert [(key, reply.outcome) for key, reply in door.replies()] == [(TOKEN, "unknown"), (OTHER, "unknown")]


def test_an_event_that_cannot_be_decided_and_one_that_nothing_asks_about(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    with monkeypatch.context() as broken:
        broken.setattr(Evaluator, "evaluate", lambda *_: 1 / 0)
        door.take(signup(1), TOKEN)
    door.take(signup(1), TOKEN)
    door.take(orjson.dumps({"event_id": "u", "type": "unheard", "user_id": "ann", "ts": START_MS}), OTHER)
    assert [reply.outcome for _, reply in door.replies()] == ["failed", "failed", "none"]


def broken_at_its_address(*_: object) -> None:
    raise RuntimeError("oops")


@pytest.mark.parametrize("stored", [None, 0])
def test_an_event_that_fails_at_an_entity_is_told_with_what_it_has_brought_about_before(
    monkeypatch: pytest.MonkeyPatch, stored: int | None
) -> None:
    door = Door()
    for number in range(2):
        door.take(signup(number))
    door.take(signup(2, ip="192.0.2.1"), TOKEN)
    with monkeypatch.context() as broken:
        broken.setattr(Visits, "visit", broken_at_its_address)
        door.travel(stored=stored)
    assert [dead_letter for dead_letter in door.sent if dead_letter.topic == "dead-letters"]
    told = door.replies()
    assert {(key, reply.outcome, tuple(action.kind for action in reply.actions)) for key, reply in told} == {
        (TOKEN, "failed", ("limit",))
    }
    assert len(told) == (1 if stored is None else 2)  # a worker that has died says it again
    door.take(signup(2, ip="192.0.2.1"), OTHER)
    ((key, again),) = door.replies()
    assert (key, again) == (OTHER, told[0][1])
    assert door.count() == 1


def test_nobody_is_told_of_an_event_that_fails_at_an_entity_and_that_nobody_may_ask_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{__name__}.SERVE", ServeSettings())
    monkeypatch.setattr(Visits, "visit", broken_at_its_address)
    door = Door()
    door.take(signup(1, ip="192.0.2.1"))
    door.travel()
    assert len(door.hops) == 1


def test_an_event_that_fails_when_it_is_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    monkeypatch.setattr(Evaluator, "decide_returned", broken_at_its_address)
    door.take(signup(1, ip="192.0.2.1"), TOKEN)
    door.travel()
    assert [(key, reply.outcome) for key, reply in door.replies()] == [(TOKEN, "failed")]


def test_an_event_that_cannot_travel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    monkeypatch.setattr("engine.stream.handlers.hop_messages.MAX_MESSAGE_BYTES", 10)
    door.take(signup(1, ip="192.0.2.1"), TOKEN)
    assert [(key, reply.outcome) for key, reply in door.replies()] == [(TOKEN, "failed")]


def test_whoever_asks_about_what_is_no_event_is_told() -> None:
    door = Door()
    door.take(b"nonsense", TOKEN)
    door.take(b"nonsense")
    assert [(key, reply.outcome) for key, reply in door.replies()] == [(TOKEN, "failed")]


@pytest.mark.parametrize("token", [b"short", b"t" * 17, b""])
def test_a_token_that_is_none_asks_nothing(token: bytes) -> None:
    door = Door()
    door.take(signup(1), token)
    assert door.replies() == []


def test_a_user_who_is_forgotten_leaves_no_reply() -> None:
    door = Door()
    for number, user in enumerate(("ann", "bea")):
        door.take(signup(number, user))
    (own,) = [
        key
        for key, value in door.database.values.items()
        if key.startswith(REPLY) and (read_kept(value) or Kept(0, 0)).user == hash64("ann")
    ]
    outcome = StateOutcome(state=door.state)
    forget(door.state, Forget("ann", [own]), outcome)
    door.database.apply(outcome.changes)
    assert sum(key.startswith(REPLY) for key in door.database.values) == 1
    assert own not in door.database.values


def test_notes_are_small_and_name_nobody() -> None:
    door = Door(privacy=PrivacySettings(key="k" * 40))
    door.take(signup(1, "annabel"), TOKEN)
    ((name, note),) = [(key, value) for key, value in door.database.values.items() if key.startswith(REPLY)]
    assert b"annabel" not in name + note
    assert len(name + note) < 120
    assert read_kept(b"\xff") is None
