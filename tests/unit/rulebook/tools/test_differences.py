"""Two versions of a rulebook, told apart by their rules."""

import pytest

from engine.rulebook.tools.differences import differences

BEFORE = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  links_1h: {sum: links, of: post, by: user_id, over: 1h}
rules:
  flood: {event: post, when: [posts_1m > 10, account_age < 7d], then: {limit: posting, for: 1h}}
  links: {event: post, when: [links_1h > 5], then: {hide: content}}
"""
AFTER = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
rules:
  flood: {event: post, when: [posts_1m > 100, account_age < 7d], then: {limit: posting, for: 2h}, mode: shadow}
  burst: {event: post, when: [posts_1m > 90], then: {flag: burst}}
"""


def told(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [str(one) for one in differences(before, after)]


def test_rules_are_told_and_not_lines() -> None:
    assert told({"rules.yaml": BEFORE}, {"other.yaml": AFTER}) == [
        "removed counter links_1h",
        "added rule burst",
        "changed rule flood\n"
        "  when: - posts_1m > 10, + posts_1m > 100\n"
        "  then: {limit: posting, for: 1h} → {limit: posting, for: 2h}\n"
        "  mode: nothing → shadow",
        "removed rule links",
    ]


def test_files_of_lists_are_told_by_their_entries() -> None:
    before = {"lists/trusted.txt": "a.io\nb.io\n"}
    assert told(before, {"lists/trusted.txt": "b.io\nc.io"}) == ["changed file lists/trusted.txt\n  - a.io, + c.io"]


def test_a_moved_rule_is_no_difference() -> None:
    assert told({"a.yaml": BEFORE}, {"b.yaml": "# a comment\n" + BEFORE}) == []


def changed(before: str, after: str) -> list[str]:
    """The details of the one thing that has changed, from one value of a counter's key to another."""
    text = "version: 1\ncounters:\n  c: {value}\n"
    [line, *details] = told({"r.yaml": text.format(value=before)}, {"r.yaml": text.format(value=after)})[0].split("\n")
    assert line == "changed counter c"
    return [one.strip() for one in details]


@pytest.mark.parametrize(
    ("before", "after", "details"),
    [
        ("a", "b", ["a → b"]),
        ("true", "false", ["true → false"]),
        ("a", "[b]", ["a → [b]"]),
        ("[b, c]", "a", ["[b, c] → a"]),
        ("{x: 1}", "a", ["{x: 1} → a"]),
        ("a", "{x: 1, y: [2]}", ["a → {x: 1, y: [2]}"]),
        ("{x: 1, y: 2}", "{y: 3, z: 4}", ["x: 1 → nothing", "y: 2 → 3", "z: nothing → 4"]),
        ("[a, b]", "[b, a]", ["in another order"]),
        ("[a, 1]", "[a, 2]", ["- 1, + 2"]),
        ("[{x: 1}, {x: 2}]", "[{x: 2}, {x: 3}]", ["- {x: 1}, + {x: 3}"]),
        ("[1, a]", "[a, b]", ["- 1, + b"]),
        ("[a, b, c, d, e]", "[f]", ["- a, - b, - c, - d, - e, + f"]),
        ("[a, b, c, d, e, f]", "[g]", ["- a, - b, - c, - d, - e, + g, and 1 more"]),
        ("[a, b, c, d, e, f]", "[g, h, i, j, k, l, m]",
         ["- a, - b, - c, - d, - e, + g, + h, + i, + j, + k, and 3 more"]),
    ],
)  # fmt: skip
def test_a_change_is_told_in_short(before: str, after: str, details: list[str]) -> None:
    assert changed(before, after) == details


def test_what_is_no_rulebook_has_no_differences() -> None:
    assert told({"a.yaml": "- 5", "b.yml": ""}, {"a.yaml": "version: 1\nrules: 5", "b.yml": "rules: {"}) == []
    assert told({"a.yaml": "rules: {r: }"}, {"a.yaml": ""}) == ["removed rule r"]
