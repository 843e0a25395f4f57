"""Where something hangs: pairs without an order, and what is read at somebody else."""

from unittest.mock import ANY

import pytest

from engine.rulebook.checks.requirements import Requirements
from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
fields: {amount: number, friend: text, cc: list, flag: bool}
clusters:
  ring: {of: post, share: [device_id], within: 1h}
lists:
  shops: {values: [shop]}
counters:
  c: {COUNTER}
rules:
  asks: {event: post, when: [c >= 1], then: {flag: post}, mode: shadow}
"""


def errors(counter: str) -> list[tuple[str, str | None]]:
    _, diagnostics = check_rulebook({"r.yaml": RULES.replace("{COUNTER}", counter)})
    return [(one.message, one.hint) for one in diagnostics.errors]


@pytest.mark.parametrize(
    ("counter", "at"),
    [
        ("{count: post, by: target_id, over: 1h, read_by: user_id}", "target_id|user_id"),
        ("{count: post, by: target_id, over: 1h, read_by: [friend]}", "target_id|friend"),
        ("{count: post, by: event.user_id, over: 1h, read_by: target_id}", "event.user_id|target_id"),
        ("{count: post, by: cc, over: 1h, read_by: user_id}", "cc|user_id"),
        ("{count: post, by: [user_id, target_id], over: 1h, read_by: [target_id, user_id]}",
         "target_id+user_id|user_id+target_id"),
        ("{count: post, by: [user_id, url_domain], over: 1h, read_by: [friend, url_domain]}",
         "url_domain+user_id|url_domain+friend"),
        ("{count: post, by: target_id, over: 1h, read_by: user_id, except: lists.shops, max_keys: 9}",
         "target_id|user_id"),
        ("{distinct: device_id, of: post, by: target_id, over: 1h, read_by: user_id, having: {at_least: 2}}",
         "target_id|user_id"),
        ("{mean: amount, of: post, by: target_id, over: 1h, read_by: user_id, at_least: 2}", "target_id|user_id"),
        ("{count: post, by: {pair: [user_id, target_id]}, over: 1h}", "pair:target_id+user_id"),
        ("{distinct: user_id, of: post, by: {pair: [user_id, target_id]}, over: 1h}", "pair:target_id+user_id"),
    ],
)  # fmt: skip
def test_a_counter_is_read_where_it_says(counter: str, at: str) -> None:
    assert errors(counter) == []
    made = load_rulebook({"r.yaml": RULES.replace("{COUNTER}", counter)})
    assert made.counters["c"].read_at == at
    assert at in made.kinds()


@pytest.mark.parametrize(
    ("counter", "said", "hint"),
    [
        ("{count: post, by: user_id, over: 1h, read_by: target_id}",
         "what is counted `by: user_id` stands beside the user's own events, and only these read it",
         "write `by: event.user_id`"),
        ("{count: post, by: target_id, over: 1h, read_by: target_id}", "it is read there anyway",
         "leave `read_by` out"),
        ("{count: post, by: [user_id, target_id], over: 1h, read_by: [user_id, target_id]}",
         "it is read there anyway", "leave `read_by` out"),
        ("{count: post, by: [user_id, target_id], over: 1h, read_by: target_id}",
         "`read_by` names one field for each part of `by`: 2, not 1", None),
        ("{count: post, by: target_id, over: 1h, read_by: usr_id}",
         'nothing can be counted by "usr_id"', 'did you mean "user_id"?'),
        ("{count: post, by: target_id, over: 1h, read_by: flag}", 'nothing can be counted by "flag"', ANY),
        ("{count: post, by: url_domain, over: 1h, read_by: friend}",
         "url_domain, ip_prefix, text, image, video: `read_by` has these where `by` has the same, and nowhere else",
         "name fields in both"),
        ("{count: post, by: target_id, over: 1h, read_by: user_id, before: true}",
         "`before` goes without `read_by`: the event that is being decided is counted at somebody else",
         "leave `before` out"),
        ("{distinct: user_id, by: ring, over: 1h, read_by: friend}",
         "by a cluster, members are counted and nothing else", ANY),
        ("{count: post, by: target_id, over: 1h, read_by: {pair: [user_id, friend]}}", ANY, None),
        ("{count: post, by: {pair: [user_id, target_id]}, over: 1h, read_by: [target_id, user_id]}",
         "a pair is the same from both sides: `read_by` goes with `by: [a, b]`", None),
        ("{count: post, by: {pair: [user_id]}, over: 1h}", "a pair is of two fields", "{pair: [user_id, target_id]}"),
        ("{count: post, by: {pair: user_id}, over: 1h}", "a pair is of two fields", ANY),
        ("{count: post, by: {pair: [user_id, url_domain]}, over: 1h}", "a pair is of two fields", ANY),
        ("{count: post, by: {pair: [user_id, ring]}, over: 1h}", "a cluster stands alone in `by`", None),
        ("{count: post, by: {pair: [a, b]}, over: 1h}", 'nothing can be counted by "a"', ANY),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_once(counter: str, said: str, hint: str | None) -> None:
    ((message, told),) = errors(counter)
    assert said in (ANY, message)
    assert hint in (ANY, told)


def test_those_who_came_before_are_not_found_at_somebody_else() -> None:
    text = RULES.replace("{COUNTER}", "{count: post, by: target_id, over: 1h, read_by: user_id}")
    _, diagnostics = check_rulebook({"r.yaml": text.replace("{flag: post}", "{flag: p, also: earlier, lookback: 1h}")})
    assert [one.message for one in diagnostics.errors] == [
        "`also: earlier` cannot use counters with `read_by`: who came before was counted at somebody else"
    ]


def test_who_reads_makes_no_other_series_and_another_rule() -> None:
    counted = "{count: post, by: [user_id, target_id], over: 1h%s}"
    read = [
        load_rulebook({"r.yaml": RULES.replace("{COUNTER}", counted % more)})
        for more in ("", ", read_by: [target_id, user_id]", ", read_by: [target_id, friend]")
    ]
    assert len({made.counters["c"].series_key for made in read}) == 1
    assert len({made.rules[0].fingerprint for made in read}) == 3


def test_a_pair_stands_wherever_an_entity_may() -> None:
    rulebook = load_rulebook({"r.yaml": """
version: 1
values:
  met: {new: message, by: {pair: [user_id, target_id]}, keep: 30d}
marks:
  noisy: {by: {pair: [user_id, target_id]}, for: 1d}
sequences:
  answered: {steps: [message, gift], by: {pair: [target_id, user_id]}, within: 1h}
rules:
  marks_it:
    event: gift
    when: [answered]
    unless: [met]
    then: {mark: noisy}
    cooldown: {per: {pair: [user_id, target_id]}, for: 1h}
    mode: shadow
    tests:
      - steps:
          - {send: {type: message, user_id: a, target_id: b}}
          - {send: {type: gift, user_id: b, target_id: a}}
          - {send: {type: gift, user_id: c, target_id: a}}
        fires_at: [2]
  again: {event: message, when: [marked.noisy], then: {flag: x}, mode: shadow}
"""})  # fmt: skip
    assert rulebook.kinds() == {"pair:target_id+user_id"}


@pytest.mark.parametrize(("has", "lacks"), [((), ["friend"]), (("friend",), [])])
def test_a_rule_lacks_the_field_that_names_whose_counter_it_reads(has: tuple[str, ...], lacks: list[str]) -> None:
    sources = {"r.yaml": RULES.replace("{COUNTER}", "{count: post, by: target_id, over: 1h, read_by: friend}")}
    found = Requirements(sources).lacking("asks", lambda one: one.kind != "field" or one.path in (*has, "target_id"))
    assert [one.name for one in found] == lacks
