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


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("7 days", "write: 7d"),
        ("last 2 hours", "write: 2h"),
        ("3 months", "write: 90d"),
        ("60", "with a unit: 60s, 60m or 60h"),
        ("soon", "for example 90s, 10m, 24h or 7d"),
        ("day", "windows slide: over: 1d; by the calendar, count `by: [user_id, day]`, with `values: {day: date(ts)}`"),
    ],
)
def test_a_duration_in_words_is_told_with_its_unit(written: str, hint: str) -> None:
    [error] = check_rulebook(
        {"rules.yaml": f"version: 1\ncounters: {{c: {{count: post, by: user_id, over: {written}}}}}\n"}
    )[1].errors
    assert error.hint == hint


def test_by_the_calendar_is_counted_as_the_hint_says() -> None:
    book = """
version: 1
fields: {amount: number}
values: {day: date(ts)}
counters: {today: {sum: amount, of: deposit, by: [user_id, day], over: 1d}}
rules:
  much:
    event: deposit
    when: [today > 10000]
    then: {flag: x}
    mode: shadow
    tests:
      - {send: {type: deposit, amount: 4000, ts: "2026-10-01T21:00:00Z"}, times: 3, every: 30m, fires_at: [3]}
      - {send: {type: deposit, amount: 4000, ts: "2026-10-01T23:00:00Z"}, times: 4, every: 30m, fires: never}
"""
    assert messages(book) == []
