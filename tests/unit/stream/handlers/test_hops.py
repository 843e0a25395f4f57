"""Routed events between partitions, without a broker: repeated messages, refused entities, poison, changes of rules."""

import asyncio
from collections import deque
from collections.abc import Sized
from typing import Any

import msgspec
import orjson
import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from engine.core.domain.events import MAX_CLOCK_TOLERANCE_MS, Event
from engine.core.evaluation.evaluator import Evaluator
from engine.core.kernel import hash64
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.learning.scored import read_scored
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state import store
from engine.state.memory import MemoryDatabase
from engine.state.scored import payload_of
from engine.state.store import FORGETTING, WATERMARKS, PartitionState, Source, entity_record_key, user_record_key
from engine.stream.handlers import events, hops
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.hop_messages import MESSAGES_PER_RECORD, encode_request
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.publishers import RecordOrigin
from engine.stream.offline.engine import Record
from tests.kernels import entries_by_key, times_by_key
from tests.unit.stream.signed import person

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
        self.hops = HopWorker(self.settings, self.state, self.metrics, partitions, place=self.place)
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
        user_partition = ord(user[0]) % len(self.databases)
        value = orjson.dumps(event).replace(b'"DEEP"', b"[" * 990 + b"]" * 990)
        record = Record("events", user_partition, number, user.encode(), value)
        outcome = self.events.process(user_partition, [record])
        self.deliver(outcome.messages)
        if forget:
            self.states.clear()
        else:
            self.databases[user_partition].apply(outcome.changes)
            outcome.settle()

    def deliver(self, messages: list[Message]) -> None:
        for message in messages:
            if message.topic != self.settings.topics.hops:
                self.out.append(message)
                continue
            by_key = self.place(message.key or b"")
            self.log[by_key if message.partition is None else message.partition].append(message)

    def place(self, key: bytes) -> int:
        return sum(key) % len(self.databases)

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
            if outcome.before_reading is not None:
                asyncio.run(outcome.before_reading())  # type: ignore[arg-type]  # an async function's
            self.offsets[index] = end if outcome.read_from is None else outcome.read_from

    def actions(self) -> list[tuple[str, str]]:
        documents = [orjson.loads(one.value) for one in self.out if one.topic == self.settings.topics.actions]
        return [(document["event_id"], document["rule"]) for document in documents]

    def decisions(self) -> list[dict[str, Any]]:
        return [orjson.loads(one.value) for one in self.out if one.topic == self.settings.topics.decisions]

    def count_at(self, kind: str, key: str) -> int:
        """Entries in the longest series of an entity, wherever it is kept."""
        found = [database.values.get(entity_record_key((kind, key))) for database in self.databases]
        (data,) = [value for value in found if value is not None]
        series = load_record(data).series
        counted: list[Sized] = [*times_by_key(series.counts).values(), *entries_by_key(series.distincts).values()]
        return max(len(entries) for entries in counted)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def test_events_meet_at_their_entity_and_are_decided_at_their_users() -> None:
    town = Town()
    for number, user in enumerate("abc"):
        town.post(user, number, text="https://a.com", device_id=f"d{user}")
        town.travel()
    assert sorted(town.actions()) == [("e0", "swarm"), ("e1", "swarm"), ("e2", "swarm")]
    assert town.count_at("url_domain", "a.com") == 3
    assert town.metric("floodgate_hops_total", kind="url_domain") == 3
    assert town.metric("floodgate_retroactive_matches_total", rule="swarm") == 2


def test_events_that_name_no_entity_go_nowhere() -> None:
    town = Town()
    for number in range(7):
        town.post("a", number)
    assert town.log == [[], [], []]
    assert town.actions() == [("e5", "flood"), ("e6", "flood")]


def test_an_event_with_nothing_left_to_decide_ends_at_its_last_entity() -> None:
    town = Town()
    for number, user in enumerate("abc"):
        town.post(user, number, text="https://a.com", device_id=f"d{user}")
        town.travel()
    # Of each event one message to its device and one to its domain; the third, which is acted on, goes back as well,
    # and two retroactive matches.
    assert sum(map(len, town.log)) == 3 * 2 + 1 + 2
    assert town.metric("floodgate_routed_events_total") == 3


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


def test_an_event_under_rules_that_are_gone_comes_back() -> None:
    town = Town()
    town.post("a", 0, text="https://a.com", device_id="d")
    town.use("version: 1\nrules: {any_post: {event: post, when: [user_id == 'a'], then: {flag: x}}}")
    town.travel()
    assert town.actions() == []
    assert town.offsets == [len(log) for log in town.log]


def test_a_decision_waits_until_the_event_is_back_and_tells_everything() -> None:
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


FEW_DOMAINS = RULES.replace("by: url_domain, over: 10m", "by: url_domain, over: 10m, max_keys: 3")


def kept_domains(town: Town) -> list[bytes]:
    return sorted(key.partition(b"\0")[2] for key in town.databases[0].values if key.startswith(b"furl_domain"))


def test_entities_beyond_the_budget_are_not_counted_and_leave_nothing() -> None:
    town = Town(FEW_DOMAINS, partitions=1)
    for number in range(3):
        for place, user in enumerate("abcd"):
            town.post(user, 4 * number + place, text=f"https://site{number}.com")
            town.travel()
    for number in range(3, 6):
        town.post("e", 20 + number, text=f"https://site{number}.com")
        town.travel()
    assert kept_domains(town) == [b"site0.com", b"site1.com", b"site2.com"]
    assert town.metric("floodgate_keys_refused_total", kind="url_domain") == 3
    town.post("f", 30, text="https://site0.com")
    town.travel()
    assert town.count_at("url_domain", "site0.com") == 5


def test_what_one_user_has_made_up_gives_way_after_a_restart_too() -> None:
    town = Town(FEW_DOMAINS, partitions=1)
    for number in range(20):
        town.post("e", number, text=f"https://site{number}.com")
        town.travel()
    town.states.clear()
    for place, user in enumerate("abcd"):
        town.post(user, 30 + place, text="https://real.com")
        town.travel()
    assert town.count_at("url_domain", "real.com") == 4
    assert town.metric("floodgate_keys_refused_total", kind="url_domain") == 0


def test_entities_that_one_user_has_made_up_give_way_to_others() -> None:
    town = Town(FEW_DOMAINS, partitions=1)
    town.post("a", 0, text="https://shared.com")
    town.post("b", 1, text="https://shared.com")
    town.travel()
    for number in range(2, 8):
        town.post("e", number, text=f"https://site{number}.com")
        town.travel()
    assert kept_domains(town) == [b"shared.com", b"site6.com", b"site7.com"]
    town.post("c", 9, text="https://real.com")
    town.post("d", 10, text="https://real.com")
    town.travel()
    assert town.count_at("url_domain", "real.com") == 2
    assert town.metric("floodgate_keys_refused_total", kind="url_domain") == 0


def test_the_parts_that_a_batch_is_worked_through_in_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def stored(size: int) -> dict[bytes, bytes]:
        for module in (events, hops):
            monkeypatch.setattr(module, "_AT_ONCE", size)
        town = Town(FEW_DOMAINS, partitions=1)
        for number in range(60):
            user, site = "abcdefgh"[number % 8], number * number % 11
            town.post(user, number, text=f"https://site{site}.com")
            if number % 20 == 19:
                town.travel()
        assert len(kept_domains(town)) == 3
        return town.databases[0].values

    assert stored(1) == stored(1_000)


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
    with capture_logs():  # rendered by nobody: structlog's own way to show values is not made for such depths
        town.post("a", 0, text="https://a.com", meta={"x": "DEEP"})
        town.post("b", 1, text="https://a.com")
        town.travel()
    assert town.offsets == [len(log) for log in town.log]
    assert town.count_at("url_domain", "a.com") >= 1
    refused = [
        town.metric("floodgate_dead_letters_total", topic=topic, reason=reason)
        for topic, reason in (("events", "cannot_travel"), ("hops", "evaluation_failed"))
    ]
    assert sum(refused) + town.actions().count(("e0", "deep")) == 1  # how deep is too deep depends on the Python


def test_a_crossing_may_match_very_many_earlier_events() -> None:
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


RING = """
version: 1
clusters: {ring: {of: post, share: device_id, within: 1h}}
counters: {ring_users: {distinct: user_id, by: ring, over: 1h}}
rules: {big: {event: post, when: [ring_users >= 4], then: {review: ring}}}
"""
NAMES = (
    "tag", "origin", "event_id", "type", "user_id", "ts_ms", "user_partition", "fields", "entity_keys", "values",
    "models", "allowed",
    "eligible", "hits", "answers", "clusters", "members", "content",
)  # fmt: skip


class Watched(Town):
    """A town whose partitions can be asked how far they reach; `asked`: which of them were."""

    def __init__(self, rules: str = RULES, ends: dict[Source, int] | None = None) -> None:
        super().__init__(rules)
        self.ends, self.asked = ends or {}, list[Source]()
        self.hops = HopWorker(self.settings, self.state, self.metrics, len(self.databases), end_of=self._end_of)
        self.use(rules)

    async def _end_of(self, source: Source) -> int:
        self.asked.append(source)
        return self.ends.get(source, 0)

    def forge(self, partition: int = 0, **changes: Any) -> None:
        """A message that somebody has made out of a real one."""
        made = msgspec.msgpack.decode(next(message for log in self.log for message in log).value)
        for name, value in changes.items():
            made[NAMES.index(name)] = value
        self.log[partition].append(Message("hops", b"k", msgspec.msgpack.encode(made)))

    def letters(self) -> list[bytes]:
        return [dict(one.headers or [])["reason"] for one in self.out if one.topic == "dead-letters"]


def shared_device(town: Town, numbers: range, device: str = "d") -> None:
    for number in numbers:
        town.post("a", number, device_id=device)
        town.travel()


HUGE = (1 << 62) - 1
HOME_OF_A = ord("a") % 3


@pytest.mark.parametrize(
    "changes",
    [
        {"user_partition": 3}, {"user_partition": 65_535}, {"user_partition": 65_536}, {"user_partition": -1},
        {"origin": [0, 3, 5]},
        {"origin": [0, 1 << 30, 5]},
        {"origin": [0, -1, 5]}, {"origin": [2, 0, 5]}, {"origin": [0, 0, 1 << 62]}, {"origin": [0, 0, -1]},
        {"content": -1}, {"ts_ms": 0}, {"ts_ms": 1 << 62}, {"answers": [{}] * 5},
        {"entity_keys": [["device_id", "d"]] * 600}, {"entity_keys": [["", "d"]]}, {"event_id": ""},
        {"user_id": "u" * 3_000},
        {"clusters": {"ring": {"labels": [-1]}}}, {"clusters": {"ring": {"labels": [5, -(1 << 63)]}}},
        {"hits": [["r", "enforce", "nonsense", [], None]]}, {"values": {"c": ["at least", "many"]}},
    ],
    ids=str,
)  # fmt: skip
def test_a_made_up_message_is_a_dead_letter_and_nothing_else_suffers(changes: dict[str, Any]) -> None:
    town = Watched(ends={(0, HOME_OF_A): 100})
    town.post("a", 0, device_id="d")
    for partition in range(3):
        town.forge(partition, **changes)
    town.travel()
    shared_device(town, range(1, 6))
    assert town.letters() == [b"not_a_hop"] * 3
    assert town.count_at("device_id", "d") == 6
    assert ("e4", "worn") in town.actions()


@pytest.mark.parametrize(
    "changes",
    [
        {"clusters": {"ring": {"labels": [1], "members": {"m" * 70_000: START_MS}}}, "entity_keys": [["ring", "1"]]},
        {"clusters": {"ring": {"labels": [1], "members": {"m": -(1 << 63), "n": 9**19}}}, "entity_keys": [["ring",
        "1"]]},
        {"clusters": {"ring": {"labels": [1], "members": {str(n): START_MS for n in range(3_000)}}},
        "entity_keys": [["ring", "1"]]},
        {"clusters": {"ring": {"labels": [(1 << 64) - 1]}}, "entity_keys": [["ring", "f" * 40]]},
        {"clusters": {"ring": {"labels": [1] * 5_000, "shared": True}}, "entity_keys": [["ring", "no label"]]},
        {"entity_keys": [["ring", ""]]}, {"entity_keys": [["device_id", "\x1f" * 8_000]]},
        {"entity_keys": [["nothing", "k"]]},
        {"ts_ms": 4_102_444_800_000}, {"ts_ms": 788_918_400_000}, {"content": (1 << 64) - 1}, {"type": "never seen"},
        {"fields": {"device_id": {"deep": [{}] * 99}}}, {"values": {"c": ["at least", float("nan")]}},
        {"eligible": {"big": "t" * 2_048}}, {"members": {"ring": ["m" * 70_000]}}, {"user_id": "u" * 2_048},
    ],
    ids=",".join,
)  # fmt: skip
def test_whatever_a_message_says_its_partition_goes_on(changes: dict[str, Any]) -> None:
    for rules in (RING, RULES):
        town = Watched(rules, ends={(0, HOME_OF_A): 100})
        town.post("a", 0, device_id="d")
        for partition in range(3):
            town.forge(partition, origin=[0, HOME_OF_A, partition - 3 + MESSAGES_PER_RECORD], **changes)
        town.travel()
        before = town.metric("floodgate_routed_events_total")
        for number in range(2, 8):
            town.states.clear()  # what is stored can be read
            shared_device(town, range(number, number + 1))
        assert town.offsets == [len(log) for log in town.log]
        assert town.metric("floodgate_routed_events_total") == before + 6


def test_a_number_near_the_end_of_all_numbers_stops_no_routed_events() -> None:
    town = Watched(ends={(0, HOME_OF_A): 1})
    town.post("a", 0, device_id="d")
    for partition in range(3):
        town.forge(partition, origin=[0, HOME_OF_A, HUGE])
    town.travel()
    shared_device(town, range(1, 4))
    assert town.count_at("device_id", "d") == 4
    assert town.letters() == [b"not_a_hop"] * 3
    assert town.metric("floodgate_hops_repeated_total") == 0


def test_it_is_looked_up_once_for_each_batch_and_refused() -> None:
    town = Watched(ends={(0, HOME_OF_A): 1})
    town.post("a", 0, device_id="d")
    town.travel()
    for number in range(5):
        town.forge(origin=[0, HOME_OF_A, HUGE - number])
    town.travel()
    assert town.asked == [(0, HOME_OF_A)]
    assert town.letters() == [b"not_a_hop"] * 5
    town.forge(origin=[0, HOME_OF_A, HUGE])
    town.travel()
    assert town.asked == [(0, HOME_OF_A)] * 2  # it may be true by now
    assert len(town.letters()) == 6


def test_sources_are_looked_up_one_by_one() -> None:
    town = Watched(ends={(0, 0): 1, (0, 1): 1, (1, 2): 1})
    town.post("a", 0, device_id="d")
    town.travel()
    for source in ((0, 0), (1, 2), (0, 1)):
        town.forge(origin=[*source, HUGE])
    town.travel()
    town.post("a", 1, device_id="d")
    town.travel()
    assert town.asked == [(0, 0), (1, 2), (0, 1)]
    assert len(town.letters()) == 3
    assert town.count_at("device_id", "d") == 2


def test_what_was_looked_up_is_known_though_other_partitions_go_on_meanwhile() -> None:
    town = Watched(ends={(0, HOME_OF_A): 1})
    town.post("a", 0, device_id="d")
    town.travel()
    town.forge(0, origin=[0, HOME_OF_A, HUGE])
    forged = Record("hops", 0, len(town.log[0]) - 1, b"k", town.log[0][-1].value)
    for _ in range(5):
        outcome = town.hops.process(0, [forged])
        if outcome.read_from is None:
            break
        assert outcome.before_reading is not None
        asyncio.run(outcome.before_reading())  # type: ignore[arg-type]  # an async function's
        town.hops.process(1, [])
    assert town.asked == [(0, HOME_OF_A)]  # else this partition stands still while the others are busy
    assert outcome.read_from is None


def test_a_large_jump_that_is_real_is_taken_after_a_look() -> None:
    town = Watched(ends={(0, HOME_OF_A): 500_001})
    shared_device(town, range(2))
    assert town.asked == []
    town.post("a", 500_000, device_id="d")
    town.travel()
    assert set(town.asked) == {(0, HOME_OF_A)}
    assert town.letters() == []
    assert town.offsets == [len(log) for log in town.log]
    assert town.metric("floodgate_routed_events_total") == 3
    looks = len(town.asked)
    town.post("a", 500_001, device_id="d")
    town.travel()
    assert town.metric("floodgate_routed_events_total") == 4
    assert len(town.asked) == looks


def test_many_made_up_steps_reach_no_further_than_one_leap() -> None:
    town = Watched(ends={(0, HOME_OF_A): 10})
    town.post("a", 0, device_id="d")
    town.travel()
    for number in range(1, 6):
        for partition in range(3):
            town.forge(partition, origin=[0, HOME_OF_A, number * 90_000 * MESSAGES_PER_RECORD])
    town.travel()
    before, town.ends = town.metric("floodgate_routed_events_total"), {(0, HOME_OF_A): 100_004, (1, 0): 99, (1, 1): 99}
    town.ends[1, 2] = 99
    shared_device(town, range(100_001, 100_004))
    assert town.metric("floodgate_routed_events_total") == before + 3


def test_what_no_worker_has_sealed_is_refused() -> None:
    town, sealed = Town(), set[bytes]()

    def is_sealed(record: Any) -> bool:
        return record.value in sealed

    town.hops = HopWorker(town.settings, town.state, town.metrics, 3, is_sealed=is_sealed)
    town.use(RULES)
    town.post("a", 0, device_id="d")
    town.travel()
    assert town.metric("floodgate_dead_letters_total", topic="hops", reason="not_a_workers") == 1
    assert town.metric("floodgate_hops_total", kind="device_id") == 0
    town.post("a", 1, device_id="d")
    sealed.update(message.value for log in town.log for message in log)
    town.travel()
    assert town.metric("floodgate_hops_total", kind="device_id") == 1


def test_what_is_refused_has_no_part_in_what_was_applied() -> None:
    town = Town()
    town.hops = HopWorker(town.settings, town.state, town.metrics, 3, is_sealed=lambda _: False)
    town.use(RULES)
    town.post("a", 5, device_id="d")
    town.travel()
    assert all(not state.watermarks() for state in town.states.values())


def test_a_kind_that_the_rulebook_does_not_have_leaves_no_trace() -> None:
    town = Watched(ends={(0, HOME_OF_A): 100})
    town.post("a", 0, device_id="d")
    for partition in range(3):
        number = partition - 3 + MESSAGES_PER_RECORD
        town.forge(partition, origin=[0, HOME_OF_A, number], entity_keys=[["made_up", "k"]])
    town.travel()
    assert b"made_up" not in generate_latest(town.metrics.registry)
    assert all(
        not kind.startswith("made") for state in town.states.values() for kind, _ in state.entity_budget().counts
    )
    assert all(not key.startswith(b"fmade_up") for database in town.databases for key in database.values)


def test_a_hop_from_a_time_that_has_not_come_is_refused() -> None:
    town = Town(partitions=1)
    town.post("a", 0, device_id="d", ts=START_MS + 90 * 86_400_000)
    (message,) = town.log[0]
    outcome = town.hops.process(0, [Record("hops", 0, 0, message.key, message.value, START_MS)])
    outcome.settle()
    assert town.metric("floodgate_dead_letters_total", topic="hops", reason="not_a_hop") == 1
    assert not town.state(0).entity_budget().counts


def test_a_record_that_cannot_be_stored_is_a_dead_letter_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(partitions=1)
    town.post("a", 0, device_id="good")
    town.travel()

    def dump(record: EntityRecord) -> bytes:
        if record is town.state(0).load([bad])[bad]:
            raise ValueError("this cannot be stored")
        return dump_record(record)

    bad = entity_record_key(("device_id", "bad"))
    monkeypatch.setattr(store, "dump_record", dump)
    town.post("a", 1, device_id="bad")
    town.post("a", 2, device_id="good")
    town.travel()
    letters = [dict(one.headers or [])["reason"] for one in town.out if one.topic == "dead-letters"]
    assert letters == [b"cannot_be_stored"]
    assert town.count_at("device_id", "good") == 2
    assert bad not in town.databases[0].values
    monkeypatch.undo()
    town.post("a", 3, device_id="bad")
    town.travel()
    assert town.count_at("device_id", "bad") == 1


def test_what_is_copied_to_another_partition_is_refused_there() -> None:
    town = Town()
    for number, user in enumerate("abc"):
        town.post(user, number, text="https://a.com", device_id=f"d{user}")
        town.travel()
    routed_events, actions, log = (
        town.metric("floodgate_routed_events_total"),
        town.actions(),
        [list(one) for one in town.log],
    )
    kept = [dict(database.values) for database in town.databases]
    for partition, messages in enumerate(log):
        town.log[(partition + 1) % 3] += messages
        town.log[(partition + 2) % 3] += messages
    town.travel()
    refused = town.metric("floodgate_dead_letters_total", topic="hops", reason="not_of_this_partition")
    assert refused == 2 * sum(map(len, log)) > 0
    assert (town.metric("floodgate_routed_events_total"), town.actions()) == (routed_events, actions)
    assert [dict(database.values) for database in town.databases] == kept


def test_a_request_to_forget_counts_once_also_after_a_restart() -> None:
    town, ann = Town(), person("ann")
    town.hops = HopWorker(town.settings, town.state, town.metrics, 3, accept=lambda *_: RecordOrigin("ann", False))
    town.use(RULES)
    town.post("a", 0)
    user_partition, key = ord("a") % 3, user_record_key("a")
    request = encode_request(Forget("a", [key]))

    def asked(sequence: int, offset: int) -> bool:
        """Whether the request is refused."""
        outcome = town.hops.process(
            user_partition, [ann.record(sequence, "hops", b"a", request, offset=offset, partition=user_partition)]
        )
        town.databases[user_partition].apply(outcome.changes)
        outcome.settle()
        refused = any(message.topic == town.settings.topics.dead_letters for message in outcome.messages)
        assert (FORGETTING in outcome.changes) is not refused  # whoever has the partition on disk is told
        return refused

    assert key in town.databases[user_partition].values
    assert not asked(200, 0)
    assert key not in town.databases[user_partition].values
    town.post("a", 1)
    assert asked(200, 1)
    town.states.clear()  # a new worker has nothing but what is on disk
    assert asked(200, 2)
    assert asked(100, 3)
    assert key in town.databases[user_partition].values
    assert not asked(201, 4)
    assert key not in town.databases[user_partition].values


def test_what_was_stored_before_its_watermarks_brings_nothing_about_again() -> None:
    town = Town()
    for number, user in enumerate("abc"):
        town.post(user, number, text="https://a.com", device_id=f"d{user}")
        town.travel()
    actions, log = town.actions(), [list(one) for one in town.log]
    for database in town.databases:
        database.apply([(WATERMARKS, None)])
    town.states.clear()
    town.offsets = [0] * 3
    town.travel()
    assert town.actions() == actions
    assert town.log == log
    assert town.count_at("url_domain", "a.com") == 3


def test_events_that_come_back_together_are_all_kept_for_their_labels() -> None:
    rules = (
        "version: 1\ncounters: {posts: {count: post, by: device_id, over: 1h}}\n"
        "models: {spam: {texts: [text], numbers: [posts]}}\n"
        "rules: {r: {event: post, when: [score.spam > 2], then: {flag: x}}}"
    )
    town, rulebook = Town(partitions=1), load_rulebook({"rules.yaml": rules})
    evaluator = Evaluator(rulebook, FollowedModels().scorers(rulebook))
    town.events.use(evaluator)
    town.hops.use(evaluator)
    for number, user in enumerate("abc"):
        town.post(user, number, text=f"I am {user}", device_id="d")
    town.travel()
    state, events = town.state(0), [Event(f"e{n}", "post", user, START_MS, {}) for n, user in enumerate("abc")]
    found = state.scored_events(hash64(event.event_id) for event in events)
    assert [[one.identity for one in some] for some in found.values()] == [[event.identify()] for event in events]
    (piece,) = state.scored_blocks(one.block for some in found.values() for one in some).values()
    read = dict(read_scored(payload_of(piece), [event.identify() for event in events]))
    assert [read[event.identify()].inputs.texts for event in events] == [("I am a",), ("I am b",), ("I am c",)]


@pytest.mark.parametrize(("end", "taken"), [(200_000, False), (200_001, True)])
def test_a_record_is_there_when_its_partition_reaches_behind_it(end: int, taken: bool) -> None:
    town = Watched(ends={(0, HOME_OF_A): end})
    town.post("a", 0, device_id="d")
    (place,) = (index for index, log in enumerate(town.log) if log)
    town.forge(place, origin=[0, HOME_OF_A, 200_000 * MESSAGES_PER_RECORD])
    town.travel()
    assert town.letters() == ([] if taken else [b"not_a_hop"])


def jumps(*numbers: int) -> list[bool]:
    """Which of these numbers of one source, each the last one that it has, were looked at twice."""
    town = Watched()
    town.post("a", 0, device_id="d")
    (place,) = (index for index, log in enumerate(town.log) if log)
    forged, looks = list[bool](), 0
    for number in numbers:
        town.ends[0, 2] = number // MESSAGES_PER_RECORD + 1
        town.forge(place, origin=[0, 2, number])
        town.travel()
        forged.append(len(town.asked) > looks)
        looks = len(town.asked)
    assert town.letters() == []
    return forged


LEAP = 100_000 * MESSAGES_PER_RECORD


def test_a_leap_is_looked_at_when_it_is_longer_than_many_records() -> None:
    """What was read first is at -1, and short steps do not move from where it is measured."""
    assert jumps(LEAP - 1, LEAP) == [False, True]


def test_after_a_leap_that_was_looked_at_the_next_one_is_measured_from_there() -> None:
    begin, step = 3 * LEAP, 60_000 * MESSAGES_PER_RECORD
    numbers = (begin, begin + step, begin + LEAP, begin + LEAP + 1)
    assert jumps(*numbers) == [True, False, False, True]


@pytest.mark.parametrize(
    ("behind_ms", "taken"), [(0, True), (-MAX_CLOCK_TOLERANCE_MS, True), (-MAX_CLOCK_TOLERANCE_MS - 1, False)]
)
def test_an_event_is_no_further_ahead_of_its_hop_than_a_clock_may_be(behind_ms: int, taken: bool) -> None:
    town = Town(partitions=1)
    town.post("a", 0, device_id="d")
    (message,) = town.log[0]
    town.hops.process(0, [Record("hops", 0, 0, message.key, message.value, START_MS + behind_ms)])
    assert town.metric("floodgate_hops_total", kind="device_id") == taken
    assert town.metric("floodgate_dead_letters_total", topic="hops", reason="not_a_hop") == (not taken)


@pytest.mark.parametrize(
    ("origin", "refused"),
    [(None, [True, True]), (RecordOrigin(None, True), [False, False]), (RecordOrigin("ann", False), [False, True])],
    ids=["refused", "open", "signed"],
)
def test_who_may_ask_to_forget_someone_and_how_often(origin: RecordOrigin | None, refused: list[bool]) -> None:
    town, ann = Town(partitions=1), person("ann")
    town.hops = HopWorker(town.settings, town.state, town.metrics, 1, accept=lambda *_: origin)
    town.use(RULES)
    request = encode_request(Forget("a", [user_record_key("a")]))
    outcomes = [town.hops.process(0, [ann.record(1, "hops", b"a", request, offset=offset)]) for offset in range(2)]
    assert [bool(outcome.messages) for outcome in outcomes] == refused


def test_earlier_events_are_acted_on_though_the_one_that_crosses_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town()
    for number, user in enumerate("ab"):
        town.post(user, number, text="https://a.com", device_id=f"d{user}")
        town.travel()
    town.post("c", 2, text="https://a.com", device_id="dc")

    def failing(*_: object) -> bool:
        raise RuntimeError("oops")

    monkeypatch.setattr(Evaluator, "is_settled", failing)
    town.travel()
    assert sorted(town.actions()) == [("e0", "swarm"), ("e1", "swarm")]
    dead = [message for message in town.out if message.topic == town.settings.topics.dead_letters]
    assert [dict(message.headers or ())["reason"] for message in dead] == [b"evaluation_failed"]


READ_BY = """
version: 1
fields: {friend: text}
counters:
  aimed_at_me: {count: post, by: target_id, over: 10m, read_by: user_id, max_keys: MOST}
rules:
  loved: {event: post, when: [aimed_at_me >= 2], then: {flag: x}}
  lonely: {event: post, when: [aimed_at_me == 0], then: {flag: x}}
"""


def test_what_was_aimed_at_a_user_is_read_at_their_own_events() -> None:
    town = Town(READ_BY.replace("MOST", "1000"))
    for number, user in enumerate("ab"):
        town.post(user, number, target_id="c")
        town.travel()
    town.post("c", 2, target_id="d")
    town.travel()
    assert sorted(town.actions()) == [("e0", "lonely"), ("e1", "lonely"), ("e2", "loved")]
    assert town.count_at("target_id", "c") == 2
    assert town.metric("floodgate_hops_total", kind="target_id|user_id") == 3


def test_whoever_only_reads_leaves_nothing_behind() -> None:
    town = Town(READ_BY.replace("MOST", "1000"))
    town.post("a", 0, target_id="b")
    town.travel()
    kept = [key for database in town.databases for key in database.values if key.startswith(store.ENTITY)]
    assert kept == [entity_record_key(("target_id", "b"))]
    before = [database.values.get(kept[0]) for database in town.databases]
    town.post("b", 90, target_id="b2")
    town.travel()
    after = [database.values.get(kept[0]) for database in town.databases]
    read = [(load_record(one), load_record(other)) for one, other in zip(before, after, strict=True) if one and other]
    ((one, other),) = read
    other.hops = one.hops
    assert dump_record(one) == dump_record(other)


def test_where_no_more_can_be_counted_nothing_is_not_none_at_all() -> None:
    """What would have been counted there may have been refused."""
    town = Town(READ_BY.replace("MOST", "3"), partitions=1)
    for number, target in enumerate(["t1", "t2", "t3"]):
        for user in "abcde":  # so many have named them that none gives way
            town.post(user, 10 * number + ord(user), target_id=target)
            town.travel()
    assert town.actions() != []
    town.out.clear()
    town.post("f", 500, target_id="t1")
    town.travel()
    assert town.actions() == []


def test_a_read_that_is_repeated_reads_the_same() -> None:
    calm, shaken = Town(READ_BY.replace("MOST", "1000")), Town(READ_BY.replace("MOST", "1000"))
    for town in (calm, shaken):
        for number, (user, target) in enumerate(
            [("a", "c"), ("b", "c"), ("c", "a"), ("c", "c"), ("c", "a"), ("a", "b")]
        ):
            town.post(user, number, target_id=target)
            town.travel(forget=town is shaken)
    assert set(shaken.actions()) == set(calm.actions())
    assert shaken.count_at("target_id", "c") == calm.count_at("target_id", "c") == 3
