"""The simulator: a function of its seed, with attacks that can be told apart."""

from pathlib import Path
from random import Random

from engine.sim.verdict import judge
from engine.sim.world import ALL_ATTACKS, ALL_CROWDS, AREAS, Moderator, simulate_day

RULES = Path(__file__).parents[3] / "rules"


def test_the_same_seed_gives_the_same_day() -> None:
    assert simulate_day(seed=3, people=50) == simulate_day(seed=3, people=50)
    assert simulate_day(seed=3, people=50) != simulate_day(seed=4, people=50)


def test_every_attack_takes_place_and_the_truth_is_not_in_the_event() -> None:
    day = simulate_day(people=50)
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
    labels = Moderator().labels(day, Random(1))
    right = 0
    for one in labels:
        simulated = truth[str(one.label["event_id"])]
        assert int(str(one.label["ts"])) > int(str(simulated.event["ts"]))
        right += (one.label["label"] == "spam") == (simulated.attack is not None)
    assert right > 0.95 * len(labels) > 100


def test_recall_and_precision_are_counted_by_account() -> None:
    day = simulate_day(people=50)
    attackers = sorted({str(one.event["user_id"]) for one in day if one.attack == "post_flood"})
    actions = [{"rule": "r", "user_id": user, "ts": 9} for user in (*attackers[:6], "u00001")]
    results, innocent = judge(day, actions)
    flood = next(result for result in results if result.name == "post_flood")
    assert (flood.recall, flood.precision, innocent) == (0.5, 6 / 7, {"u00001"})
