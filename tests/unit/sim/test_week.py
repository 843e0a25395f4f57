"""The days after the simulated day: a function of their seed, and what the starter rules make of their attacks."""

from pathlib import Path

import pytest

from engine.cli.sim import acts_in
from engine.rulebook.compiler import load_rulebook
from engine.sim.habits import HABITS
from engine.sim.patient import PATIENT, is_victims
from engine.sim.verdict import judge
from engine.sim.week import WEEK_AREAS, SimulatedWeek, judged, simulate_week
from engine.sim.world import AREAS, DAY_MS, simulate_day

RULES = Path(__file__).parents[3] / "rules"
LATER_RULES = {
    "steady_scraping", "steady_engagement", "installs_nobody_opens", "confirmed_domain", "take_over", "money_mule",
}  # fmt: skip


@pytest.fixture(scope="module")
def week() -> SimulatedWeek:
    return simulate_week()


def test_the_same_seed_gives_the_same_days(week: SimulatedWeek) -> None:
    assert simulate_week() == week
    assert simulate_week(2) != week


def test_every_attack_and_crowd_takes_place_and_the_truth_is_not_in_the_event(week: SimulatedWeek) -> None:
    assert {one.attack for one in week.events} == {None, *PATIENT}
    assert {one.lookalike for one in week.events} == {None, *HABITS}
    assert not any("attack" in str(one.event) or "lookalike" in str(one.event) for one in week.events)


def test_each_attack_is_of_an_area() -> None:
    assert WEEK_AREAS.keys() == PATIENT.keys()
    assert set(WEEK_AREAS.values()) <= AREAS.keys()


def test_they_follow_the_day_and_end_when_nothing_is_waited_for(week: SimulatedWeek) -> None:
    times = [int(str(one.event["ts"])) for one in week.events]
    assert times == sorted(times)
    assert times[-1] - times[-2] > DAY_MS
    assert times[0] >= max(int(str(one.event["ts"])) for one in simulate_day(people=50)) - DAY_MS // 8


def test_two_of_a_crowd_are_misjudged(week: SimulatedWeek) -> None:
    crowd = {one.event["event_id"] for one in week.events if one.lookalike == "misjudged_link"}
    wrong = [one.label for one in week.labels if one.label["event_id"] in crowd and one.label["label"] == "spam"]
    assert len(wrong) >= 2


def test_the_starter_rules_catch_what_takes_its_time(week: SimulatedWeek) -> None:
    alone = judged([one for one in week.events if one.attack or is_victims(one.event)])
    results, innocent = judge(alone.events, acts_in(load_rulebook(RULES), alone))
    assert {result.name for result in results if result.recall >= 0.95} == PATIENT.keys()
    assert {rule for result in results for rule in result.rules} == LATER_RULES
    assert not innocent
