"""Statistics, `having` and `before`: what they mean, which series they share, and where a mistake is told."""

import pytest

from engine.core.domain.counters import Counter
from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
fields: {amount: number, place: text, took: {type: duration, unit: s}, weight: {type: size, unit: KB}}
counters:
  COUNTERS
derived:
  DERIVED
"""
TAIL = "of: pay, by: user_id, over: 1h"


def written(derived: str = "one: 1 + 1", **counters: str) -> str:
    lines = "\n  ".join(f"{name}: {text}" for name, text in counters.items())
    return RULES.replace("COUNTERS", lines).replace("DERIVED", derived)


def counters(**declared: str) -> dict[str, Counter]:
    return dict(load_rulebook({"rules.yaml": written(**declared)}).counters)


def messages(counter: str, **more: str) -> list[str]:
    _, diagnostics = check_rulebook({"rules.yaml": written(c=counter, **more)})
    return [one.message for one in diagnostics.errors]


def test_statistics_and_the_sum_of_a_field_share_one_series() -> None:
    found = counters(
        spent=f"{{sum: amount, {TAIL}}}",
        most=f"{{max: amount, {TAIL}}}",
        usual=f"{{median: amount, {TAIL}, before: true}}",
        often=f"{{quantile: amount, at: 0.9, {TAIL}}}",
    )
    assert len({counter.series_key for counter in found.values()}) == 1
    assert {counter.cap for counter in found.values()} == {1_000}


def test_gaps_share_the_series_of_the_count() -> None:
    found = counters(paid="{count: pay, by: user_id, over: 1h}", rhythm=f"{{stdev: gap, {TAIL}}}")
    assert found["paid"].series_key == found["rhythm"].series_key
    assert found["paid"].cap == 1_000


def test_occurrences_are_kept_beside_distinct_values() -> None:
    item = f"distinct: place, {TAIL}"
    found = counters(
        places=f"{{{item}}}", often=f"{{{item}, having: {{at_least: 2}}}}", once=f"{{{item}, having: {{at_most: 1}}}}"
    )
    assert found["places"].series_key != found["often"].series_key == found["once"].series_key
    assert (found["often"].having, found["once"].having) == ((2, None), (1, 1))


@pytest.mark.parametrize(
    ("field", "kind"), [("amount", "number"), ("event.x", "number"), ("took", "duration"), ("weight", "size")]
)
def test_a_statistic_has_the_type_of_its_field(field: str, kind: str) -> None:
    assert counters(c=f"{{mean: {field}, {TAIL}}}")["c"].type == kind
    assert counters(c=f"{{sum: {field}, {TAIL}}}")["c"].type == kind


def test_a_gap_is_a_duration() -> None:
    assert counters(c=f"{{max: gap, {TAIL}}}", derived="x: c < 2s")["c"].type == "duration"
    assert messages(f"{{max: gap, {TAIL}}}", derived="x: c < 2") != []


@pytest.mark.parametrize(
    ("counter", "message"),
    [
        (f"{{max: place, {TAIL}}}", "`max` cannot use `place`, which is a text"),
        (f"{{max: amount, mean: amount, {TAIL}}}",
         "counter `c` needs exactly one of count, distinct, sum, max, min, mean, stdev, median and quantile"),
        ("{max: amount, by: user_id, over: 1h}", "counter `c` needs `of`: the event type or types"),
        (f"{{quantile: amount, {TAIL}}}", "`quantile` needs `at`: which one"),
        (f"{{quantile: amount, at: 1, {TAIL}}}", "`at` is a number between 0 and 1, this is `1`"),
        (f"{{quantile: amount, at: 90.0, {TAIL}}}", "`at` is a number between 0 and 1, this is `90.0`"),
        (f"{{median: amount, at: 0.9, {TAIL}}}", "`at` goes with quantile, not with median"),
        (f"{{mean: amount, at_least: 0, {TAIL}}}", "`at_least` is a whole number from 1 to 1000"),
        (f"{{mean: amount, at_least: 6, cap: 5, {TAIL}}}", "`at_least` is a whole number from 1 to 5"),
        (f"{{sum: amount, at_least: 2, {TAIL}}}", "`at_least` goes with max, min, mean, stdev, median, quantile"),
        (f"{{mean: amount, approx: true, {TAIL}}}", "`approx` goes with count, distinct and sum, not with mean"),
        (f"{{mean: amount, before: 1, {TAIL}}}", "`before` is true or false, this is `1`"),
        (f"{{sum: amount, having: {{at_least: 2}}, {TAIL}}}", "`having` goes with distinct, not with sum"),
        (f"{{distinct: place, having: {{}}, {TAIL}}}", "`having` needs at_least, at_most or both"),
        (f"{{distinct: place, having: {{at_least: 3, at_most: 2}}, {TAIL}}}",
         "`at_most` is less than `at_least`: nothing occurs so often"),
        (f"{{distinct: place, having: {{at_least: 1.5}}, {TAIL}}}", "`at_least` is a whole number from 1 to 1000"),
        (f"{{distinct: place, having: {{at_least: 2}}, approx: true, {TAIL}}}",
         "`having` needs every entry, `approx` keeps none"),
        (f"{{sum: gap, {TAIL}}}", '`sum` knows no field "gap"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(counter: str, message: str) -> None:
    assert messages(counter) == [message]


def test_a_field_called_gap_is_not_mixed_up_with_gaps() -> None:
    text = written(c=f"{{max: gap, {TAIL}}}").replace("amount: number", "gap: number")
    _, diagnostics = check_rulebook({"rules.yaml": text})
    assert [one.message for one in diagnostics.errors] == [
        "`max: gap` is about the time between events, and there is a `gap` of yours"
    ]


def test_a_threshold_on_having_needs_all_those_occurrences() -> None:
    declared = f"{{distinct: place, {TAIL}, cap: 10, having: {{at_least: 3}}}}"
    assert messages(declared, derived="x: c > 2") == []
    _, found = check_rulebook({"rules.yaml": written(c=declared, derived="x: c > 3")})
    assert [one.hint for one in found.errors] == ["raise its `cap` to 12"]
    _, found = check_rulebook({"rules.yaml": written(c=declared, derived="x: c > 400")})
    assert [one.hint for one in found.errors] == ["use a threshold of at most 332"]


def test_an_option_makes_another_rule() -> None:
    rule = "rules: {r: {event: pay, when: [c > 1], then: {flag: x}}}\n"
    variants = [
        f"{{mean: amount, {TAIL}}}",
        f"{{mean: amount, {TAIL}, before: true}}",
        f"{{mean: amount, {TAIL}, at_least: 2}}",
        f"{{median: amount, {TAIL}}}",
        f"{{quantile: amount, at: 0.5, {TAIL}}}",
        f"{{quantile: amount, at: 0.6, {TAIL}}}",
        f"{{distinct: place, {TAIL}}}",
        f"{{distinct: place, {TAIL}, having: {{at_least: 2}}}}",
    ]
    books = [load_rulebook({"rules.yaml": written(c=variant) + rule}) for variant in variants]
    assert len({book.rules[0].fingerprint for book in books}) == len(variants)
