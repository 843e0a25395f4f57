"""Parameters: constants with names, the same for all events or one for each segment."""

import pytest

from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import check_rulebook, load_rulebook

FIELDS = "version: 1\nfields: {country: text, verified: bool, amount: number, age: {type: duration, unit: d}}\n"
COUNTERS = "counters:\n  links_1h: {count: post, by: user_id, over: 1h}\n"


def book_of(params: str, when: str, tests: str = "[]", counters: str = COUNTERS) -> Rulebook:
    rule = f"rules:\n  r: {{event: post, when: [{when}], then: {{flag: x}}, mode: shadow, tests: {tests}}}\n"
    return load_rulebook({"rules.yaml": f"{FIELDS}params:\n{params}\n{counters}{rule}"})


def messages(params: str, when: str = "links_1h > 1", counters: str = COUNTERS) -> list[str]:
    rule = f"rules:\n  r: {{event: post, when: [{when}], then: {{flag: x}}, mode: shadow}}\n"
    _, report = check_rulebook({"rules.yaml": f"{FIELDS}params:\n{params}\n{counters}{rule}"})
    return [finding.message for finding in report.errors]


@pytest.mark.parametrize(
    ("written", "clause", "sent"),
    [
        ("7d", "age < params.p", "age: 6d"),
        ("5", "amount >= params.p", "amount: 5"),
        ("0.5", "amount > params.p", "amount: 0.6"),
        ("-1", "amount > params.p", "amount: 0"),
        ("DE", "country == params.p", "country: DE"),
        ("true", "verified == params.p", "verified: true"),
        ("5MB", "params.p > 4MB", "amount: 1"),
    ],
)
def test_a_parameter_stands_for_a_constant_of_any_type(written: str, clause: str, sent: str) -> None:
    book_of(f"  p: {written}", clause, f"[{{send: {{type: post, {sent}}}, fires: always}}]")


def test_a_parameter_means_what_is_written_out() -> None:
    written, named = book_of("  p: 7", "links_1h > 7"), book_of("  p: 7", "links_1h > params.p")
    assert written.rules[0].fingerprint == named.rules[0].fingerprint
    assert written.counters == named.counters
    assert book_of("  p: 8", "links_1h > params.p").rules[0].fingerprint != named.rules[0].fingerprint


def test_by_segment_each_has_its_own_and_all_others_the_default() -> None:
    tests = """[
      {send: {type: post, country: DE}, times: 6, every: 1m, fires_at: [6]},
      {send: {type: post, country: BR}, times: 4, every: 1m, fires_at: [3, 4]},
      {send: {type: post, country: FR}, times: 5, every: 1m, fires_at: [4, 5]},
      {send: {type: post, country: de}, times: 5, every: 1m, fires_at: [4, 5]},
      {send: {type: post}, times: 5, every: 1m, fires_at: [4, 5]}]"""
    params = "  most: {default: 3, by: country, values: {DE: 5, BR: 2}}"
    book = book_of(params, "links_1h > params.most", tests)
    other = book_of(params.replace("BR: 2", "BR: 1"), "links_1h > params.most")
    assert book.rules[0].fingerprint != other.rules[0].fingerprint


def test_a_segment_may_stand_in_a_field_that_is_not_declared() -> None:
    tests = """[
      {send: {type: post, tier: gold, amount: 3}, fires: never},
      {send: {type: post, amount: 3}, fires: always}]"""
    book_of("  most: {default: 2, by: event.tier, values: {gold: 5}}", "amount > params.most", tests)


def test_a_counter_keeps_as_many_entries_as_the_largest_value_needs() -> None:
    params = "  most: {default: 3, by: country, values: {DE: 500, BR: 2}}"
    assert book_of(params, "links_1h > params.most").counters["links_1h"].cap >= 501
    assert book_of(params, "links_1h > 3").counters["links_1h"].cap < 501


def test_a_value_that_a_counter_cannot_count_to_is_an_error_where_it_stands() -> None:
    params = "  most: {default: 3, by: country, values: {DE: 5, BR: 1000}}"
    assert messages(params, "links_1h > params.most") == [
        "the threshold 1000 is above what `links_1h` can count to: it keeps at most 1000 entries"
    ]


def test_durations_outside_of_expressions_may_be_parameters() -> None:
    text = f"""{FIELDS}
params: {{window: 10m, rest: 2h}}
counters:
  links: {{count: post, by: user_id, over: params.window}}
rules:
  r:
    event: post
    when: [links > 1]
    then: {{limit: posting, for: params.rest}}
    cooldown: {{per: user_id, for: params.rest}}
"""
    book = load_rulebook({"rules.yaml": text})
    assert book.counters["links"].over_ms == 600_000
    assert (book.rules[0].then.for_ms, book.rules[0].cooldown_ms) == (7_200_000, 7_200_000)


def test_where_may_read_parameters_also_at_shared_entities() -> None:
    counters = "counters:\n  big: {count: post, where: amount > params.most, by: device_id, over: 1h}\n"
    params = "  most: {default: 3, by: country, values: {DE: 5}}"
    tests = """[
      {send: {type: post, device_id: d, amount: 4, country: DE}, times: 2, every: 1m, fires: never},
      {send: {type: post, device_id: d, amount: 4}, times: 2, every: 1m, fires_at: [2]}]"""
    book_of(params, "big > 1", tests, counters)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("  p:", "a constant is needed here, this is nothing"),
        ("  p: [1]", "a constant is needed here, this is a list"),
        ("  p: {default: 3, by: amount, values: {a: 1}}", "`by` is a text field of the event"),
        ("  p: {default: 3, by: country, values: {a: 1d}}", "a duration for `a`, but the default is a number"),
        ("  p: {default: 3, by: country, values: {}}", "`values` maps the values of `by` to constants, 1,000 at most"),
        ("  p: {default: 3, by: country, vals: {a: 1}}", 'parameter `p` has no key "vals"'),
        ("  p: {default: 3, by: contry, values: {a: 1}}", 'unknown name "contry"'),
    ],
)
def test_what_is_wrong_is_said(params: str, expected: str) -> None:
    assert expected in messages(params)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("links_1h > params.pp", 'unknown parameter "pp"'),
        ("age < params.p", "a duration < a number: the two sides differ in type"),
        ("known(params.p)", "known() takes a name"),
    ],
)
def test_what_is_wrong_in_a_clause_is_said(when: str, expected: str) -> None:
    assert messages("  p: 3", when) == [expected]


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("params.a", "`over` is the same for all events, `params.a` is not"),
        ("params.b", "a duration is needed here, this is `5`"),
        ("params.c", 'unknown parameter "c"'),
    ],
)
def test_a_window_is_the_same_for_all_events(over: str, expected: str) -> None:
    params = "  a: {default: 1h, by: country, values: {DE: 2h}}\n  b: 5"
    counters = f"counters:\n  links_1h: {{count: post, by: user_id, over: {over}}}\n"
    assert messages(params, "amount > 1", counters) == [expected]


def test_a_ratio_reads_no_constant() -> None:
    derived = COUNTERS + "derived:\n  share: {ratio: [links_1h, params.p]}\n"
    assert messages("  p: 3", "share > 1", derived) == ["`params.p` is a constant, which cannot stand here"]


def test_people_with_pseudonyms_are_in_their_segments() -> None:
    text = f"""{FIELDS}params:
  most: {{default: 1, by: user_id, values: {{anna: 5}}}}
rules:
  r: {{event: post, when: [amount > params.most], then: {{flag: x}}, mode: shadow}}
"""
    book = load_rulebook({"rules.yaml": text}, conceal=lambda user: f"hidden {user}")
    program = book.program("post")
    assert program is not None
    decide = program.decider.decide
    assert decide({"user_id": "hidden anna", "amount": 3}, {}, 0, lambda *_: None) == []
    assert decide({"user_id": "hidden ben", "amount": 3}, {}, 0, lambda *_: None) == [0]
