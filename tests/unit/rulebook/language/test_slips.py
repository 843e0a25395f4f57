"""What people write who know another language: each gets the sentence that leads on."""

import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.slips import (
    _BEFORE,
    _COUNTED,
    _SEGMENTS,
    _UNITS,
    ends_early,
    find_slip,
    is_open,
)

SLIPS = {
    "text contains 'a'": 'write: "word" in text',
    "posts_1m = 5": "write: ==",
    "posts_1m =< 5": "write: <= or >=",
    "posts_1m > 5 && posts_1m < 9": "write: and",
    "posts_1m > 5 || posts_1m < 9": "write: or",
    "!verified": "write: not",
    "posts_1m <> 5": "write: !=",
    "posts_1m === 5": "write: == or !=",
    "share > 50%": "50% is 0.5",
    "posts_1m > 5 AND posts_1m < 9": "write: and, or, not, in",
    "text like 'x'": 'write: text matches "pattern"',
    "text =~ 'x'": 'write: text matches "pattern"',
    "text starts with 'x'": 'write: starts_with(text, "word")',
    "text ends_with 'x'": 'write: ends_with(text, "word")',
    "any_of(tags) in lists.bad": "write: mentions in lists.protected",
    "share >= 50% and posts_1m > 5": "50% is 0.5",
    "posts_1m between 1 and 5": "write: 1 <= x <= 5",
    "text is null": "write: known(x) or not known(x)",
    "text != null": "write: known(x) or not known(x)",
    "verified is true": "write: == or !=",
    ":card_country: != :ip_country:": "write: card_country != ip_country",
    "posts_1m => 5": "write: <= or >=",
    "x := 5": "write it under `values:` or `derived:`, and use the name here",
    "text ~ 'x'": 'write: text matches "pattern", or not x',
    "COUNT(*) OVER (PARTITION BY user_id) > 5": _COUNTED,
    "COUNT(DISTINCT ip) > 5": _COUNTED,
    "posts > 5 per hour": _COUNTED,
    "posts last 1h > 5": _COUNTED,
    "a XOR b": "write: (a or b) and not (a and b)",
    "a > 5; b > 5": "put each on a line of its own, with `- ` before it",
    "country not_in ['a']": "write: not in",
    "amount gt 5": "write: > >= < <= == !=",
    "text eq 'x'": "write: > >= < <= == !=",
    "text has 'x'": 'write: "word" in text, or contains_any(text, lists.words)',
    "text regex 'x'": 'write: text matches "pattern"',
    "text matches /x/i": 'write: text matches "(?i)pattern"',
    "age < 7 days": _UNITS,
    "age < 1 month": _UNITS,
    "amount > $100": "write: amount > 100",
    "amount > 100 USD": "write: amount > 100",
    "amount > 1,000": "write 1000 or 1_000",
    "country changed": _BEFORE,
    "country != previous country": _BEFORE,
    "country in @bad": "write: country in lists.blocked",
    "amount > 5 ? true : false": _SEGMENTS,
    "true if amount > 5 else false": _SEGMENTS,
    "event['accept-language'] == 'x'": "fields: {accept_language: {type: text, from: headers.accept-language}}",
    "card[:6] == 'x'": 'write: extract(card, "^.{6}") for the beginning of a text, "x" in tags for an item',
    "text.lower() == 'x'": "write: lower(text)",
    "amount ** 2 > 4": "write: x * x",
    "amount // 100 > 4": "write: (x - x % 100) / 100",
}


@pytest.mark.parametrize("clause", SLIPS)
def test_a_slip_is_named(clause: str) -> None:
    found = find_slip(clause)
    assert found is not None
    assert found.hint == SLIPS[clause]


@pytest.mark.parametrize(
    "clause",
    ['text matches "a = b && !c 50% AND"', "posts_1m >= 5", "a != 3", "x <= 4 and not y", '"contains" in text',
     "x in lists.contains", "known(x)", "status in [401, 403]", "x in[1, 2]", "max(1, 200) > 3", "amount > 1, 200",
     "not has", "a and has", "last > 5", "per > 5 and previous > 3", "le < 5", "params.x > 3 or ge",
     "event.a-event.b > 3",
     "changed", "not changed", "score.spam > 0.5", "table.column == 3", "7d < age", "a % 100 == 0", "event.x.y in z",
     "share(a, b)", "x % (y + 1) > 3", "starts_with(a.b, c)"],
)  # fmt: skip
def test_what_is_right_is_none(clause: str) -> None:
    assert find_slip(clause) is None


def written(clause: str) -> str:
    return f"version: 1\nrules:\n  r:\n    event: post\n    when:\n      - {clause}\n    then: {{flag: x}}\n"


def test_the_place_of_a_slip_is_told() -> None:
    _, diagnostics = check_rulebook({"r.yaml": written("len(text) > 5 && len(text) < 9")})
    assert [(one.span.line, one.span.column, one.span.width) for one in diagnostics.errors] == [(5, 22, 2)]


@pytest.mark.parametrize("when", ["[min(len(text), 3) > 3, len(text) > 1]", "[max(1, len(text)) > 3]"])
def test_a_clause_that_yaml_has_cut_at_a_comma_is_told_once(when: str) -> None:
    _, diagnostics = check_rulebook(
        {"r.yaml": f"version: 1\nrules:\n  r: {{event: post, when: {when}, then: {{flag: x}}}}\n"}
    )
    assert [one.message for one in diagnostics.errors] == [
        "this clause is cut off at a comma: between [ and ] YAML begins the next item there"
    ]


def test_a_colon_and_a_hash_that_yaml_has_taken_are_told() -> None:
    for clause, told in (('text matches "x: y"', "colon"), ('text matches "a #1"', "comment")):
        _, diagnostics = check_rulebook({"r.yaml": written(clause)})
        [error] = diagnostics.errors
        assert told in error.message
        assert error.hint is not None
        assert "single quotes" in error.hint


def test_what_needs_something_behind_it_ends_early() -> None:
    assert all(map(ends_early, ("a and", "a > ", "a in", "a +", "f(a,", "a matches")))
    assert not any(map(ends_early, ("a", 'a matches "x"', "band", "a > 5", "f(a)")))


def test_brackets_and_quotes_are_counted_outside_of_texts() -> None:
    assert is_open("min(a") and is_open('text matches "a') and is_open("x in [1")
    assert not is_open('text matches "(a"') and not is_open("min(a, b) > 3")
