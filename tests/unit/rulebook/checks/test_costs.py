"""What is dear is told to be dear."""

from pathlib import Path

import pytest

from engine.core.series.sketches import BUCKETS_PER_WINDOW
from engine.core.state.entities import RECENT_IDS
from engine.rulebook.checks.costs import (
    ABSENCE_US,
    CLAUSE_US,
    COUNTER_US,
    ENTRY_US,
    EVENT_US,
    FOLLOW_UP_US,
    KEY_US,
    MEMORY_US,
    MODEL_US,
    PATTERN_US,
    SEED_US,
    SEQUENCE_US,
    STATISTIC_US,
    STOP_US,
    STOPS,
    TERM_US,
    estimate_costs,
)
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.language.functions import FUNCTIONS

STARTER = Path(__file__).parents[4] / "rules"


def costs_of(counters: str, rules: str, more: str = "") -> tuple[float, int]:
    base = "  base: {count: post, by: user_id, over: 1h}"
    text = "\n".join(["version: 1", more, "counters:", base, counters, "rules:", rules, ""])
    found = estimate_costs(load_rulebook({"rules.yaml": text}))
    return found.event_us["post"], found.record_bytes["user_id"]


N = "fields: {n: {type: number}}"
PLAIN = "  r: {event: post, when: [base > 10], then: {flag: x}}"


def test_each_thing_that_is_asked_for_costs() -> None:
    plain, small = costs_of("", PLAIN)
    assert plain > EVENT_US
    assert costs_of("  s: {sum: event.n, of: post, by: user_id, over: 1h}", PLAIN)[0] > plain + 5
    assert costs_of("  k: {count: post, by: ip, over: 1h}", PLAIN)[0] > plain + STOP_US
    assert costs_of("  k: {count: post, by: text, over: 1h}", PLAIN)[0] > plain + 2 * STOP_US
    model = PLAIN + "\n  m: {event: post, when: [score.m > 0.9], then: {flag: x}}"
    unseeded = costs_of("", model, "models: {m: {texts: [text]}}")[0]
    assert unseeded >= plain + MODEL_US
    assert costs_of("", model, "models: {m: {texts: [text], seed: mail}}")[0] == unseeded + SEED_US
    assert costs_of("", PLAIN.replace("10", "900"))[1] > small + 3_000


def test_sequences_cost_where_they_are_asked_about() -> None:
    plain, small = costs_of("", PLAIN)
    steps = "sequences: {s: {steps: [post, post], within: 1h, by: user_id}}"
    counters = 2 * COUNTER_US["count", False]
    assert costs_of("", PLAIN, steps)[0] == pytest.approx(plain + counters, abs=0.1)
    dear, large = costs_of("", PLAIN.replace("base > 10", "base > 10, s"), steps)
    assert dear == pytest.approx(plain + counters + CLAUSE_US + SEQUENCE_US, abs=0.1)
    assert large > small + 800  # the steps and `base` are one series
    absence = "sequences: {s: {after: post, none: like, within: 1h, by: user_id}}"
    about = PLAIN + "\n  t: {event: absent.s, when: [base > 1], then: {flag: x}}"
    waited, _ = costs_of("", about, absence)
    assert waited == pytest.approx(plain + COUNTER_US["count", False] + ABSENCE_US, abs=0.1)


def test_functions_cost_where_they_are_and_values_where_they_are_read() -> None:
    plain, _ = costs_of("", PLAIN)
    clause = PLAIN.replace("base > 10", 'entropy(text) > 1, text == "similarity(a)"')
    assert costs_of("", clause)[0] == pytest.approx(plain + CLAUSE_US + FUNCTIONS["entropy"].us, abs=0.1)
    values = "values: {mess: entropy(text), more: mess + 1, unread: 'similarity(text, ip)'}"
    assert costs_of("", PLAIN, values)[0] == plain
    for read in ("base > 10, more > 1", "base > 10, more > 1 and mess > 1"):
        dear, _ = costs_of("", PLAIN.replace("base > 10", read), values)
        assert dear == pytest.approx(plain + CLAUSE_US + FUNCTIONS["entropy"].us, abs=0.1)
    assert costs_of("  k: {count: post, by: mess, over: 1h}", PLAIN, values)[0] > plain + STOP_US + 10


def test_an_estimate_is_the_sum_of_its_parts() -> None:
    """By hand, from the constants: a cost that is left out, taken away or counted twice is seen."""
    rules = """
  r: {event: post, when: [event.text matches "a", base > 10], then: {flag: x}}
  m: {event: post, when: [score.near > 0.9, score.far > 0.9], then: {flag: x}}
  other: {event: reply, when: [base > 3], then: {flag: x}}"""
    counters = """
  d: {distinct: event.n, of: post, by: user_id, over: 1h, where: event.n > 3}
  s: {sum: event.n, of: post, by: user_id, over: 1h}
  many: {count: post, by: user_id, over: 1h, approx: true}
  many_d: {distinct: event.n, of: post, by: user_id, over: 1h, approx: true}
  many_s: {sum: event.n, of: post, by: user_id, over: 1h, approx: true}
  v: {count: post, by: [ip_prefix, text], over: 1h}
  not_here: {count: reply, by: user_id, over: 1h, where: event.n > 3}"""
    models = """
fields: {n: {type: number}}
models: {near: {texts: [text]}, far: {texts: [text], numbers: [v]}}"""
    counting = 2 * COUNTER_US["count", False] + sum(cost for kind, cost in COUNTER_US.items() if kind[0] != "count")
    routing = KEY_US["ip_prefix"] + KEY_US["text"] + STOP_US
    parts = EVENT_US + 5 * CLAUSE_US + PATTERN_US + 2 * MODEL_US + counting + COUNTER_US["count", True] + routing
    assert costs_of(counters, rules, models)[0] == pytest.approx(parts, abs=0.051)


@pytest.mark.parametrize("what", ["mean: event.n", "stdev: gap", "distinct: event.n, having: {at_least: 2}"])
def test_a_statistic_costs_what_it_looks_at_and_no_room_beside_its_series(what: str) -> None:
    tail = "of: post, by: user_id, over: 1h"
    few, many = (costs_of(f"  c: {{{what}, {tail}, cap: {cap}}}", PLAIN)[0] for cap in (100, 1_000))
    assert few == pytest.approx(costs_of("", PLAIN)[0] + STATISTIC_US + 100 * ENTRY_US, abs=0.051)
    assert many == pytest.approx(few + 900 * ENTRY_US, abs=0.11)
    assert (
        costs_of(f"  c: {{{what}, {tail}}}\n  d: {{{what}, {tail}, before: true}}", PLAIN)[1]
        == (costs_of(f"  c: {{{what}, {tail}}}", PLAIN)[1])
    )


def test_a_record_has_room_for_each_series() -> None:
    small = costs_of("", PLAIN)[1]
    assert small > 60 + 8 * RECENT_IDS
    for what in ("count: post", "sum: event.n, of: post"):
        made = costs_of(f"  c: {{{what}, by: user_id, over: 1h, approx: true}}", PLAIN, N)[1]
        assert made == small + 16 + 12 * (BUCKETS_PER_WINDOW + 1)
    exact = costs_of("  c: {distinct: event.n, of: post, by: user_id, over: 1h, cap: 100}", PLAIN, N)[1]
    assert exact == small + 16 + 12 * 100
    assert costs_of("  c: {count: post, by: ip, over: 1h}", PLAIN)[1] == small  # that is another entity's


def test_windows_that_share_a_series_are_kept_once() -> None:
    one = costs_of("", PLAIN)[1]
    assert costs_of("  day: {count: post, by: user_id, over: 1d}", PLAIN)[1] == one


def test_the_starter_rules_are_affordable() -> None:
    found = estimate_costs(load_rulebook(STARTER))
    of_pictures = KEY_US["image"] + STOPS["image"] * STOP_US  # which most events have none of
    assert found.dearest_us < 250 + of_pictures
    assert found.largest_bytes < 70_000


def test_the_terms_of_a_score_cost_once_however_many_rules_read_it() -> None:
    scores = "scores: {risk: {event.a: 1, event.b: 1, 'text matches \"x\"': 1}}\n"
    asking = "".join(f"  r{n}: {{event: post, when: [risk > {n}], then: {{flag: x}}}}\n" for n in (0, 1))
    once, twice = costs_of("", asking.split("\n")[0], scores)[0], costs_of("", asking, scores)[0]
    without = costs_of("", PLAIN, scores)[0]
    assert once == pytest.approx(without + 3 * TERM_US + PATTERN_US, abs=0.11)
    assert twice == pytest.approx(once + CLAUSE_US, abs=0.11)


def test_what_is_remembered_costs_time_and_each_register_room() -> None:
    values = "v: {new: login, by: device_id, keep: 90d}, w: {age: first, of: login, by: device_id, keep: 90d}"
    plain = estimate_costs(load_rulebook({"r.yaml": f"version: 1\nvalues: {{{values}}}\n"}))
    text = "x: {last: ip, of: login, by: device_id, keep: 90d}"
    more = estimate_costs(load_rulebook({"r.yaml": f"version: 1\nvalues: {{{values}, {text}}}\n"}))
    assert more.event_us["login"] - plain.event_us["login"] == MEMORY_US
    assert plain.record_bytes["device_id"] - plain.record_bytes["user_id"] == 25 + 4 * 17
    assert more.record_bytes["device_id"] - plain.record_bytes["device_id"] == 25 + 16 * (17 + 2 + 400)


def test_a_hit_that_is_counted_is_one_more_event() -> None:
    rules = """
version: 1
counters: {hits: {count: hit.often, by: user_id, over: 1h}}
rules:
  often: {event: post, when: ["text == 'x'"], then: {flag: x}}
  again: {event: post, when: [hits > 3], then: {flag: y}, mode: shadow}
"""
    costs = estimate_costs(load_rulebook({"r.yaml": rules})).event_us
    assert costs["hit.often"] > FOLLOW_UP_US > costs["post"]
