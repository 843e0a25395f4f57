"""What an event adds to counters, and what it leaves in doubt: that is not taken for nothing, it makes counts bounds
and sums unknown."""

from collections.abc import Mapping

import pytest

from engine.core.domain.events import Event
from engine.core.evaluation.evaluator import Evaluator
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage

RULES = """
version: 1
fields:
  age: {type: duration, unit: s}
  price: {type: number, written_as: text}
  amount: number
  tags: list
lists:
  famous: {values: [youtube.com]}
counters:
  c: COUNTER
rules:
  r: {event: post, when: ['CLAUSE'], then: {flag: x}}
"""


def holds(counter: str, clause: str, *documents: dict[str, object]) -> bool:
    """Whether a clause about a counter holds at the last of these posts."""
    text = RULES.replace("COUNTER", counter).replace("CLAUSE", clause)
    stage, found = ExampleStage(load_rulebook({"rules.yaml": text}), {}), False
    for place, document in enumerate(documents):
        event = Event(f"e{place}", "post", "u", 1_760_000_000_000 + place, {"user_id": "u", **document}, place)
        found = any(decision.event_id == event.event_id and decision.hits for decision in stage.send(event))
    return found


def says(counter: str, number: float | str, *documents: dict[str, object]) -> bool:
    return holds(counter, f"c == {number}", *documents)


def test_an_address_is_one_however_it_is_written() -> None:
    ips: list[dict[str, object]] = [{"ip": "10.0.0.1"}, {"ip": "::ffff:10.0.0.1"}, {"ip": "10.0.0.2"}]
    assert says("{distinct: ip, of: post, by: user_id, over: 1h}", 2, *ips)
    names: list[dict[str, object]] = [{"device_id": "10.0.0.1"}, {"device_id": "::ffff:10.0.0.1"}]
    assert says("{distinct: device_id, of: post, by: user_id, over: 1h}", 2, *names)


def test_numbers_are_told_apart_by_what_they_are_worth() -> None:
    many: list[dict[str, object]] = [{"amount": 1}, {"amount": 1.0}, {"amount": 2}, {}]
    assert says("{distinct: amount, of: post, by: user_id, over: 1h}", 2, *many)


@pytest.mark.parametrize(
    ("field", "values", "total"),
    [
        ("age", [1, 2.5], "3.5s"),
        ("amount", [1, 2.5, -1], 2.5),
        ("price", ["1.50", 2], 3.5),
        ("event.other", [1, 2], 3),
    ],
)
def test_amounts_are_added_up_in_one_unit(field: str, values: list[object], total: float | str) -> None:
    documents: list[dict[str, object]] = [{field.removeprefix("event."): value} for value in values]
    assert says(f"{{sum: {field}, of: post, by: user_id, over: 1h}}", total, *documents, {})


def test_a_number_that_is_written_as_a_text_counts_where_that_is_declared() -> None:
    assert holds("{sum: price, of: post, by: user_id, over: 1h}", "c > 1", {"price": "1.50"})
    assert not holds("{sum: amount, of: post, by: user_id, over: 1h}", "c > 1", {"amount": "1.50"})


@pytest.mark.parametrize("approx", ["", ", approx: true"])
def test_what_may_count_makes_a_count_a_bound(approx: str) -> None:
    counter = f"{{count: post, where: amount > 1, by: user_id, over: 1h{approx}}}"
    documents: list[dict[str, object]] = [{"amount": 2}, {}]
    assert holds(counter, "c >= 1", *documents)
    assert not holds(counter, "c < 2", *documents)
    assert not holds(counter, "c >= 2", *documents)
    assert holds(counter, "c < 2", {"amount": 2}, {"amount": 1})


def test_what_always_holds_leaves_nothing_in_doubt() -> None:
    assert says("{count: post, where: 'true', by: user_id, over: 1h}", 2, {}, {})


@pytest.mark.parametrize(
    ("kind", "value"), [("distinct: amount", [1]), ("sum: amount", "x"), ("distinct: device_id", {"a": 1})]
)
def test_what_cannot_be_read_leaves_a_counter_in_doubt(kind: str, value: object) -> None:
    counter, field = f"{{{kind}, of: post, by: user_id, over: 1h}}", kind.partition(": ")[2]
    assert not holds(counter, "c < 100", {field: value})
    assert holds(counter, "c < 100", {})


def test_texts_are_told_apart_by_one_of_their_keys() -> None:
    said: dict[str, object] = {"text": "Happy birthday to you and all the best"}
    other: dict[str, object] = {"text": "buy the best followers from us now"}
    assert says("{distinct: text, of: post, by: user_id, over: 1h}", 2, said, said, other)
    linked: dict[str, object] = {"text": "see https://a.com and https://b.com"}
    assert says("{distinct: url_domain, of: post, by: user_id, over: 1h}", 2, linked)


def test_what_a_list_leaves_out_is_not_counted() -> None:
    counter = "{count: post, by: url_domain, over: 1h, except: lists.famous}"
    evil: dict[str, object] = {"text": "see https://evil.com"}
    good: dict[str, object] = {"text": "see https://youtube.com"}
    assert holds(counter, "c >= 2", evil, evil)
    assert not holds(counter, "c >= 1", good, good)


START_MS = 1_760_000_000_000
DOUBTED = """
version: 1
fields: {age: number, amount: number, spelt: {type: number, written_as: text}}
counters:
  young:  {count: post, where: age < 5, by: user_id, over: 1m}
  things: {distinct: event.thing, of: post, by: user_id, over: 1m}
  about:  {distinct: event.thing, of: post, where: age < 5, by: user_id, over: 1m, approx: true}
  many:   {count: post, where: age < 5, by: user_id, over: 1m, approx: true}
  spent:  {sum: amount, of: post, by: user_id, over: 1m}
  paid:   {sum: spelt, of: post, by: user_id, over: 1m}
  shared: {count: post, where: age < 5, by: device_id, over: 1m}
rules:
"""


def held(clauses: list[str], *events: Mapping[str, object], every_s: int = 1) -> list[bool | None]:
    """What clauses are at the last of some events: true, false, or unknown."""
    rules = "".join(
        f"  yes{at}: {{event: post, when: ['{clause}'], then: {{flag: x}}}}\n"
        f"  no{at}: {{event: post, when: ['true'], unless: ['{clause}'], then: {{flag: x}}}}\n"
        for at, clause in enumerate(clauses)
    )
    stage = ExampleStage(load_rulebook({"r.yaml": DOUBTED + rules}), {})
    assert isinstance(stage.evaluator, Evaluator)
    hits: set[str] = set()
    for number, fields in enumerate(events):
        event = Event(f"e{number}", "post", "u", START_MS + number * 1_000 * every_s, dict(fields), number + 1)
        hits = {hit.rule for decision in stage.send(event) for hit in decision.hits}
    return [True if f"yes{at}" in hits else False if f"no{at}" in hits else None for at in range(len(clauses))]


Fields = Mapping[str, object]
YOUNG: Fields = {"age": 1}
OLD: Fields = {"age": 9}
UNKNOWN: Fields = {"age": "one"}


@pytest.mark.parametrize("name", ["young", "shared", "about", "many"])
def test_a_condition_that_is_unknown_makes_a_count_a_bound(name: str) -> None:
    more = {"device_id": "d", "thing": "t1"}
    certain = [{**YOUNG, **more}, {**YOUNG, **more, "thing": "t2"}]
    clauses = [f"{name} > 1", f"{name} < 9", f"{name} == 2"]
    assert held(clauses, *certain, {**OLD, **more}) == [True, True, True]
    assert held(clauses, *certain, {**UNKNOWN, **more}, {**OLD, **more}) == [True, None, None]


def test_a_doubt_leaves_with_its_window() -> None:
    assert held(["young < 9"], UNKNOWN, OLD, every_s=61) == [True]
    assert held(["young < 9"], YOUNG, UNKNOWN, OLD, every_s=61) == [True]


def test_nothing_but_doubts_is_unknown() -> None:
    assert held(["young >= 0", "many < 9"], UNKNOWN, OLD) == [None, None]


def test_a_value_that_cannot_be_told_apart_makes_a_distinct_count_a_bound() -> None:
    clauses = ["things > 1", "things < 9"]
    assert held(clauses, {"thing": "a"}, {"thing": "b"}, {"thing": {"c": 1}}) == [True, None]
    assert held(clauses, {"thing": "a"}, {"thing": "b"}, {"thing": ""}, {}) == [True, True]


@pytest.mark.parametrize(("one", "other"), [(123, 123.0), (1, True), ("1", 1)])
def test_numbers_of_one_worth_are_one_entry(one: object, other: object) -> None:
    assert held(["things == 1"], {"thing": one}, {"thing": other}) == [one is not True and other is not True]


@pytest.mark.parametrize("amount", ["60.00", 2e15, [5], True])
def test_an_amount_that_cannot_be_read_makes_a_sum_a_bound_and_blinds_nothing(amount: object) -> None:
    clauses = ["spent > 100", "spent < 10", "spent < 1000"]
    assert held(clauses, {"amount": 5}, {"amount": amount}) == [None, None, None]
    assert held(clauses, {"amount": 5}, {"amount": amount}, {"amount": 500}) == [True, False, None]
    assert held(clauses, {"amount": -5}, {"amount": amount}, {"amount": 500}) == [None, None, None]
    assert held(["spent > 100"], {"amount": amount}, {"amount": 500}, every_s=61) == [True]


def test_no_amount_is_nothing() -> None:
    assert held(["spent == 5.0"], {"amount": 5}, {}, {"amount": None}) == [True]


def test_numbers_that_are_written_as_texts_are_read_where_the_field_says_so() -> None:
    assert held(["paid == 62.5", "spelt == 2.5"], {"spelt": "60.00"}, {"spelt": "2.5"}) == [True, True]
    assert held(["paid > 1", "known(spelt)"], {"spelt": "sixty"}) == [None, False]


def test_a_late_event_finds_its_place_although_an_earlier_one_was_in_doubt() -> None:
    stage = ExampleStage(
        load_rulebook({"r.yaml": DOUBTED + "  r: {event: post, when: [young > 2], then: {flag: x}}\n"}), {}
    )
    times = [(100, UNKNOWN), (100, YOUNG), *((at, YOUNG) for at in (10, 11, 12))]
    fired = []
    for number, (seconds, fields) in enumerate(times):
        event = Event(f"e{number}", "post", "u", START_MS + 1_000 * seconds, dict(fields), number + 1)
        fired.append(any(decision.hits for decision in stage.send(event)))
    assert fired == [False, False, False, False, True]


def test_a_sum_whose_oldest_amounts_are_merged_is_a_bound() -> None:
    events = [{"amount": 1}] * 1_500
    clauses = ["spent > 900", "spent < 1200"]
    rules = [f"  yes{at}: {{event: post, when: ['{one}'], then: {{flag: x}}}}\n" for at, one in enumerate(clauses)]
    stage = ExampleStage(load_rulebook({"r.yaml": DOUBTED.replace("over: 1m", "over: 1h") + "".join(rules)}), {})
    hits: set[str] = set()
    for number, fields in enumerate(events):
        event = Event(f"e{number}", "post", "u", START_MS + number * 3_000, dict(fields), number + 1)
        hits = {hit.rule for decision in stage.send(event) for hit in decision.hits}
    assert hits == {"yes0"}  # 1,200 amounts of the last hour, of which 999 are told apart


def test_thresholds_in_other_counters_and_in_derived_conditions_size_the_counters_that_they_read() -> None:
    declared = (
        "version: 1\ncounters:\n  fails: {count: fail, by: user_id, over: 1h}\n"
        "  busy: {count: post, where: fails >= 50, by: user_id, over: 1h}\n"
        "derived:\n  hot: fails >= 70\nrules:\n  r: {event: post, when: [busy > 0], then: {flag: x}}\n"
    )
    assert load_rulebook({"r.yaml": declared}).counters["fails"].cap >= 71


def stated(counter: str, clause: str, *documents: dict[str, object]) -> bool:
    return holds(f"{{{counter}, of: post, by: user_id, over: 1h}}", clause, *documents)


@pytest.mark.parametrize(
    ("counter", "clause"),
    [
        ("max: age", "c == 9s"),
        ("min: age, before: true", "c == 1s"),
        ("median: age", "c == 4s"),
        ("mean: age, before: true", "c == 2.5s"),
        ("mean: gap", "c == 1ms"),
        ("max: gap, before: true", "c == 1ms"),
    ],
)
def test_statistics_have_the_unit_of_their_field(counter: str, clause: str) -> None:
    assert stated(counter, clause, {"age": 1}, {"age": 4}, {"age": 9})


@pytest.mark.parametrize(
    ("counter", "first", "second"),
    [
        ("count: post, by: user_id, over: 1h", 0, 1),
        ("distinct: device_id, of: post, by: user_id, over: 1h", 0, 1),
        ("sum: amount, of: post, by: user_id, over: 1h", 0, 5),
        ("count: post, by: device_id, over: 1h", 0, 1),
        ("count: post, by: [user_id, device_id], over: 1h, approx: true", 0, 1),
        ("distinct: amount, of: post, by: device_id, over: 1h, having: {at_least: 1}", 0, 1),
    ],
)
def test_without_the_event_at_hand_a_counter_says_what_was_before(counter: str, first: int, second: int) -> None:
    event: dict[str, object] = {"device_id": "d", "amount": 5}
    assert says(f"{{{counter}, before: true}}", first, event)
    assert says(f"{{{counter}, before: true}}", second, event, event)


def test_a_doubt_about_the_event_at_hand_is_none_about_what_was_before() -> None:
    counter = "{count: post, by: user_id, over: 1h, where: amount > 1OPTION}"
    documents: list[dict[str, object]] = [{"amount": 2}, {}]
    assert not says(counter.replace("OPTION", ""), 1, *documents)
    assert says(counter.replace("OPTION", ", before: true"), 1, *documents)


def test_an_amount_that_cannot_be_read_leaves_the_maximum_as_a_bound_and_the_mean_of_the_others() -> None:
    documents: list[dict[str, object]] = [{"amount": 5}, {"amount": "many"}]
    assert stated("max: amount", "c > 4", *documents)
    assert not stated("max: amount", "c < 9", *documents)
    assert stated("mean: amount", "c == 5", *documents)


def test_the_items_of_a_list_occur_each_by_itself() -> None:
    documents: list[dict[str, object]] = [{"tags": ["a", "b"]}, {"tags": ["a", "c"]}, {"tags": ["a", "b"]}]
    assert says("{distinct: tags, of: post, by: user_id, over: 1h, having: {at_least: 2}}", 2, *documents)
    assert says("{distinct: tags, of: post, by: user_id, over: 1h, having: {at_least: 2, at_most: 2}}", 1, *documents)


@pytest.mark.parametrize("where", ["10s / 0 == 5s", "7 % params.none > 1"])
def test_a_condition_that_is_unknown_without_reading_anything_makes_a_count_a_bound(where: str) -> None:
    counter = f"{{count: post, where: {where}, by: user_id, over: 1h}}\nparams: {{none: 0}}"
    assert not holds(counter, "c < 3", {})
    assert not holds(counter, "c >= 0", {})


def test_a_field_without_a_declaration_may_have_a_list() -> None:
    counter = "{distinct: event.named, of: post, by: user_id, over: 1h}"
    assert says(counter, 3, {"named": ["a", "b"]}, {"named": "b"}, {"named": ["c"]})
    assert holds(counter, "c >= 1", {"named": ["a", {"no": "value"}]})
    assert not holds(counter, "c < 5", {"named": ["a", {"no": "value"}]})


def test_one_user_repeats_themselves_in_few_words() -> None:
    counter = "{count: post, by: [user_id, text], over: 1h}"
    assert says(counter, 2, {"text": "follow me back"}, {"text": "other"}, {"text": "Follow me back!"})
    assert not holds("{count: post, by: text, over: 1h}", "c >= 1", {"text": "follow me back"})
