"""What other languages call otherwise: each name leads to words that this language really takes."""

import re

import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.diagnostics import Diagnostic
from engine.rulebook.language.elsewhere import _FUNCTIONS, _KEYS, _SPELT, function_hint, key_hint
from engine.rulebook.language.functions import FUNCTIONS
from engine.rulebook.language.rule_schema import RULE
from engine.rulebook.language.schema import COUNTER, MEMORY, SECTIONS, SEQUENCE, Shape

BOOK = """
version: 1
fields: {lat: number, lon: number, other_lat: number, other_lon: number, name: text, other: text, email: text, x: text,
  foreign: bool, amount: number, card: text, country: text}
lists: {words: {values: [spam]}, networks: {values: [10.0.0.0/8]}}
"""
NUMBERS = ("km(", "share(", "len(", "weekday(", "count(", "number(", "amount ")
TEXTS = ("mailbox(", "domain(", "lower(", "skeleton(", "extract(")


def errors_of(text: str) -> list[Diagnostic]:
    """What is wrong with a rulebook, warnings aside."""
    return check_rulebook({"r.yaml": text})[1].errors


def of_clause(written: str) -> str:
    """A rulebook whose rule asks just that."""
    if written.startswith(NUMBERS):
        written += " > 1"
    elif written.startswith(TEXTS):
        written += ' == "x"'
    return f"{BOOK}rules: {{r: {{event: post, when: ['{written}'], then: {{flag: x}}, mode: shadow}}}}\n"


@pytest.mark.parametrize("hint", sorted(set(_FUNCTIONS.values())))
def test_what_is_to_be_written_can_be_written(hint: str) -> None:
    if hint.startswith("write: "):
        clause = hint.removeprefix("write: ").split(", or ")[0]
        assert errors_of(of_clause(clause)) == []
        return
    declared = re.findall(r"`((?:fields|values|sequences|counters|params|marks|scores|enrich): .*?)`", hint)
    assert declared, hint
    rule = "rules: {r: {event: post, when: [foreign], then: {mark: watched}, mode: shadow}}"
    for section in declared:
        book = "version: 1\n" if section.startswith(("fields", "enrich")) else BOOK
        rules = rule if section.startswith("marks") else rule.replace("mark: watched", "flag: x")
        errors = errors_of(f"{book}{section}\n{rules if book == BOOK else ''}\n")
        assert [error for error in errors if "city.mmdb" not in error.message] == []


def test_names_that_the_language_has_are_not_among_them() -> None:
    assert not {name for names in _FUNCTIONS for name in names} & set(FUNCTIONS)


def test_each_name_leads_on_and_others_are_guessed() -> None:
    assert function_hint("normalize_email", FUNCTIONS) == "write: mailbox(email)"
    assert function_hint("Upper_Share", FUNCTIONS).startswith("write: share")
    assert function_hint("mailbx", FUNCTIONS) == 'did you mean "mailbox"?'
    assert function_hint("zzz", FUNCTIONS).startswith("functions: len")


def test_keys_lead_on_too() -> None:
    assert "tell" in key_hint("`then`", "message", ["tell"])
    assert key_hint("`then`", "rewiew", ["review"]) == 'did you mean "review"?'
    assert key_hint("rule `r`", "zz", ["when"]) == "rule `r` may have: when"
    assert set(_KEYS) == {"then"}
    assert key_hint("rule `r`", "action", RULE) == "what is done is `then: {review: account}`"
    assert key_hint("counter `c`", "Window", COUNTER) == "the window is `over: 1h`"
    assert key_hint("a rulebook file", "rule", SECTIONS) == "rules stand under `rules:`"


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("rule", RULE), ("counter", COUNTER), ("value", MEMORY), ("sequence", SEQUENCE), ("a rulebook file", SECTIONS)],
)
def test_keys_that_a_mapping_has_are_not_among_those_of_others(kind: str, shape: Shape) -> None:
    assert not _SPELT[kind].keys() & shape.keys()


def test_counting_by_what_a_function_gives_names_the_function() -> None:
    counted = f"{BOOK}counters: {{c: {{count: post, by: normalize_email(email), over: 1h}}}}\n"
    (error,) = errors_of(counted)
    assert error.hint == "write: mailbox(email), under a name in `values:`, and `by:` that name"


def test_what_stands_in_meta_is_sent_there() -> None:
    rule = "{event: post, when: [known(x)], then: {flag: x}, mode: shadow, expires: 2027-06-01}"
    (error,) = errors_of(f"{BOOK}rules: {{r: {rule}}}\n")
    assert (error.message, error.hint) == (
        'rule `r` has no key "expires"',
        "who, why and until when stand in `meta: {owner: spam, why: …, severity: high}`",
    )  # fmt: skip


def test_a_list_is_named_as_clauses_name_it() -> None:
    rule = "{event: post, when: [text in words], then: {flag: x}, mode: shadow}"
    assert [(error.message, error.hint) for error in errors_of(f"{BOOK}rules: {{r: {rule}}}\n")] == [
        ("a list is named with its section: lists.words", "write: in lists.words")
    ]


def test_tabs_are_told_apart_from_other_faults_of_yaml() -> None:
    (error,) = errors_of("version: 1\ncounters:\n\tposts_1m: {count: post, by: user_id, over: 1m}\n")
    assert error.hint is not None
    assert error.hint.endswith("indent with blanks, not with tabs")


def hints(text: str) -> list[str | None]:
    return [error.hint for error in errors_of(f"version: 1\n{text}\n")]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("fields: {a: string}", "write: text"),
        ("fields: {a: Timestamp}", "write: time"),
        ("fields: {a: {type: array}}", "write: list"),
        ("fields: {a: object}", "each part of it is a field: `plan: {type: text, from: profile.plan}`"),
        ("lists: {bad: [a, b]}", "write: {values: [a, b]}"),
        ("rules: [{event: post}]", "each has its name before it, and no `- `: `post_flood: {event: post, …}`"),
        ("counters: {c: {count: post, over: 1h}}",
         "for example `by: user_id`, or `by: [user_id, ip]`; for all events of a type together, `by: type`"),
        ("counters: {c: {count: post, by: 'ip, user_id', over: 1h}}", "several stand in a list: [ip, user_id]"),
        ("counters: {c: {count: post, by: global, over: 1h}}", "for all events of a type together: by: type"),
        ("counters: {c: {count: post, by: user_id, over: 1y}}", "write: 365d"),
        ("rules: {r: {event: post, when: [event.n > 1], then: {limit: posting, review: account}}}",
         "several stand in a list: [{limit: …}, {review: …}]"),
        ("rules: {r: {event: post, then: {flag: x}}}",
         "if it shall hold for each of its events, say so: `when: [true]`"),
    ],
)  # fmt: skip
def test_what_is_mostly_meant_is_told(text: str, hint: str) -> None:
    assert hints(text) == [hint]


def test_a_value_that_is_wrong_is_told_once_where_it_is_declared() -> None:
    text = "values: {band: zzz(user_id)}\ncounters: {c: {count: post, by: [user_id, band], over: 1h}}"
    assert len(hints(text)) == 1


@pytest.mark.parametrize("written", ["distinct card", "card", "all"])
def test_a_type_of_events_that_is_none_is_warned_of(written: str) -> None:
    text = f"version: 1\nfields: {{card: text}}\ncounters: {{c: {{count: {written}, by: user_id, over: 1h}}}}\n"
    [found] = check_rulebook({"r.yaml": text})[1].findings
    assert (found.severity, f"`{written}` is taken for a type of events" in found.message) == ("warning", True)
