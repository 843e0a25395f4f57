"""Tests of rules may begin with what is remembered."""

import pytest

from engine.rulebook.compiler import check_rulebook

RULES = """
version: 1
fields: {country: text, amount: number, wait: {type: duration, unit: s}}
values:
  last_country: {last: country, of: post, by: user_id, keep: 90d}
  home: {first: country, of: post, by: user_id, keep: 90d}
  last_wait: {last: wait, of: post, by: user_id, keep: 90d}
  idle: {age: last, of: post, by: user_id, keep: 90d}
  device_age: {age: first, of: post, by: device_id, keep: 90d}
  device_new: {new: post, by: device_id, keep: 90d}
rules:
  r:
    event: post
    when: [CLAUSE]
    then: {flag: x}
    mode: shadow
    tests:
      - {send: {type: post, device_id: d, country: FR}, times: 2, every: 1d, fires_at: [FIRES], state: STATE}
"""


def errors(clause: str, fires: str, state: str) -> list[str]:
    text = RULES.replace("CLAUSE", clause).replace("FIRES", fires).replace("STATE", state)
    _, found = check_rulebook({"rules.yaml": text})
    return [str(one) for one in found.errors]


@pytest.mark.parametrize(
    ("clause", "fires", "state"),
    [
        ("country != last_country", "1", "{last_country: DE}"),
        ("country != home", "1, 2", "{home: DE}"),
        ("last_wait == 3s", "1, 2", "{last_wait: 3s}"),
        ("idle >= 20d", "1", "{idle: 20d}"),
        ("device_age >= 20d", "1, 2", "{device_age: 20d}"),
        ("device_age == 21d", "2", "{device_age: 20d}"),
        ("not device_new", "1, 2", "{device_new: false}"),
        ("device_new", "1", "{device_new: true}"),
    ],
)
def test_values_begin_as_the_test_says(clause: str, fires: str, state: str) -> None:
    assert errors(clause, fires, state) == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("{last_country: 5}", "`last_country` is a text, not 5"),
        ("{idle: 5}", "`idle` is a duration, not 5"),
        ("{idle: 91d}", "`idle` remembers 90d, not 91d"),
        ("{device_new: maybe}", "`device_new` is a bool, not 'maybe'"),
        ("{contry: DE}", "there is no counter `contry`"),
    ],
)
def test_what_nothing_can_remember_is_said(state: str, said: str) -> None:
    assert any(said in error for error in errors("idle > 1d", "1", state)), errors("idle > 1d", "1", state)
