"""The rulebook language as its readers expect it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from engine.core.domain.events import FieldMapping
from engine.core.domain.units import duration_ms, duration_text, size_bytes, size_text
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.errors import RulebookError
from engine.rulebook.compiler import check_rulebook, load_rulebook, read_directory
from engine.rulebook.language.json_schema import json_schema

ROOT = Path(__file__).parents[3]
EVENT: dict[str, Any] = {"event_id": "e", "type": "post", "user_id": "u", "ts": 1_760_000_000_000}


def fires(clause: str, declarations: str = "", **fields: Any) -> bool:
    rules = f"rules:\n  r:\n    event: post\n    when:\n      - {clause}\n    then: {{flag: x}}\n"
    book = load_rulebook(
        {"r.yaml": f"version: 1\n{declarations}\n{rules}",
         "lists/bad.txt": "# comment\nevil.example\n\nworse.example # another\n"}
    )  # fmt: skip
    program = book.program("post")
    assert program is not None
    event = FieldMapping().read({**EVENT, **fields})
    decision = Evaluator(book, {}).evaluate(event, program, EntityRecord()).decision
    return decision is not None


@pytest.mark.parametrize(
    ("clause", "fields", "expected"),
    [
        ("event.n > 3", {"n": 4}, True),
        ("event.n > 3", {"n": "4"}, False),
        ("event.a.b.c == 1", {"a": {"b": {"c": 1}}}, True),
        ("1 < event.n <= 3", {"n": 3}, True),
        ("1 < event.n <= 3", {"n": 1}, False),
        ("event.n / event.m > 1", {"n": 4, "m": 0}, False),
        ("not (event.n / event.m > 1)", {"n": 4, "m": 0}, False),
        ("len(text) > 3", {"text": "long"}, True),
        ("len(event.tags) == 2", {"tags": ["a", "b"]}, False),  # undeclared: len() takes a text
        ("lower(text) == 'abc'", {"text": "ABC"}, True),
        ("'\"free\" in text'", {"text": "so free"}, True),
        ("'\"free\" not in text'", {"text": "so free"}, False),
        ('\'text in ["a", "b"]\'', {"text": "b"}, True),
        ("'text matches \"(?i)^buy\"'", {"text": "BUY now"}, True),
        ("'not text matches \"x\" and event.n > 1'", {"text": "y", "n": 2}, True),
        ("'\"7d matches 10m\" == text'", {"text": "7d matches 10m"}, True),
        ("min(event.n, 5) == 5 and max(1, 2) == 2 and abs(-3) == 3", {"n": 9}, True),
        ("known(text)", {}, False),
        ("not known(text)", {}, True),
        ("true", {}, True),
        ("not true", {}, False),
        ("not false", {}, True),
        ('\'text matches "\\$\\d+ a \\"day\\""\'', {"text": '$500 a "day"'}, True),
        ("event.flag", {"flag": True}, True),
        ("event.flag", {"flag": 1}, False),
        ("event.ü == 1", {"ü": 1}, True),
        ("'\"купить é\" in text and event.n > 1'", {"text": "где купить é", "n": 2}, True),
        ("event.a / event.b in [1, 2]", {"a": 1, "b": 0}, False),
        ("len(event.x) > event.x", {"x": "abc"}, False),
        ("event.a * event.a * event.a / 3 > 1", {"a": 2**63}, True),
    ],
)
def test_clauses(clause: str, fields: dict[str, Any], expected: bool) -> None:
    assert fires(clause, **fields) is expected


def test_units_and_lists_of_declared_fields() -> None:
    declared = (
        "fields:\n  age: {type: duration, unit: h, from: account.age}\n  size: {type: size, unit: KB}\n"
        "  tags: list\nlists:\n  bad: {file: lists/bad.txt, values: [more.example]}\n"
    )
    assert fires("age >= 2d", declared, account={"age": 48})
    assert not fires("age >= 2d", declared, account={"age": 47})
    assert fires("size > 1MB", declared, size=1001)
    assert fires("age / 1h == 3 and age + 1h < 5h", declared, account={"age": 3})
    assert fires("'\"x\" in tags'", declared, tags=["x"])
    for host in ("evil.example", "worse.example", "more.example"):
        assert fires("text in lists.bad", declared, text=host)
    assert not fires("text in lists.bad", declared, text="# comment")


def test_ratios_need_their_denominator_and_may_take_a_bound() -> None:
    declared = (
        "counters:\n  all: {count: post, by: user_id, over: 1h}\n"
        "  odd: {count: post, where: event.odd, by: user_id, over: 1h}\n"
        "derived:\n  share: {ratio: [odd, all], at_least: 3}\n  sure: {ratio: [odd, all], bound: wilson_lower_95}\n"
        "  twice: odd * 2\n"
    )
    assert not fires("share >= 0", declared, odd=True)
    assert fires("sure > 0.2 and sure < 0.21", declared, odd=True)
    assert fires("twice == 2", declared, odd=True)


def outcomes(count: int, declarations: str, clause: str, **fields: Any) -> list[bool]:
    """Whether the rule fires on each of so many posts within a minute."""
    book = load_rulebook(
        {"r.yaml": f"version: 1\n{declarations}\nrules:\n  r: {{event: post, when: ['{clause}'], then: {{flag: x}}}}\n"}
    )
    program, record, evaluator = book.program("post"), EntityRecord(), Evaluator(book, {})
    assert program is not None
    made = []
    for index in range(count):
        event = FieldMapping().read({**EVENT, "event_id": str(index), "ts": EVENT["ts"] + index, **fields})
        made.append(evaluator.evaluate(event, program, record).decision is not None)
    return made


COUNTERS = (
    "counters:\n  all: {count: post, by: user_id, over: 1h}\n"
    "  odd: {count: post, where: event.odd, by: user_id, over: 1h}\n"
)


@pytest.mark.parametrize("clause", ["all / 10 > 5", "all in [60]", "all > event.limit", "max(all, 1) > 50"])
def test_counters_beside_other_values_count_far_enough(clause: str) -> None:
    assert any(outcomes(70, COUNTERS, clause, limit=40))


def test_a_ratio_of_counts_that_have_reached_their_cap_is_that_of_the_newest_and_arithmetic_is_unknown() -> None:
    ratio = COUNTERS + "derived:\n  share: {ratio: [odd, all]}\n"
    fired = outcomes(1_100, COUNTERS, "odd / all > 0.5", odd=True)
    assert all(fired[:999])
    assert not any(fired[1_000:])
    assert all(outcomes(2_500, ratio, "share > 0.5", odd=True))
    assert not any(outcomes(2_500, ratio, "share < 0.5", odd=True))


def test_a_target_is_found_where_its_field_is_declared_to_be() -> None:
    book = load_rulebook(
        {"r.yaml": "version: 1\nfields:\n  author: {type: text, from: author.id}\nrules:\n"
                   "  r: {event: post, when: ['true'], then: {suspend: account, target: author}}\n"}
    )  # fmt: skip
    program = book.program("post")
    assert program is not None
    for document, targets, outcome in (({"author": {"id": "bob"}}, ["bob"], "act"), ({}, [], "none")):
        event = FieldMapping().read({**EVENT, **document})
        decision = Evaluator(book, {}).evaluate(event, program, EntityRecord()).decision
        assert decision is not None
        assert [action.target_id for action in decision.actions] == targets
        assert decision.outcome == outcome


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nlists:\n"
        + "".join(f"  l{i}: &l{i} [" + ", ".join([f"*l{i - 1}"] * 9) + "]\n" for i in range(1, 10)),
        "x: &a {x: *a}",
        "[" * 1_000,
        "[" * 100_000,
        "version: 1\nderived:\n  d0: event.a\n" + "".join(f"  d{i}: not d{i - 1}\n" for i in range(1, 32)),
        "version: " + "9" * 5_000,
    ],
    ids=["laughs", "recursion", "deep", "very deep", "derived chain", "digits"],
)
def test_nothing_that_is_written_can_exhaust_the_checker(text: str) -> None:
    rulebook, diagnostics = check_rulebook({"r.yaml": text})
    assert rulebook is None
    assert diagnostics.errors


def test_any_of_several_clauses_is_enough() -> None:
    book = load_rulebook(
        {"r.yaml": "version: 1\nrules:\n  r: {event: any, any: [event.a > 1, event.b > 1], then: {flag: x}}\n"}
    )
    program = book.program("whatever")
    assert program is not None
    for fields, expected in (({"b": 2}, True), ({"a": 2}, True), ({}, False)):
        event = FieldMapping().read({**EVENT, "type": "whatever", **fields})
        assert bool(Evaluator(book, {}).evaluate(event, program, EntityRecord()).decision) is expected


def test_counters_that_differ_in_their_window_alone_share_a_series() -> None:
    book = load_rulebook(ROOT / "tests" / "rulebooks" / "flood")
    assert book.counters["posts_1m"].series_key == book.counters["posts_1h"].series_key
    assert book.counters["posts_1m"].cap == book.counters["posts_1h"].cap


def test_a_rulebook_of_several_files_is_one() -> None:
    assert len(load_rulebook(ROOT / "rules").rules) >= 10


def test_equal_sources_have_equal_ids() -> None:
    sources = read_directory(ROOT / "rules")
    assert load_rulebook(sources).id == load_rulebook(dict(reversed(sources.items()))).id


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="there is no rulebook here"):
        read_directory(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "5", "version: 1\nrules: []\n", "\x00", "a: " + "[" * 500])
def test_odd_documents_are_reported_not_raised(text: str) -> None:
    rulebook, diagnostics = check_rulebook({"r.yaml": text})
    assert rulebook is None or not diagnostics.errors


def test_long_and_deep_expressions_are_refused() -> None:
    for clause in ("(" * 60 + "true" + ")" * 60, "1 + " * 900 + "1 > 0", "not " * 100 + "true", "x" * 3_000):
        _, diagnostics = check_rulebook(
            {"r.yaml": f"version: 1\nrules:\n  r: {{event: post, when: ['{clause}'], then: {{flag: x}}}}\n"}
        )
        assert bool(diagnostics.errors) != clause.startswith("(")  # brackets alone cost nothing


def test_the_json_schema_accepts_the_starter_rules_and_refuses_a_typo() -> None:
    schema = json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in sorted((ROOT / "rules").glob("*.yaml")):
        document = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
        jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "rulez": {}}, schema)


@pytest.mark.parametrize(
    ("section", "accepted"),
    [
        ({"scores": {"risk": {"amount > 500": 20, "foreign": -0.5}}}, True),
        ({"scores": {"risk": {}}}, False),
        ({"scores": {"risk": {"foreign": "many"}}}, False),
        ({"params": {"week": "7d", "most": {"default": 3, "by": "country", "values": {"DE": 5}}}}, True),
        ({"params": {"most": {"default": 3, "values": {"DE": 5}}}}, False),
        ({"macros": {"new": ["age < 7d"], "fresh": {"args": {"age": "7d"}, "clauses": ["account_age < age"]}}}, True),
        ({"macros": {"new": {"args": {}}}}, False),
        ({"counters": {"posts": {"count": "post", "by": "user_id", "over": "params.window"}}}, True),
        ({"counters": {"posts": {"count": "post", "by": "user_id", "over": "window"}}}, False),
    ],
)
def test_the_json_schema_knows_the_sections(section: dict[str, Any], accepted: bool) -> None:
    assert jsonschema.Draft202012Validator(json_schema()).is_valid({"version": 1, **section}) is accepted


def test_units() -> None:
    assert [duration_ms(text) for text in ("90s", "1.5h", "2w", "5", "5 m", "5y")] == [
        90_000,
        5_400_000,
        1_209_600_000,
        None,
        None,
        None,
    ]
    assert size_bytes("10KB") == 10_000
    assert [duration_text(ms) for ms in (0, 999, 90_000, 86_400_000, 1_000_000_000, None)] == [
        "0ms", "999ms", "1.5m", "1d", "11.57d", None,
    ]  # fmt: skip
    assert size_text(1_500_000) == "1.5MB"
