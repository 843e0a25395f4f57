"""What an event adds to counters, and what it leaves in doubt."""

import pytest

from engine.core.domain.events import Event
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import Stage

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
    stage, found = Stage(load_rulebook({"rules.yaml": text}), {}), False
    for place, document in enumerate(documents):
        event = Event(f"e{place}", "post", "u", 1_760_000_000_000 + place, {"user_id": "u", **document}, place)
        found = any(decision.event_id == event.event_id and decision.hits for decision in stage.send(event))
    return found


def says(counter: str, number: float, *documents: dict[str, object]) -> bool:
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
        ("age", [1, 2.5], 3_500),
        ("amount", [1, 2.5, -1], 2.5),
        ("price", ["1.50", 2], 3.5),
        ("event.other", [1, 2], 3),
    ],
)
def test_amounts_are_added_up_in_one_unit(field: str, values: list[object], total: float) -> None:
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
