"""What people write who know another language: each gets the sentence that leads on."""

import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.slips import find_slip, is_open

SLIPS = {
    "text contains 'a'": 'write: "word" in text',
    "posts_1m = 5": "write: ==",
    "posts_1m => 5": "write: >= or <=",
    "posts_1m =< 5": "write: >= or <=",
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
}


@pytest.mark.parametrize("clause", SLIPS)
def test_a_slip_is_named(clause: str) -> None:
    found = find_slip(clause)
    assert found is not None
    assert found.hint == SLIPS[clause]


@pytest.mark.parametrize(
    "clause",
    ['text matches "a = b && !c 50% AND"', "posts_1m >= 5", "a != 3", "x <= 4 and not y", '"contains" in text',
     "x in lists.contains", "known(x)"],
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


def test_brackets_and_quotes_are_counted_outside_of_texts() -> None:
    assert is_open("min(a") and is_open('text matches "a') and is_open("x in [1")
    assert not is_open('text matches "(a"') and not is_open("min(a, b) > 3")
