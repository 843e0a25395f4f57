"""Two versions of a rulebook, told apart by their rules."""

from engine.rulebook.differences import differences

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
