"""Conditions over lower bounds, lists and what is unknown: what is certain is acted on, and nothing else."""

from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.core.domain.decisions import Decision
from engine.core.domain.events import Event
from engine.core.domain.rules import Rulebook
from engine.core.values.bounds import AtLeast
from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.stream.handlers.hop_messages import Departures, decode_hop
from engine.stream.handlers.messages import encode_decision
from tests.events import routed_event

START_MS = 1_760_000_000_000
TRUE = {"c": 45, "k": 5, "d": 40, "share": 45 / 50, "twice": 90}
COUNTERS = """
counters:
  c: {count: post, by: user_id, over: 10m, cap: 32}
  k: {count: like, by: user_id, over: 10m}
  both: {count: [post, like], by: user_id, over: 10m, cap: 100}
  d: {distinct: target_id, of: post, by: user_id, over: 10m, cap: 32}
derived:
  share: {ratio: [c, both]}
  twice: c * 2
"""
TRUE["both"] = 50
Tree = Any


def decided(rules: str, counters: str = COUNTERS) -> Decision:
    """The decision on the last of 5 likes and 45 posts at 40 targets."""
    stage = ExampleStage(load_rulebook({"r.yaml": f"version: 1{counters}rules:\n{rules}"}), {}, sample=1.0)
    for number in range(50):
        kind, fields = ("like", {}) if number < 5 else ("post", {"target_id": f"t{number % 40}", "device_id": "x"})
        event = Event(f"e{number}", kind, "u", START_MS + number * 1_000, {"user_id": "u", **fields}, content=number)
        decisions = stage.send(event)
    return decisions[-1]


def hits(*clauses: str) -> dict[str, bool | None]:
    """The truth of clauses: certainly true, certainly false, or unknown."""
    rules = ""
    for number, clause in enumerate(clauses):
        written = clause.replace("'", "''")
        rules += f"  t{number}: {{event: post, when: ['{written}'], then: {{flag: a}}}}\n"
        rules += f"  f{number}: {{event: post, when: ['true'], unless: ['{written}'], then: {{flag: a}}}}\n"
    held = {hit.rule for hit in decided(rules).hits}
    return {
        clause: True if f"t{number}" in held else False if f"f{number}" in held else None
        for number, clause in enumerate(clauses)
    }


def test_a_distance_is_unknown_where_there_are_no_two_places() -> None:
    assert hits(
        "km(52.5, 13.4, 40.7, -74) > 6000", "km(52.5, 13.4, 40.7, -74) < 6000", "km(52.5, 13.4, 140.7, -74) > 6000",
        "km(52.5, 13.4, event.nothing, -74) > 6000", "km(k, k, k, k + 1) > 100", "km(c, 0, 0, 0) > 100",
        "km(52.5, 13.4, 40.7, -74) / 8 > 700", "km(52.5, 1 / 0, 40.7, -74) > 1",
    ) == {
        "km(52.5, 13.4, 40.7, -74) > 6000": True,
        "km(52.5, 13.4, 40.7, -74) < 6000": False,
        "km(52.5, 13.4, 140.7, -74) > 6000": None,
        "km(52.5, 13.4, event.nothing, -74) > 6000": None,
        "km(k, k, k, k + 1) > 100": True,
        "km(c, 0, 0, 0) > 100": None,  # somewhere: only a lower bound is known
        "km(52.5, 13.4, 40.7, -74) / 8 > 700": True,
        "km(52.5, 1 / 0, 40.7, -74) > 1": None,
    }  # fmt: skip


def test_the_counters_know_what_these_tests_take_for_granted() -> None:
    rules = "".join(f"  r{n}: {{event: post, when: ['{n} > 0'], then: {{flag: a}}}}\n" for n in TRUE)
    traces = [clause for hit in decided(rules).hits for clause in hit.clauses]
    found = {name: value for trace in traces for name, value in trace.values.items()}
    lower = {"c": AtLeast(32), "d": AtLeast(32), "twice": AtLeast(64.0), "share": AtLeast(0.64)}
    assert found == {**lower, "k": 5, "both": 50}


CERTAINLY_TRUE = [
    "c > 31", "c >= 31", "10 < c", "c != 31", "c * 2 > 63", "c + c >= 64", "c - k > 26", "c / k > 6", "abs(c) > 31",
    "max(c, 5) > 31", "max(5, c) > 31", "min(c, 10) == 10", "min(10, c) == 10", "share > 0.6", "twice > 63",
    "not (c < 31)", "not (c == 5)", "c > 31 and k == 5", "c + 0 > 99 or k == 5", "known(c)", "d > 31",
]  # fmt: skip
CERTAINLY_FALSE = [
    "c < 31", "c <= 31", "c == 31", "31 > c", "not (c > 31)", "c < 10 and k == 5", "c + k < 37", "share < 0.5",
    "d <= 10",
]  # fmt: skip
UNKNOWN = [
    "c + 0 > 32", "c + 0 < 99", "c + 0 == 45", "c + 0 != 45", "c + 0 == 32", "k - c < 0", "c > d", "c - d == 5",
    "c * -1 < 0", "k / c > 0", "share > 0.7", "c in [33, 34]", "c in [45]", "max(c, 40) > 40", "min(c, 40) == 40",
    "max(40, c) == 40", "min(40, c) < 40", "min(c, d) == 40", "twice == 90", "share != 0.9",
]  # fmt: skip


@pytest.mark.parametrize("clause", CERTAINLY_TRUE)
def test_what_is_certain_holds(clause: str) -> None:
    assert hits(clause)[clause] is True


@pytest.mark.parametrize("clause", CERTAINLY_FALSE)
def test_what_certainly_fails_fails(clause: str) -> None:
    assert hits(clause)[clause] is False


@pytest.mark.parametrize("clause", UNKNOWN)
def test_what_nobody_can_tell_neither_holds_nor_fails(clause: str) -> None:
    assert hits(clause)[clause] is None


def test_a_list_of_numbers_below_the_bound_is_certainly_left_or_unknown() -> None:
    assert hits("c in [1, 2]")["c in [1, 2]"] in (False, None)


numbers = st.sampled_from(["c", "c", "c", "d", "k", "both", "twice", "share"]) | st.integers(-3, 60)
values = st.recursive(
    numbers,
    lambda inner: (
        st.tuples(st.sampled_from(["+", "-", "*", "/", "min", "max"]), inner, inner) | st.tuples(st.just("abs"), inner)
    ),
    max_leaves=4,
)
clauses = st.recursive(
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), values, values)
    | st.tuples(st.just("in"), values, st.lists(st.integers(0, 60), min_size=1, max_size=3)),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=3,
)


def text(tree: Tree) -> str:
    if not isinstance(tree, tuple):
        return str(tree)
    op, *parts = tree
    told = [text(part) for part in parts]
    if op in ("min", "max", "abs"):
        return f"{op}({', '.join(told)})"
    return f"not ({told[0]})" if op == "not" else f"({told[0]} {op} {told[1]})"


class UnknownError(Exception):
    """Division by zero."""


def true_value(tree: Tree) -> Any:
    """The value or truth of a tree, from the true numbers."""
    if not isinstance(tree, tuple):
        return TRUE[tree] if isinstance(tree, str) else tree
    op, *parts = tree
    found = [true_value(part) for part in parts]
    if op == "/" and found[1] == 0:
        raise UnknownError
    functions: dict[str, Callable[..., Any]] = {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
        "min": min, "max": max, "abs": abs, "not": lambda a: not a, "and": lambda a, b: a and b,
        "or": lambda a, b: a or b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "in": lambda a, b: a in b,
    }  # fmt: skip
    return functions[op](*found)


@cache
def truth_of(clause: str) -> bool | None:
    return hits(clause)[clause]


@settings(max_examples=250, deadline=None)
@example(("==", ("max", 40, "c"), 40))
@example(("not", ("in", "c", [45])))
@example(("!=", ("min", 50, "c"), 45))
@given(clauses)
def test_what_is_certain_is_true_of_the_true_numbers(tree: Tree) -> None:
    try:
        true = true_value(tree)
    except UnknownError:
        return
    try:
        told = truth_of(text(tree))
    except RulebookError:  # such as a clause that is too deep
        return
    assert told in (true, None)


def test_more_events_never_make_what_was_certain_unknown() -> None:
    rule = "  r: {event: post, when: ['c > 10'], then: {flag: a}}\n"
    stage = ExampleStage(load_rulebook({"r.yaml": f"version: 1{COUNTERS}rules:\n{rule}"}), {}, sample=1.0)
    held = []
    for number in range(100):
        event = Event(f"e{number}", "post", "u", START_MS + number * 1_000, {"user_id": "u"}, content=number)
        held.append(bool(stage.send(event)[-1].hits))
    assert held == [False] * 10 + [True] * 90


RULE = "  flood: {event: post, when: ['c > 10', 'twice > 3', 'k == 5'], then: {limit: posting}}\n"


def test_people_are_told_at_least() -> None:
    (action,) = decided(RULE).actions
    assert action.explanation.startswith("c = at least 32 > 10, twice = at least 64 > 3, k = 5 == 5; at c = 10")


def test_decisions_say_at_least() -> None:
    document = orjson.loads(encode_decision(decided(RULE)))
    assert [clause["value"] for clause in document["hits"][0]["clauses"]] == [{"at_least": 32}, {"at_least": 64.0}, 5]
    assert [clause["result"] for clause in document["hits"][0]["clauses"]] == [True] * 3


def test_of_a_number_of_which_nothing_is_known_no_bound_is_told() -> None:
    counters = COUNTERS + "  less: 5 - c\n"
    rule = "  r: {event: post, when: ['c > 10'], any: ['less > 0', 'k == 5'], then: {limit: posting}}\n"
    (hit,) = orjson.loads(encode_decision(decided(rule, counters)))["hits"]
    assert [one["value"] for one in hit["clauses"]] == [{"at_least": 32}, None, 5]


def test_repartitioned_events_carry_bounds() -> None:
    counters = COUNTERS.replace("derived:", "  at_device: {count: post, by: device_id, over: 10m, cap: 32}\nderived:")
    rule = "  r: {event: post, when: ['c > 10', 'at_device > 20'], then: {limit: posting}}\n"
    (hit,) = decided(rule, counters).hits
    assert [clause.values for clause in hit.clauses] == [{"c": AtLeast(32)}, {"at_device": AtLeast(32)}]
    answers = [{"at_device": AtLeast(32), "other": 5}]
    routed = routed_event(values={"c": AtLeast(32)}, hits=(hit,), answers=answers)
    decoded = decode_hop(Departures("hops", 0, 0).send(routed).value)
    assert decoded == routed


def test_a_model_reads_the_number_that_is_certain() -> None:
    asked: list[Any] = []

    class Asked:
        version = "m"
        threshold: float | None = None
        answered_by: str | None = None

        def prepare(self, batch: Any) -> None:
            """Nothing is read."""

        def read_late(self, place: int, texts: Any) -> None:
            """Nothing is read."""

        def score(self, place: int, key: int, numbers: Any) -> float:
            asked.append(numbers)
            return 0.5

        def describe(self, place: int, numbers: Any) -> dict[str, float | None]:
            return {}

        def contributions(self, place: int, numbers: Any) -> list[Any]:
            return []

    rules = "  r: {event: post, when: ['score.m > 0.9'], then: {flag: a}}\n"
    models = "models: {m: {numbers: [c, k, twice, share, less]}}\n"
    counters = COUNTERS + "  less: 5 - c\n" + models
    stage = ExampleStage(load_rulebook({"r.yaml": f"version: 1{counters}rules:\n{rules}"}), {"m": Asked()})
    for number in range(50):
        kind = "like" if number < 5 else "post"
        stage.send(Event(f"e{number}", kind, "u", START_MS + number * 1_000, {"user_id": "u"}, content=number))
    assert asked[-1][:4] == (32, 5, 64.0, 0.64)
    assert asked[-1][4] is None  # nothing is known of it


LISTED = """
version: 1
fields: {tags: list, flag: bool, age: {type: duration, unit: s}}
lists:
  bad: {values: [x]}
  links: {values: ["https://evil.com/a"]}
  networks: {values: [198.51.100.7]}
  alive: {live: true}
counters:
  posts: {count: post, by: user_id, over: 1h}
derived:
  half: posts / 2
rules:
  r: {event: post, when: ['CLAUSE'], then: {flag: x}}
"""


def compiled(clause: str) -> Rulebook:
    return load_rulebook({"rules.yaml": LISTED.replace("CLAUSE", clause)})


def fires(book: Rulebook, **fields: object) -> bool:
    event = Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", **fields})
    return bool(ExampleStage(book, {}).send(event))


@pytest.mark.parametrize(
    ("clause", "fields", "expected"),
    [
        ("tags in lists.bad", {"tags": ["a", "x"]}, True),
        ("tags in lists.bad", {"tags": ["a"]}, False),
        ("tags in lists.bad", {"tags": []}, False),
        ("tags not in lists.bad", {"tags": ["a"]}, True),
        ("tags not in lists.bad", {}, False),
        ("url_domain in lists.links", {"text": "look at https://www.evil.com/b"}, True),
        ("url_domain in lists.links", {"text": "look at https://good.com/b"}, False),
        ("ip_prefix in lists.networks", {"ip": "198.51.100.9"}, True),
        ("ip_prefix in lists.networks", {"ip": "198.51.101.9"}, False),
        ("tags in lists.links", {"tags": ["evil.com"]}, False),
        ("flag and event.n > 1", {"flag": True, "n": 2}, True),
        ("flag and event.n > 1", {"flag": True, "n": 1}, False),
        ("flag and event.n > 1", {"flag": True}, False),
        ("flag or event.n > 1", {"n": 2}, True),
        ("flag or event.n > 1", {"flag": False}, False),
        ("not (flag and event.n > 1)", {"flag": False}, True),
        ("not (flag and event.n > 1)", {"flag": True}, False),
        ("not (flag or event.n > 1)", {"flag": False, "n": 1}, True),
        ("not (flag or event.n > 1)", {"flag": False}, False),
        ("not known(flag)", {}, True),
        ("not known(flag)", {"flag": False}, False),
        ("known(flag)", {"flag": False}, True),
        ("not (known(flag) and flag)", {}, True),
        ("not (event.n != 1)", {"n": 1}, True),
        ("not (event.n > 1)", {"n": 1}, True),
        ("not (event.n >= 1)", {"n": 1}, False),
        ("not (event.n < 1)", {"n": 1}, True),
        ("not (event.n <= 1)", {"n": 1}, False),
        ('not (text == "a")', {"text": "b"}, True),
        ('not (text == "a")', {}, False),
        ("event.n / event.m > 1 or flag", {"n": 1, "m": 0, "flag": True}, True),
        ("1 / (1 / event.n) > 1", {"n": 0}, False),
        ("1 / (1 / event.n) > 1", {"n": 2}, True),
        ("half in [0.5, 1]", {}, True),
        ("half not in [0.5]", {}, False),
        ("not (half in [1])", {}, True),
        ("posts == 1 and not (posts != 1)", {}, True),
        ('text == "60.5"', {"text": "60.5"}, True),
    ],
)
def test_a_condition_holds_where_it_is_certain(clause: str, fields: dict[str, object], expected: bool) -> None:
    assert fires(compiled(clause), **fields) is expected


@pytest.mark.parametrize(
    ("clause", "fields"),
    [
        ("tags in lists.alive", {"tags": ["later.com"]}),
        ("text in lists.alive", {"text": "later.com"}),
        ("url_domain in lists.alive", {"text": "look at https://later.com/b"}),
    ],
)
def test_what_is_put_on_a_live_list_is_found_from_then_on(clause: str, fields: dict[str, object]) -> None:
    book = compiled(clause)
    assert not fires(book, **fields)
    book.live["alive"].put("later.com")
    assert fires(book, **fields)
    book.live["alive"].drop("later.com")
    assert not fires(book, **fields)
