"""The simulator: a function of its seed, with attacks that can be told apart."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random

import orjson
import pytest

from engine.sim.verdict import judge
from engine.sim.world import (
    ALL_ATTACKS,
    ALL_CROWDS,
    AREAS,
    DAY_MS,
    DEFAULT_START_MS,
    SimulatedEvent,
    SimulatedModerator,
    day_after,
    simulate_day,
)

RULES = Path(__file__).parents[3] / "rules"


@cache
def day_of_fifty(seed: int = 1) -> list[SimulatedEvent]:
    """Read by several tests, changed by none."""
    return simulate_day(seed, people=50)


def test_the_same_seed_gives_the_same_day() -> None:
    assert simulate_day(seed=3, people=50) == day_of_fifty(3)
    assert day_of_fifty(3) != day_of_fifty(2)


def ids(day: list[SimulatedEvent], name: str) -> set[str]:
    return {str(one.event[name]) for one in day if name in one.event}


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 3), (1, 11), (0, 1)])
def test_two_seeds_share_no_ids(one: int, other: int) -> None:
    days = [day_of_fifty(seed) for seed in (one, other)]
    for name in ("event_id", "user_id", "target_id", "device_id"):
        first, second = (ids(day, name) for day in days)
        assert first
        assert not first & second, name
    cards = [{one.event["payment"]["card"] for one in day if "payment" in one.event} for day in days]  # type: ignore[index]
    assert not cards[0] & cards[1]


def test_the_same_people_have_another_day() -> None:
    first, second = day_of_fifty(), simulate_day(2, people=50, same_people=True)
    assert not ids(first, "event_id") & ids(second, "event_id")
    people = ids(first, "user_id") & {f"u{number:05d}" for number in range(50)}
    known = {one.event["user_id"]: one.event["device_id"] for one in first if one.event["user_id"] in people}
    again = {one.event["user_id"]: one.event["device_id"] for one in second if one.event["user_id"] in people}
    assert len(again) > 40
    assert all(known[user] == device for user, device in again.items())


def test_the_first_day_is_what_it_was() -> None:
    """Goldens, benchmarks and the tutorial stand on it."""
    day = b"\n".join(orjson.dumps(one.event) for one in day_of_fifty())
    assert sha256(day).hexdigest()[:16] == "46462afeadb0afe8"


def test_days_follow_one_another() -> None:
    starts = [day_after(seed) for seed in (1, 2, 3)]
    assert starts == [DEFAULT_START_MS, DEFAULT_START_MS + DAY_MS, DEFAULT_START_MS + 2 * DAY_MS]
    assert all(DEFAULT_START_MS <= day_after(seed) < DEFAULT_START_MS + 100 * DAY_MS for seed in (-5, 0, 10**9))
    late = max(int(str(one.event["ts"])) for one in day_of_fifty())
    assert late < day_after(2) + DAY_MS


def test_every_attack_takes_place_and_the_truth_is_not_in_the_event() -> None:
    day = day_of_fifty()
    assert {one.attack for one in day} == {None, *ALL_ATTACKS}
    assert {one.lookalike for one in day} == {None, *ALL_CROWDS}
    assert not any("attack" in str(one.event) or "lookalike" in str(one.event) for one in day)


def test_each_area_has_its_file_of_rules_and_an_attack() -> None:
    assert sorted(name for names in AREAS.values() for name in names) == sorted(ALL_ATTACKS)
    files = {path.stem for path in RULES.glob("*.yaml")} - {"fields", "coordination"}
    assert files == AREAS.keys()


def test_people_sleep() -> None:
    day = [one for one in simulate_day(people=400) if one.attack is None]
    by_hour = [0] * 24
    for one in day:
        by_hour[int(str(one.event["ts"])) // 3_600_000 % 24] += 1
    assert max(by_hour) > 4 * min(by_hour)


def test_a_moderator_is_late_and_mostly_right() -> None:
    day = simulate_day(people=300)
    truth = {one.event["event_id"]: one for one in day}
    labels = SimulatedModerator().labels(day, Random(1))
    right = 0
    for one in labels:
        simulated = truth[str(one.label["event_id"])]
        assert int(str(one.label["ts"])) > int(str(simulated.event["ts"]))
        right += (one.label["label"] == "spam") == (simulated.attack is not None)
    assert right > 0.95 * len(labels) > 100


def test_recall_and_precision_are_counted_by_account() -> None:
    day = day_of_fifty()
    attackers = sorted({str(one.event["user_id"]) for one in day if one.attack == "post_flood"})
    actions = [
        {"rule": "r", "user_id": user, "target": {"type": "user", "id": user}, "ts": 9}
        for user in (*attackers[:6], "u00001")
    ]
    results, innocent = judge(day, actions)
    flood = next(result for result in results if result.name == "post_flood")
    assert (flood.recall, flood.precision, innocent) == (0.5, 6 / 7, {"u00001"})
