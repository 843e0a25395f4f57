"""The survey's benchmark: what it makes of a feed without the engine is what the engine makes of it."""

from dataclasses import replace

from benchmarks.survey import RULES, direct_cases, engine_cases
from engine.rulebook.compiler import load_rulebook
from engine.sim.engagement import simulate_feed
from engine.sim.world import DEFAULT_START_MS


def test_cases_that_are_made_directly_are_those_of_the_engine() -> None:
    rulebook, feed = load_rulebook({"survey.yaml": RULES}), simulate_feed(3, 12, DEFAULT_START_MS, days=4)
    made = [
        [[replace(case, identity=0) for case in cases] for cases in both]
        for both in (engine_cases(rulebook, feed), direct_cases(rulebook, feed))
    ]
    assert made[0] == made[1]
    for cases, known in zip(made[0], ({None, True, False}, {None, True, False}), strict=True):
        assert {case.spam for case in cases} == known
