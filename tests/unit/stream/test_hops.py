"""Journeys between partitions, without a broker: repeated messages, refused entities, poison, changes of rules."""

from collections import deque
from collections.abc import Sized
from typing import Any

import orjson

from engine.core.distincts import entries_by_key
from engine.core.evaluator import Evaluator
from engine.core.records import load_record
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState, entity_key
from engine.stream.hops import HopWorker
from engine.stream.messages import Message
from engine.stream.metrics import Metrics
from engine.stream.offline import Record
from engine.stream.workers import EventWorker
from tests.kernels import times_by_key

START_MS = 1_760_000_000_000
RULES = """
version: 1
counters:
  users: {distinct: user_id, of: post, by: url_domain, over: 10m}
  devices: {count: post, by: device_id, over: 10m}
  posts: {count: post, by: user_id, over: 1m}
rules:
  flood: {event: post, when: [posts > 5], then: {limit: posting}}
  swarm:
    event: post
    when: [users >= 3]
    then: {hide: content, target: event, also: earlier, lookback: 10m}
  worn: {event: post, when: [devices > 4], then: {flag: device}, cooldown: {per: user_id, for: 1h}}
"""


class Town:
    """Partitions with a state each, and topics between them; messages move when the test says so."""

    def __init__(self, rules: str = RULES, partitions: int = 3) -> None:
        self.settings = Settings(partitions=partitions, decision_sample=0.0)
        self.metrics = Metrics()
        self.databases = [MemoryDatabase() for _ in range(partitions)]
        self.states: dict[int, PartitionState] = {}
        self.log: list[list[Message]] = [[] for _ in range(partitions)]
        self.offsets = [0] * partitions
        self.out: list[Message] = []
        self.events = EventWorker(self.settings, self.state, lambda _: None, self.metrics)
        self.hops = HopWorker(self.settings, self.state, self.metrics, partitions)
        self.use(rules)

    def use(self, rules: str) -> None:
        evaluator = Evaluator(load_rulebook({"rules.yaml": rules}), {})
        self.events.use(evaluator)
        self.hops.use(evaluator)

    def state(self, partition: int) -> PartitionState:
        return self.states.setdefault(partition, PartitionState(lambda: self.databases[partition], 100))

    def post(self, user: str, number: int, *, forget: bool = False, **fields: Any) -> None:
        """An event on its user's partition. `forget`: the worker dies before it has noted anything."""
        event = {"event_id": f"e{number}", "type": "post", "user_id": user, "ts": START_MS + number * 1000, **fields}
        home = ord(user[0]) % len(self.databases)
        value = orjson.dumps(event).replace(b'"DEEP"', b"[" * 990 + b"]" * 990)
        record = Record("events", home, number, user.encode(), value)
        outcome = self.events.process(home, [record])
        self.deliver(outcome.messages)
        if forget:
            self.states.clear()
        else:
            self.databases[home].apply(outcome.changes)
            outcome.settle()

    def deliver(self, messages: list[Message]) -> None:
        for message in messages:
            if message.topic != self.settings.topics.hops:
                self.out.append(message)
                continue
            by_key = sum(message.key or b"") % len(self.databases)
            self.log[by_key if message.partition is None else message.partition].append(message)

    def travel(self, *, forget: bool = False) -> None:
        """Move everything on the hops topic until nothing is left."""
        moving = deque(range(len(self.databases)))
        while any(self.offsets[index] < len(self.log[index]) for index in moving):
            index = moving[0]
            moving.rotate(-1)
            start, end = self.offsets[index], len(self.log[index])
            if start == end:
                continue
            records = [
                Record("hops", index, at, self.log[index][at].key, self.log[index][at].value)
                for at in range(start, end)
            ]
            outcome = self.hops.process(index, records)
            self.deliver(outcome.messages)
            if forget:  # it dies, and the batch is read again
                self.states.clear()
                forget = False
                continue
            self.databases[index].apply(outcome.changes)
            outcome.settle()
            self.offsets[index] = end

    def actions(self) -> list[tuple[str, str]]:
        documents = [orjson.loads(one.value) for one in self.out if one.topic == self.settings.topics.actions]
        return [(document["event_id"], document["rule"]) for document in documents]

    def decisions(self) -> list[dict[str, Any]]:
        return [orjson.loads(one.value) for one in self.out if one.topic == self.settings.topics.decisions]

    def count_at(self, kind: str, key: str) -> int:
        """Entries in the longest series of an entity, wherever it is kept."""
        found = [database.values.get(entity_key((kind, key))) for database in self.databases]
        (data,) = [value for value in found if value is not None]
        series = load_record(data).series
        counted: list[Sized] = [*times_by_key(series.counts).values(), *entries_by_key(series.distincts).values()]
        return max(len(entries) for entries in counted)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def test_events_meet_at_their_entity_and_are_decided_at_home() -> None:
    town = Town()
    for number, user in enumerate("abc"):
        town.post(user, number, text="https://a.com", device_id=f"d{user}")
        town.travel()
    assert sorted(town.actions()) == [("e0", "swarm"), ("e1", "swarm"), ("e2", "swarm")]
    assert town.count_at("url_domain", "a.com") == 3
    assert town.metric("floodgate_hops_total", kind="url_domain") == 3
    assert town.metric("floodgate_recalls_total", rule="swarm") == 2


def test_events_that_name_no_entity_make_no_journey() -> None:
    town = Town()
    for number in range(7):
        town.post("a", number)
    assert town.log == [[], [], []]
    assert town.actions() == [("e5", "flood"), ("e6", "flood")]


def test_what_a_dying_worker_has_sent_already_counts_once() -> None:
    town = Town()
    for number, user in enumerate("abc"):
        town.post(user, number, forget=True, text="https://a.com", device_id="d")
        town.post(user, number, text="https://a.com", device_id="d")
        town.travel()
    assert sorted(town.actions()) == [("e0", "swarm"), ("e1", "swarm"), ("e2", "swarm")]
    assert (town.count_at("url_domain", "a.com"), town.count_at("device_id", "d")) == (3, 3)
    assert town.metric("floodgate_hops_repeated_total") > 0


def test_a_batch_of_hops_that_is_read_again_counts_once() -> None:
    calm, shaken = Town(), Town()
    for town in (calm, shaken):
        for number, user in enumerate("abcdef"):
            town.post(user, number, text="https://a.com", device_id="d")
            town.travel(forget=town is shaken)
    assert set(shaken.actions()) == set(calm.actions())
    assert shaken.count_at("device_id", "d") == calm.count_at("device_id", "d") == 6


def test_an_event_that_comes_another_way_under_new_rules_counts_once() -> None:
    town = Town()
    town.post("a", 0, forget=True, text="https://a.com", device_id="d", ip="10.0.0.1")
    town.use(RULES.replace("counters:", "counters:\n  ips: {count: post, by: a_kind, over: 1m}").replace(
        "version: 1", "version: 1\nfields: {a_kind: {type: text, from: ip}}"))  # fmt: skip
    town.post("a", 0, text="https://a.com", device_id="d", ip="10.0.0.1")
    town.travel()
    assert (town.count_at("url_domain", "a.com"), town.count_at("device_id", "d")) == (1, 1)


def test_a_journey_under_rules_that_are_gone_comes_home() -> None:
    town = Town()
    town.post("a", 0, text="https://a.com", device_id="d")
    town.use("version: 1\nrules: {any_post: {event: post, when: [user_id == 'a'], then: {flag: x}}}")
    town.travel()
    assert town.actions() == []
    assert town.offsets == [len(log) for log in town.log]


def test_a_decision_waits_for_the_journey_and_tells_everything() -> None:
    town = Town()
    for number in range(6):
        town.post("a", number, text="https://a.com", device_id="d")
    assert town.actions() == [("e5", "flood")]  # at once
    assert town.decisions() == []
    town.travel()
    assert [[hit["rule"] for hit in decision["hits"]] for decision in town.decisions()] == [["worn"], ["flood", "worn"]]
    assert [decision["hits"][-1]["effect"] for decision in town.decisions()] == ["acted", "cooldown"]


def test_clusters_link_by_entities_that_nothing_else_counts() -> None:
    rules = """
version: 1
clusters: {ring: {of: post, share: device_id, within: 1h}}
counters: {ring_users: {distinct: user_id, by: ring, over: 1h}}
rules: {big: {event: post, when: [ring_users >= 4], then: {review: ring}}}
"""
    town = Town(rules, partitions=1)
    for number, (user, device) in enumerate((("a", "d1"), ("b", "d1"), ("c", "d2"), ("d", "d2"), ("b", "d2"))):
        town.post(user, number, device_id=device)
        town.travel()
    assert town.actions() == [("e4", "big")]
    assert sorted(town.decisions()[-1]["clusters"]["ring"]) == ["a", "b", "c", "d"]
    assert town.metric("floodgate_keys_refused_total", kind="device_id") == 0


BUDGET_OF_THREE = RULES.replace("by: url_domain, over: 10m", "by: url_domain, over: 10m, max_keys: 3")


def test_what_one_user_made_up_gives_its_place_to_the_next() -> None:
    town = Town(BUDGET_OF_THREE, partitions=1)
    for number in range(6):
        town.post("a", number, text=f"https://site{number}.com")
        town.travel()
    kept = [key for key in town.databases[0].values if key.startswith(b"furl_domain")]
    assert len(kept) == 3
    town.post("b", 7, text="https://site5.com")
    town.travel()
    assert town.count_at("url_domain", "site5.com") == 2
    town.post("b", 8, text="https://site0.com")
    town.travel()
    assert town.count_at("url_domain", "site0.com") == 1


def test_entities_beyond_the_budget_that_people_share_stay_and_new_ones_are_not_counted() -> None:
    town = Town(BUDGET_OF_THREE, partitions=1)
    for number in range(3):
        for user in "ab":
            town.post(user, 2 * number + (user == "b"), text=f"https://site{number}.com")
            town.travel()
    town.post("c", 7, text="https://new.com")
    town.travel()
    kept = [key for key in town.databases[0].values if key.startswith(b"furl_domain")]
    assert len(kept) == 3
    assert town.metric("floodgate_keys_refused_total", kind="url_domain") == 1
    assert [town.count_at("url_domain", f"site{number}.com") for number in range(3)] == [2, 2, 2]


def test_what_is_not_ours_on_the_topic_becomes_a_dead_letter() -> None:
    town = Town()
    for value in (b"nonsense", b"", b"\x93\xa7journey\x93\x09\x00\x00\x01", b"\x91" * 5_000):
        town.log[0].append(Message("hops", b"k", value))
    town.post("a", 0, text="https://a.com")
    town.travel()
    letters = [message for message in town.out if message.topic == "dead-letters"]
    assert [dict(letter.headers or [])["reason"] for letter in letters] == [b"not_a_hop"] * 4
    assert town.count_at("url_domain", "a.com") == 1


def test_an_event_that_cannot_travel_stops_nobody() -> None:
    town = Town(RULES + "  deep: {event: post, when: [users > 0, known(event.meta.x)], then: {flag: deep}}\n")
    town.post("a", 0, text="https://a.com", meta={"x": "DEEP"})
    town.post("b", 1, text="https://a.com")
    town.travel()
    assert town.offsets == [len(log) for log in town.log]
    assert town.count_at("url_domain", "a.com") >= 1
    refused = town.metric("floodgate_dead_letters_total", topic="events", reason="cannot_travel")
    assert refused + town.actions().count(("e0", "deep")) == 1  # how deep is too deep depends on the Python


def test_a_crossing_may_recall_very_many() -> None:
    rules = "\n".join(
        f"  again{index}: {{event: post, when: [users >= 400], then: {{flag: x, also: earlier, lookback: 10m}}}}"
        for index in range(4)
    )
    town = Town(
        "version: 1\ncounters:\n  users: {distinct: user_id, of: post, by: url_domain, over: 10m}\nrules:\n" + rules
    )
    for number in range(402):
        town.post(f"{'abc'[number % 3]}{number}", number, text="https://a.com")
    town.travel()
    assert len(set(town.actions())) == 4 * 402
