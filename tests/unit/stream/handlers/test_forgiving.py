"""What a revocation does to the strikes of its action's user."""

from typing import Any

import msgspec
import orjson
import pytest

from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.records import dump_record
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.scored import STRIKE
from engine.state.store import PartitionState, user_record_key
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.label_messages import encode_revocation
from engine.stream.handlers.labels import LabelWorker
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.publishers import RecordOrigin
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine, Record
from tests.events import START_MS

RULES = """
version: 1
ladders:
  spam:
    decay: 10d
    steps:
      - {at: 1, flag: content}
      - {at: 2, challenge: captcha}
      - {at: 3, limit: posting, for: 24h}
rules:
  bad:
    event: post
    when: [event.bad == 1]
    then: {ladder: spam}
  worse:
    event: post
    when: [event.worse == 1]
    then: {ladder: spam}
  plain:
    event: post
    when: [event.plain == 1]
    then: {hide: content}
"""
HIDDEN = PrivacySettings(key="k" * 40)


class Bench:
    """A partition's events and labels, in memory. `may`: what the one may do who signs the labels."""

    def __init__(self, may: frozenset[str] = frozenset({"revoke"}), **settings: Any) -> None:
        self.settings = msgspec.structs.replace(Settings(decision_sample=0.0), **settings)
        self.database, self.metrics, self._offset = MemoryDatabase(), Metrics(), -1
        self.begin()
        self._may = may

    def begin(self) -> None:
        """As after a start: nothing is in memory."""
        self.state = PartitionState(lambda: self.database, 100)
        self.events = EventWorker(self.settings, lambda _: self.state, lambda _: None, self.metrics)
        self.events.use(Evaluator(load_rulebook({"rules.yaml": RULES}), {}))
        self.labels = LabelWorker(
            self.settings, lambda _: self.state, self.metrics,
            lambda _, scope: RecordOrigin("ann", False) if scope in self._may else None,
        )  # fmt: skip

    def apply(self, outcome: Outcome) -> Outcome:
        self.database.apply(outcome.changes)
        outcome.settle()
        return outcome

    def post(self, user: str = "u", **fields: int) -> list[dict[str, Any]]:
        """One more event; the actions on it."""
        self._offset += 1
        at = self._offset
        event = {"event_id": f"e{at}", "type": "post", "user_id": user, "ts": START_MS + at, **(fields or {"bad": 1})}
        outcome = self.apply(self.events.process(0, [Record("events", 0, at, user.encode(), orjson.dumps(event))]))
        return [orjson.loads(one.value) for one in outcome.messages if one.topic == self.settings.topics.actions]

    def revoked(self, *action_ids: str, user: str = "u") -> Outcome:
        records = [
            Record("labels", 0, at, user.encode(), encode_revocation(Revocation(one, user, START_MS)))
            for at, one in enumerate(action_ids)
        ]
        return self.labels.process(0, records)

    def revoke(self, *action_ids: str, user: str = "u") -> Outcome:
        return self.apply(self.revoked(*action_ids, user=user))

    @property
    def forgiven(self) -> float:
        return self.metrics.registry.get_sample_value("floodgate_strikes_forgiven_total") or 0.0

    @property
    def noted(self) -> int:
        """How many strikes may be forgiven."""
        return sum(key.startswith(STRIKE) for key in self.database.values)


def test_who_was_wronged_twice_begins_at_the_first_step_again() -> None:
    bench = Bench()
    (first,), (second,) = bench.post(), bench.post()
    assert (first["kind"], second["kind"]) == ("flag", "challenge")
    bench.revoke(first["action_id"], second["action_id"])
    assert (bench.forgiven, bench.noted) == (2, 0)
    (third,) = bench.post()
    assert (third["kind"], third["explanation"]) == ("flag", "event.bad = 1 == 1, 1st strike on ladder spam")


def test_other_strikes_stay() -> None:
    bench = Bench()
    first, second, third = (bench.post()[0] for _ in range(3))
    assert third["kind"] == "limit"
    bench.revoke(second["action_id"])
    assert [one["kind"] for one in bench.post()] == ["limit"]
    bench.revoke(first["action_id"], third["action_id"])
    assert [one["kind"] for one in bench.post()] == ["challenge"]


def test_an_event_is_a_strike_until_the_actions_of_all_its_rules_are_revoked() -> None:
    bench = Bench()
    one, other = bench.post(bad=1, worse=1)
    bench.revoke(one["action_id"])
    assert [action["kind"] for action in bench.post()] == ["challenge"]
    bench.revoke(one["action_id"])  # again: nothing more is forgiven
    assert [action["kind"] for action in bench.post()] == ["limit"]
    bench.revoke(other["action_id"])
    assert [action["kind"] for action in bench.post()] == ["limit"]  # two stand, and this one
    assert bench.forgiven == 2


@pytest.mark.parametrize("apart", [True, False], ids=["in two batches", "in one"])
def test_a_revocation_that_comes_twice_forgives_once(apart: bool) -> None:
    bench = Bench()
    one, _ = bench.post(bad=1, worse=1)
    ids = [one["action_id"]] * 2
    for batch in [ids[:1], ids[1:]] if apart else [ids]:
        bench.revoke(*batch)
    assert (bench.forgiven, bench.noted) == (1, 1)
    assert [action["kind"] for action in bench.post()] == ["challenge"]


@pytest.mark.parametrize("durable", range(3), ids=["nothing", "the record", "both"])
def test_after_a_crash_a_revocation_that_is_read_again_forgives_once(durable: int) -> None:
    bench = Bench()
    one, two = bench.post()[0], bench.post()[0]
    bench.post()
    changes = bench.revoked(one["action_id"], two["action_id"]).changes
    assert [key[:1] for key, _ in changes] == [b"e", b"t", b"t"]  # the record comes before the notes
    bench.database.apply(changes[: (0, 1, 3)[durable]])
    bench.begin()
    bench.revoke(one["action_id"], two["action_id"])
    bench.begin()
    assert [action["kind"] for action in bench.post()] == ["challenge"]


def test_what_was_no_strike_is_passed_over() -> None:
    bench = Bench()
    (plain,) = bench.post(plain=1)
    bench.post()
    before = dict(bench.database.values)
    assert bench.revoke(plain["action_id"], "unknown").messages == []
    assert (bench.database.values, bench.forgiven) == (before, 0)


def test_a_strike_is_forgiven_to_none_but_its_user() -> None:
    bench = Bench()
    (action,) = bench.post("ann")
    bench.post("ben")
    ben = bench.database.values[user_record_key("ben")]
    bench.revoke(action["action_id"], user="ben")
    assert bench.database.values[user_record_key("ben")] == ben


def test_a_strike_is_found_under_a_pseudonym() -> None:
    bench = Bench(privacy=HIDDEN)
    (action,) = bench.post("ann")
    assert action["user_id"] == "ann"
    bench.revoke(action["action_id"], user="ann")
    assert [one["kind"] for one in bench.post("ann")] == ["flag"]


def test_only_who_may_revoke_makes_the_engine_forgive() -> None:
    bench = Bench(may=frozenset({"label", "behalf", "rules"}))
    (action,) = bench.post()
    (letter,) = bench.revoke(action["action_id"]).messages
    assert dict(letter.headers or ())["reason"] == b"not_a_publishers"
    assert [one["kind"] for one in bench.post()] == ["challenge"]


def test_a_record_that_cannot_be_read_stops_nothing() -> None:
    bench = Bench()
    (action,) = bench.post()
    bench.database.values[user_record_key("u")] = b"damaged"
    bench.begin()
    (letter,) = bench.revoke(action["action_id"]).messages
    assert dict(letter.headers or ())["reason"] == b"unreadable_state"
    assert bench.noted == 1


def test_a_replay_forgives_in_the_same_place() -> None:
    def post(at: int) -> Arrival:
        event = {"event_id": f"e{at}", "type": "post", "user_id": "u", "ts": START_MS + at, "bad": 1}
        return Arrival("event", START_MS + at, orjson.dumps(event))

    bench = Bench()
    first, second = bench.post()[0], bench.post()[0]
    bench.revoke(first["action_id"], second["action_id"])
    live = [first, second, *bench.post()]
    ids = (first["action_id"], second["action_id"])
    labels = [Arrival("label", 0, encode_revocation(Revocation(one, "u", START_MS + 1))) for one in ids]
    engine = OfflineEngine(load_rulebook({"rules.yaml": RULES}), Settings(decision_sample=0.0))
    messages = list(engine.run([post(0), post(1), *labels, post(2)]))
    assert [orjson.loads(one.value) for one in messages if one.topic == "actions"] == live
    records = (one.load([user_record_key("u")])[user_record_key("u")] for one in (engine.state, bench.state))
    assert len({dump_record(one) for one in records}) == 1
