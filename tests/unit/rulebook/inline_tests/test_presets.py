"""Tests of rules may begin in the middle."""

import pytest

from engine.rulebook.compiler import check_rulebook

RULES = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  posts_1h: {count: post, by: user_id, over: 1h}
  targets_1h: {distinct: target_id, of: post, by: user_id, over: 1h}
  spent_1d: {sum: event.amount, of: post, by: user_id, over: 1d}
  on_device: {distinct: user_id, of: post, by: device_id, over: 1h}
  busy: {count: post, by: device_id, over: 1h, approx: true}
  crowd: {distinct: user_id, of: post, by: device_id, over: 2h, approx: true}
  usual: {mean: event.amount, of: post, by: user_id, over: 1d}
  often: {distinct: target_id, of: post, by: user_id, over: 1h, having: {at_least: 2}}
  posts_before_1h: {count: post, by: user_id, over: 1h, before: true}
rules:
  r:
    event: post
    when: [CLAUSE]
    then: {flag: x}
    tests:
      - {send: {type: post, device_id: d, target_id: t, amount: 5}, times: 3, fires_at: [FIRES], state: STATE}
"""


def errors(clause: str, fires: str, state: str) -> list[str]:
    text = RULES.replace("CLAUSE", clause).replace("FIRES", fires).replace("STATE", state)
    _, found = check_rulebook({"rules.yaml": text})
    return [str(one) for one in found.errors]


@pytest.mark.parametrize(
    ("clause", "fires", "state"),
    [
        ("posts_1m > 10", "2, 3", "{posts_1m: 9}"),
        ("posts_1h > 40", "1, 2, 3", "{posts_1h: 40}"),
        ("posts_before_1h == 9", "1", "{posts_before_1h: 9}"),
        ("posts_1h == 42, posts_1m == 7", "2", "{posts_1m: 5, posts_1h: 40}"),
        ("targets_1h == 8", "1, 2, 3", "{targets_1h: 7}"),
        ("spent_1d > 910", "3", "{spent_1d: 900}"),
        ("on_device == 5", "1, 2, 3", "{on_device: 4}"),
        ("busy > 21", "2, 3", "{busy: 20}"),
        ("crowd == 31", "1, 2, 3", "{crowd: 30}"),
        ("posts_1m > 0", "1, 2, 3", "{posts_1m: 0}"),
        ("posts_1h > 32", "1, 2, 3", "{posts_1h: 33}"),
        ("spent_1d > 15", "3", "{spent_1d: 0.5}"),
        ("posts_1h == 10, posts_1m == 6", "1", "{posts_1m: 5, posts_1h: 9}"),
        ("posts_1h == 10, posts_1m == 10", "1", "{posts_1m: 9, posts_1h: 9}"),
    ],
)
def test_counters_begin_as_the_test_says(clause: str, fires: str, state: str) -> None:
    assert errors(clause, fires, state) == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("many", "`state` maps counters to numbers"),
        ("{posts: 3}", "there is no counter `posts`"),
        ("{posts_1m: some}", "`posts_1m` is a whole number"),
        ("{posts_1m: 5000}", "`posts_1m` keeps at most"),
        ("{posts_1m: 9, posts_1h: 3}", "their numbers do not get smaller"),
        ("{posts_1m: -1}", "`posts_1m` is a whole number, not -1"),
        ("{posts_1m: 1.5}", "`posts_1m` is a whole number, not 1.5"),
        ("{spent_1d: -1}", "`spent_1d` is an amount, not -1"),
        ("{posts_1m: true}", "`posts_1m` is a whole number, not True"),
        ("{usual: 3}", "`usual` needs events to be about: send them with `given`"),
        ("{often: 3}", "`often` needs events to be about"),
        ("{targets_1h: 33}", "`targets_1h` keeps at most 32 entries"),
    ],
)
def test_what_cannot_be_is_told(state: str, said: str) -> None:
    (error,) = errors("posts_1m > 10", "1", state)
    assert said in error


def test_the_most_that_is_kept_may_be_there_before() -> None:
    assert errors("busy > 99", "", "{targets_1h: 32}") == []


@pytest.mark.parametrize(
    ("clause", "every", "fires"),
    [
        ("busy > 20", "29m", "1, 2, 3"),
        ("busy > 20", "40m", "1, 2"),
        ("crowd > 29", "59m", "1, 2, 3"),
        ("posts_1h > 20", "29m", "1, 2, 3"),
        ("posts_1h > 20", "31m", "1, 2"),
        ("targets_1h > 20", "29m", "1, 2, 3"),
    ],
)
def test_what_was_there_before_stays_as_long_as_a_window_is(clause: str, every: str, fires: str) -> None:
    name = clause.partition(" ")[0]
    text = RULES.replace("times: 3", f"times: 3, every: {every}").replace("CLAUSE", clause).replace("FIRES", fires)
    _, found = check_rulebook({"rules.yaml": text.replace("STATE", f"{{{name}: 30}}")})
    assert [one.message for one in found.errors] == []


def test_a_sum_of_sizes_begins_with_a_size() -> None:
    text = """
version: 1
fields: {sent: {type: size, unit: B}}
counters: {sent_1h: {sum: sent, of: upload, by: user_id, over: 1h}}
rules:
  r:
    event: upload
    when: [sent_1h > 5GB]
    then: {flag: x, tell: "{sent_1h} of 5GB"}
    mode: shadow
    tests:
      - {send: {type: upload, sent: 2GB}, state: {sent_1h: STATE}, fires: always, acts: {flag: x, tell: 6GB of 5GB}}
"""
    told = {
        state: [one.message for one in check_rulebook({"r.yaml": text.replace("STATE", state)})[1].errors]
        for state in ("4GB", "4000000000", "4d")
    }
    assert told == {"4GB": [], "4000000000": [], "4d": ["`sent_1h` is an amount, not '4d'"]}
