"""What is dear is told to be dear."""

from pathlib import Path

from engine.rulebook import load_rulebook
from engine.rulebook.costs import EVENT_US, MODEL_US, STOP_US, estimate_costs

STARTER = Path(__file__).parents[3] / "rules"


def costs_of(counters: str, rules: str, more: str = "") -> tuple[float, int]:
    base = "  base: {count: post, by: user_id, over: 1h}"
    text = "\n".join(["version: 1", more, "counters:", base, counters, "rules:", rules, ""])
    found = estimate_costs(load_rulebook({"rules.yaml": text}))
    return found.event_us["post"], found.record_bytes["user_id"]


PLAIN = "  r: {event: post, when: [base > 10], then: {flag: x}}"


def test_each_thing_that_is_asked_for_costs() -> None:
    plain, small = costs_of("", PLAIN)
    assert plain > EVENT_US
    assert costs_of("  s: {sum: event.n, of: post, by: user_id, over: 1h}", PLAIN)[0] > plain + 5
    assert costs_of("  k: {count: post, by: ip, over: 1h}", PLAIN)[0] > plain + STOP_US
    assert costs_of("  k: {count: post, by: text, over: 1h}", PLAIN)[0] > plain + 2 * STOP_US
    model = PLAIN + "\n  m: {event: post, when: [score.m > 0.9], then: {flag: x}}"
    assert costs_of("", model, "models: {m: {texts: [text]}}")[0] >= plain + MODEL_US
    assert costs_of("", PLAIN.replace("10", "900"))[1] > small + 3_000


def test_windows_that_share_a_series_are_kept_once() -> None:
    one = costs_of("", PLAIN)[1]
    assert costs_of("  day: {count: post, by: user_id, over: 1d}", PLAIN)[1] == one


def test_the_starter_rules_are_affordable() -> None:
    found = estimate_costs(load_rulebook(STARTER))
    assert found.dearest_us < 250
    assert found.largest_bytes < 70_000
