"""A type of event that nothing else knows may be a slip of the pen."""

import pytest

from engine.rulebook.checks.event_types import is_a_slip_away
from engine.rulebook.compiler import check_rulebook

RULES = """
version: 1
clusters:
  ring: {of: CLUSTER, share: [device_id], within: 1h}
counters:
  a: {count: ONE, by: user_id, over: 1h}
  b: {count: OTHER, by: user_id, over: 1h}
rules:
  r:
    event: RULE
    when: [a > 3]
    then: {flag: x}
    mode: shadow
    tests: [{send: {type: SENT}, fires: never}]
"""


def hints(
    one: str, other: str, rule: str, sent: str = "unlike", cluster: str = "unlike"
) -> list[tuple[str, str | None, int]]:
    """What is told of types: the word, what is meant, and the line."""
    places = {"CLUSTER": cluster, "ONE": one, "OTHER": other, "RULE": rule, "SENT": sent}
    text = RULES
    for place, kind in places.items():
        text = text.replace(place, kind)
    _, diagnostics = check_rulebook({"rules.yaml": text})
    told = 'nothing else knows events of type "'
    return [
        (one.message.removeprefix(told)[:-1], one.hint, one.span.line)
        for one in diagnostics.findings
        if one.message.startswith(told)
    ]


@pytest.mark.parametrize(
    ("types", "told"),
    [
        (("psot", "post", "post"), [("psot", 'did you mean "post"?', 5)]),
        (("post", "post", "psot"), [("psot", 'did you mean "post"?', 9)]),
        (("psot", "comment", "post"), [("psot", 'did you mean "post"?', 5)]),
        (("post", "comment", "psot"), [("post", 'did you mean "psot"?', 5)]),
        (("post", "psot", "comment"), []),
        (("pst", "post", "post"), []),
        (("posts", "post", "post"), [("posts", 'did you mean "post"?', 5)]),
        (("posts", "[posts, post]", "post"), []),
        (("many", "any", "any"), [("many", 'did you mean "any"?', 5)]),
        (("any", "many", "many"), []),
        (("like", "post", "post"), []),
    ],
)
def test_a_type_that_stands_alone_beside_a_similar_one_is_told(
    types: tuple[str, str, str], told: list[tuple[str, str, int]]
) -> None:
    assert hints(*types) == told


def test_types_of_clusters_and_of_tests_are_looked_at_too() -> None:
    assert [one[:2] for one in hints("post", "post", "post", sent="pots")] == [("pots", 'did you mean "post"?')]
    assert [one[:2] for one in hints("post", "post", "post", cluster="pots")] == [("pots", 'did you mean "post"?')]


def test_of_several_the_one_that_is_used_most_is_meant() -> None:
    [found] = hints("posts", "[posts, post]", "posts", sent="post", cluster="posst")
    assert found[:2] == ("posst", 'did you mean "posts"?')


def test_a_type_of_a_cluster_or_a_test_is_not_taken_for_the_right_one() -> None:
    assert hints("post", "comment", "comment", cluster="psot") == []
    assert hints("post", "comment", "comment", sent="psot") == []


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("post", "pst", True),
        ("post", "posts", True),
        ("post", "pist", True),
        ("post", "psot", True),
        ("post", "pots", True),
        ("post", "opst", True),
        ("xpost", "post", True),
        ("posts", "pst", False),
        ("abxy", "cdxy", False),
        ("abcd", "bace", False),
        ("abcd", "axyd", False),
        ("post", "like", False),
    ],
)
def test_a_slip_is_one_letter_added_dropped_replaced_or_swapped(one: str, other: str, near: bool) -> None:
    assert is_a_slip_away(one, other) is near
    assert is_a_slip_away(other, one) is near
