"""What stands at a place of a rulebook's source, or what is wrong with it."""

import pytest

from engine.rulebook.compiler import check_rulebook

RULE = "r: {event: post, when: [event.n > 1], then: {limit: posting, for: 1h}}"


def messages(text: str) -> list[str]:
    return [one.message for one in check_rulebook({"rules.yaml": text})[1].errors]


@pytest.mark.parametrize(("lasts", "accepted"), [("3650d", True), ("87601h", False), ("1ms", True), ("0s", False)])
def test_a_duration_is_longer_than_nothing_and_at_most_ten_years(lasts: str, accepted: bool) -> None:
    found = messages(f"version: 1\nrules:\n  {RULE.replace('1h', lasts)}\n")
    assert (found == []) is accepted


def test_a_place_that_has_something_else_is_told_what_is_needed() -> None:
    assert messages("version: 1\nrules: {r: 7}\n") == ["rule `r` must be a mapping, this is `7`"]
    assert messages("version: 1\nfields: {a: txt}\n") == ["a field's type cannot be `txt`"]
