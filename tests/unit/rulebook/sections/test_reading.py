"""The sections of rulebook files: names, fields, derived values and lists, and what is said of wrong ones."""

import pytest

from engine.core.domain.events import Event
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.rulebook.language.diagnostics import Diagnostic, Diagnostics
from engine.rulebook.sections.reading import named_files, read_declarations

BASE = """
version: 1
counters:
  posts: {count: post, by: user_id, over: 1h}
  rough: {count: post, by: user_id, over: 1h, approx: true}
  spent: {sum: event.n, of: post, by: user_id, over: 1h}
"""


def found(text: str, **files: str) -> list[Diagnostic]:
    lists = {f"lists/{name}.txt": content for name, content in files.items()}
    return check_rulebook({"rules.yaml": text, **lists})[1].findings


def messages(text: str, **files: str) -> list[str]:
    return [one.message for one in found(text, **files)]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("lists:", None),
        ("lists: {}", None),
        ("lists: 5", "`lists` must be a mapping of names, this is `5`"),
        ("lists: []", "`lists` must be a mapping of names, this is a list"),
        ("lists: [a]", "`lists` must be a mapping of names, this is a list"),
    ],
)
def test_a_section_is_a_mapping_or_nothing(section: str, told: str | None) -> None:
    assert messages(f"version: 1\n{section}\n") == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("version", "told"),
    [("1", None), ("2", "not `2`"), ("'1'", "not `1`"), ("1.0", "not `1.0`"), ("true", "not `true`")],
)
def test_the_version_is_the_one_that_is_read(version: str, told: str | None) -> None:
    assert messages(f"version: {version}\n") == ([] if told is None else [f"this engine reads version 1, {told}"])


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("text: text", None),
        ("url: {type: text, from: link}", None),
        ("text: number", "`text` has a fixed meaning and needs no declaration"),
        ("user_id: text", "`user_id` has a fixed meaning and needs no declaration"),
        ("ts: number", "`ts` has a fixed meaning and needs no declaration"),
        ("ts: text", "`ts` has a fixed meaning and needs no declaration"),
        ("url_domain: text", "`url_domain` has a fixed meaning"),
        ("clock_skew: number", "`clock_skew` has a fixed meaning"),
        ("lists: text", '"lists" cannot be a name'),
        ("Big: text", '"Big" cannot be a name'),
        ("n: {type: number, written_as: text}", None),
        ("n: {type: duration, unit: s, written_as: text}", None),
        ("n: {type: bool, written_as: text}", "`written_as` goes with numbers, `n` is a bool"),
        ("n: {type: number, written_as: words}", "`written_as` cannot be `words`"),
        ("n: {type: duration, unit: years}", "field `n` is a duration and needs `unit`"),
        ("n: {type: size}", "field `n` is a size and needs `unit`"),
        ("n: {type: text, unit: s}", "a text has no unit"),
        ("n: {type: number, from: a b}", "`from` is one dotted path, this is `a b`"),
        ("n: {from: a.b}", "field `n` needs `type`: what clauses may do with it"),
    ],
)
def test_a_field_is_what_its_name_and_type_allow(declared: str, told: str | None) -> None:
    assert messages(f"version: 1\nfields:\n  {declared}\n")[:1] == ([] if told is None else [told])


def test_a_field_is_as_it_is_declared() -> None:
    text = "version: 1\nfields: {a: {type: duration, unit: h, from: x.y, written_as: text}, b: number}\n"
    fields = read_declarations({"rules.yaml": text}, Diagnostics({})).fields
    assert (fields["a"].type, fields["a"].path, fields["a"].factor, fields["a"].is_spelt) == (
        "duration", "x.y", 3_600_000, True,
    )  # fmt: skip
    assert (fields["b"].type, fields["b"].path, fields["b"].factor, fields["b"].is_spelt) == ("number", "b", 1, False)


@pytest.mark.parametrize(
    ("at_least", "told"),
    [
        ("0", None),
        ("0.5", None),
        ("999", None),
        ("1000", "`posts` never counts to 1000"),
        ("-1", "`at_least` is a number, 0 or more"),
        ("many", "`at_least` is a number, 0 or more"),
        ("true", "`at_least` is a number, 0 or more"),
    ],
)
def test_a_ratio_can_reach_its_least(at_least: str, told: str | None) -> None:
    assert messages(f"{BASE}derived:\n  d: {{ratio: [spent, posts], at_least: {at_least}}}\n") == (
        [] if told is None else [told]
    )


@pytest.mark.parametrize("denominator", ["rough", "spent", "event.n"])
def test_what_has_no_cap_may_be_as_large_as_a_number_can_be(denominator: str) -> None:
    text = f"{BASE}derived:\n  d: {{ratio: [posts, {denominator}], at_least: LEAST}}\n"
    assert messages(text.replace("LEAST", "999999999999999")) == []
    assert messages(text.replace("LEAST", "1000000000000000")) == ["`at_least` is a number, 0 or more"]


@pytest.mark.parametrize(
    ("ratio", "told"),
    [
        ("[posts, spent]", None),
        ("[event.a, event.b]", None),
        ("[posts]", "`ratio` is a list of two names: [numerator, denominator]"),
        ("[posts, posts, posts]", "`ratio` is a list of two names: [numerator, denominator]"),
        ("posts", "`ratio` is a list of two names: [numerator, denominator]"),
        ("[posts, text]", "a ratio needs numbers, `text` is a text"),
        ("[text, posts]", "a ratio needs numbers, `text` is a text"),
        ("[posts, nothing_such]", 'unknown name "nothing_such"'),
        ("[posts, d]", '"d" is defined by itself'),
    ],
)
def test_a_ratio_is_of_two_numbers(ratio: str, told: str | None) -> None:
    assert messages(f"{BASE}derived:\n  d: {{ratio: {ratio}}}\n") == ([] if told is None else [told])


def test_derived_values_stand_on_each_other_four_deep() -> None:
    chain = "derived:\n  d0: posts\n" + "".join(f"  d{place}: d{place - 1} + 1\n" for place in range(1, 4))
    assert messages(BASE + chain) == []
    told = ["derived values stand on each other at most 4 deep"]
    assert messages(BASE + chain + "  d4: d3 + 1\n") == told
    assert messages(BASE + chain + "  d4: {ratio: [posts, d3]}\n") == told
    assert messages(BASE + chain + "  d4: {ratio: [d2, posts]}\n") == []


@pytest.mark.parametrize(
    ("derived", "told"),
    [
        ("d:", "an expression is needed here, this is nothing"),
        ("d: null", "an expression is needed here, this is nothing"),
        ("d: [a]", "an expression is needed here, this is a list"),
        ("d: event.n", None),
        ("d: later + 1\n  later: posts", '"later" is declared further down'),
        ("d: posts\n  d: posts", "`d` is here twice, first on line 8"),
        ("posts: spent", '"posts" is declared twice, first in rules.yaml:4'),
    ],
)
def test_a_derived_value_is_an_expression(derived: str, told: str | None) -> None:
    assert messages(f"{BASE}derived:\n  {derived}\n") == ([] if told is None else [told])


def test_what_is_undeclared_is_derived_as_a_number() -> None:
    rule = "derived:\n  d: event.n\nrules:\n  r: {event: post, when: [d > 1], then: {flag: x}}\n"
    book = load_rulebook({"rules.yaml": BASE + rule})
    for value, expected in ((2, True), ("2", False)):
        event = Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", "n": value})
        assert any(decision.hits for decision in ExampleStage(book, {}).send(event)) is expected


@pytest.mark.parametrize(
    ("declared", "entries"),
    [
        ("{values: [a, b]}", {"a", "b"}),
        ("{values: a}", {"a"}),
        ("{file: lists/l.txt}", {"x", "y z"}),
        ("{file: lists/l.txt, values: [a]}", {"x", "y z", "a"}),
        ("{live: true}", set()),
        ("{live: true, values: [a]}", {"a"}),
    ],
)
def test_a_list_has_what_it_names(declared: str, entries: set[str]) -> None:
    sources = {"rules.yaml": f"version: 1\nlists:\n  l: {declared}\n", "lists/l.txt": "x # one\n\n# two\ny z\nx\n"}
    made = read_declarations(sources, Diagnostics(sources))
    assert made.diagnostics.findings == []
    assert made.lists["l"] == entries
    assert ("l" in made.live) is ("live" in declared)


JOINED = "\ufeffanna\r\n\ufeffben # her\n\u00a0c d\u200b\n\u200f#x\x00\n"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("{values: ['', a]}", ["an entry is needed here, this is ``"]),
        ("{values: [5, a]}", ["an entry is needed here, this is `5`"]),
        ("{}", ["list `l` needs `file`, `values` or `live`"]),
        ("{live: maybe}", ["`live` is true, this is `maybe`"]),
        ("{live: false}", ["`live` is true, this is `false`"]),
        ("{file: lists/m.txt}", ["there is no file lists/m.txt in this rulebook"]),
        ("{file: lists/empty.txt}", ["list `l` is empty: nothing is in it"]),
        ("{file: lists/empty.txt, live: true}", []),
        ("{file: lists/tagged.txt}", ["`#promo` is a comment here, not an entry"]),
        ("{file: lists/quoted.txt}", ["quotation marks and commas are a part of entries here"]),
        ("{file: lists/joined.txt}", []),
    ],
)
def test_a_list_that_is_not_as_meant_is_told(declared: str, told: list[str]) -> None:
    text = f"version: 1\nlists:\n  l: {declared}\n"
    assert (
        messages(
            text,
            l="x\n",
            empty="# nothing\n",
            tagged="#promo\n# a comment\nx\n",
            quoted="'a',\n\"b\"\nc,\n",
            joined=JOINED,
        )
        == told
    )


def test_what_cannot_be_seen_is_no_part_of_an_entry() -> None:
    sources = {"rules.yaml": "version: 1\nlists:\n  l: {file: l.txt}\n", "l.txt": JOINED}
    assert read_declarations(sources, Diagnostics({})).lists["l"] == {"anna", "ben", "c d", "#x"}


def test_nothing_but_texts_is_an_entry() -> None:
    made = read_declarations({"rules.yaml": "version: 1\nlists:\n  l: {values: ['', 5, a, '5']}\n"}, Diagnostics({}))
    assert made.lists["l"] == {"a", "5"}


def test_the_place_of_an_entry_is_its_line() -> None:
    sources = {"rules.yaml": "version: 1\nlists:\n  l: {file: l.txt}\n", "l.txt": "# one\n  abc # two\n"}
    place = read_declarations(sources, Diagnostics(sources)).entry_spans["l"]["abc"]
    assert (place.file, place.line, place.column, place.width) == ("l.txt", 1, 2, 3)


def test_the_files_of_lists_are_found_beside_the_rulebook() -> None:
    text = "lists:\n  a: {file: l/a.txt}\n  b: {values: [x]}\n  c: {file: }\n  d: {file: ../d.txt}\n  e: 5\n"
    assert named_files("sub/rules.yaml", text) == ["sub/l/a.txt", "sub/../d.txt"]
    assert named_files("rules.yaml", "lists: 5\n") == []
    assert named_files("rules.yaml", "version: 1\n") == []
    assert named_files("rules.yaml", "") == []


def test_files_are_read_in_the_order_of_their_names_and_nothing_but_yaml() -> None:
    sources = {"b.yaml": BASE, "a.yml": "version: 1\nfields: {n: number}\n", "notes.txt": "counters: {c: 5}\n"}
    made = read_declarations(sources, Diagnostics(sources))
    assert made.diagnostics.findings == []
    assert "n" in made.fields
    assert set(made.counters) == {"posts", "rough", "spent"}
