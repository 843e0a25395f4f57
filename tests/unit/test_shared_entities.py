"""Workload 2 of the benchmark: its reference is the engine's answer, also where windows end and entities are shared.

In the events of the benchmark each device has one user, and no window ends.
"""

from collections.abc import Iterator
from random import Random

import orjson
import pytest

from benchmarks.shared_entities.contest import RULES, difference
from benchmarks.shared_entities.programs.job import SHORT_HOP_MS, count_user, count_visitor, new_user
from benchmarks.shared_entities.programs.job import held as held_at_peers
from benchmarks.shared_entities.recount import ENTITIES, WINDOWS_MS, Actions, Visitors, held, recount
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

COUNTERS = ("posts_10m", "messages_10m", "talk_1h", "links_1h",
            *(f"{entity}_users_{window}" for entity in ENTITIES for window in WINDOWS_MS))  # fmt: skip


def shared_events(count: int, gap_ms: int, seed: int) -> Iterator[bytes]:
    """Few users, who share devices and addresses; some events are late, as in the benchmark."""
    draws = Random(seed)
    for index in range(count):
        user = int(draws.paretovariate(0.3)) % 300
        late_ms = draws.randrange(30_000) if draws.random() < 0.1 else 0
        yield orjson.dumps(
            {
                "event_id": f"e{index}", "user_id": f"u{user}", "ts": START_MS + gap_ms * index - late_ms,
                "type": draws.choice(("post", "comment", "message", "follow", "like")),
                "ip": f"10.0.0.{user // 3 + draws.randrange(2)}", "device_id": f"d{user // 2}",
                "target_id": f"p{draws.randrange(4)}", "text": "hello", "followers": 1, "following": 1,
                "urls": ["http://x.example"] if draws.random() < 0.3 else [],
                "account_age_days": user * 7,
            }
        )  # fmt: skip


def decided(stream: list[bytes]) -> Actions:
    """What the engine makes of it."""
    settings = Settings(decision_sample=0.0, log_actions=False)
    engine = OfflineEngine(load_rulebook(RULES), settings)
    messages = engine.run(Arrival("event", 0, line, orjson.loads(line)["ts"]) for line in stream)
    decisions = (orjson.loads(message.value) for message in messages if message.topic == settings.topics.decisions)
    return {one["event_id"]: tuple(hit["rule"] for hit in one["hits"]) for one in decisions}


@pytest.mark.parametrize(("gap_ms", "rules"), [(100, 5), (500, 3), (2_000, 1)])
def test_the_engine_answers_as_the_reference_does(gap_ms: int, rules: int) -> None:
    stream = list(shared_events(6_000, gap_ms, seed=gap_ms))
    expected = recount(stream)
    assert decided(stream) == expected
    assert len({name for names in expected.values() for name in names}) == rules


def test_differences_are_counted_by_action_and_by_rule() -> None:
    expected: Actions = {"a": ("one",), "b": ("one", "two")}
    answers: Actions = {"a": ("one",), "b": ("two", "three"), "c": ("one",)}
    assert difference(answers, expected, "abcd") == (2, 1, 2)
    assert difference(answers, expected, "a") == (0, 0, 0)


def test_visitors_are_counted_late_ones_too() -> None:
    visitors = Visitors()
    for time, user_id in ((10, "ann"), (20, "ben"), (30, "ann")):
        visitors.enter(time, user_id)
    assert visitors.distinct(30, 20) == 2  # ben, and ann again
    assert visitors.distinct(30, 10) == 1
    visitors.enter(15, "eve")
    assert visitors.distinct(15, 10) == 2  # ann and eve, who did not know of the others yet
    assert visitors.distinct(15, 4) == 1


def test_the_peers_have_the_same_rules() -> None:
    draws = Random(2)
    for _ in range(5_000):
        counts = {name: draws.choice((0, 1, 2, 3, 4, 99, 100, 130, 150, 200, 351, 601)) for name in COUNTERS}
        age_days = draws.choice((99, 100))
        assert tuple(held_at_peers([counts[name] for name in COUNTERS], age_days)) == held(counts, age_days)


def test_the_peers_count_users_by_hops() -> None:
    draws, visitors = Random(3), list[int]()
    last_hops: dict[str, int] = {}
    seen: list[tuple[int, str]] = []
    for index in range(2_000):
        hop, user_id = index // 20, f"u{draws.randrange(50)}"
        seen.append((hop, user_id))
        moved_to, short, long = count_visitor(visitors, last_hops.get(user_id), hop)
        if moved_to is not None:
            last_hops[user_id] = moved_to
        assert short == len({user for at, user in seen if at > hop - 6})
        assert long == len({user for at, user in seen if at > hop - 36})


def test_the_peers_count_events_by_hops() -> None:
    draws, record = Random(4), new_user()
    posts: list[int] = []
    for _ in range(1_000):
        hop = len(posts) // 7 + draws.randrange(2)
        posts.append(hop)
        counts = count_user(record, {"ts": hop * SHORT_HOP_MS, "type": "post", "urls": []})
        assert counts[0] == sum(hop - 6 < at <= hop for at in posts)
        assert counts[1] == counts[3] == 0
