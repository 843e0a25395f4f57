"""A rule is another one when anything that it reads is another thing."""

from dataclasses import fields

import pytest

from engine.rulebook.checks.fingerprints import MEANS_NOTHING
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.sections.records import CounterDeclaration

RULES = """
version: 1
fields:
  links: {type: number, from: a.links}
  amount: {type: number, from: a.amount}
  place: {type: text, from: a.place}
lists:
  one: {values: [x]}
  two: {values: [x]}
  three: {values: [x.example]}
  four: {values: [x]}
values:
  home: lower(place)
  named: contains_any(home, lists.four)
clusters:
  ring: {of: post, share: device_id, within: 1h}
counters:
  linked: {count: post, where: links > 1 and place in lists.one, by: user_id, over: 1h}
  spent: {sum: amount, of: post, by: user_id, over: 1h}
  placed: {count: post, by: place, over: 1h}
  pages: {count: post, by: url_domain, over: 1h, except: lists.three}
  at_home: {count: post, where: named, by: home, over: 1h}
  ringed: {distinct: user_id, by: ring, over: 1h}
  unread: {count: post, by: user_id, over: 1h}
derived:
  both: linked + spent
  more: both + len(place)
models:
  spam: {texts: [place], numbers: [links], min_labels: 5, precision: 0.9}
rules:
  r:
    event: post
    when:
      - more > 3
      - place in lists.two
      - score.spam > threshold.spam
    any: [placed > 1, pages > 1, ringed > 1, at_home > 1]
    then: {flag: x}
    mode: shadow
"""


def fingerprint(text: str) -> int:
    return load_rulebook({"rules.yaml": text}).rules[0].fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 1\n# a comment"),
        ("mode: shadow", "mode: enforce"),
        ("{flag: x}", "{hide: it}"),
        ("links > 1 and", "links > 1  and"),
        ("unread: {count: post", "unread: {count: like"),
    ],
)
def test_what_a_rule_does_not_read_makes_no_other_rule(old: str, new: str) -> None:
    assert fingerprint(RULES.replace(old, new, 1)) == fingerprint(RULES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("more > 3", "more > 4"),
        ("links > 1 and", "links > 2 and"),
        ("from: a.links", "from: b.links"),
        ("from: a.amount", "from: b.amount"),
        ("from: a.place", "from: b.place"),
        ("one: {values: [x]}", "one: {values: [y]}"),
        ("two: {values: [x]}", "two: {values: [y]}"),
        ("four: {values: [x]}", "four: {values: [y]}"),
        ("lower(place)", "skeleton(place)"),
        ("[x.example]", "[y.example]"),
        ("share: device_id", "share: ip"),
        ("within: 1h", "within: 2h"),
        ("linked + spent", "linked - spent"),
        ("both + len", "both - len"),
        ("texts: [place]", "texts: [text]"),
        ("precision: 0.9", "precision: 0.95"),
        ("event: post", "event: [post, view]"),
        ("by: place, over: 1h", "by: place, over: 2h"),
        ("by: place, over: 1h", "by: place, over: 1h, before: true"),
        ("placed: {count: post", "placed: {distinct: user_id, of: post, having: {at_least: 2}"),
        ("spent: {sum: amount", "spent: {mean: amount"),
    ],
)
def test_what_it_reads_does(old: str, new: str) -> None:
    assert old in RULES
    assert fingerprint(RULES.replace(old, new, 1)) != fingerprint(RULES)


def test_a_model_and_a_counter_of_one_name_are_two_things() -> None:
    named = RULES.replace("spam", "linked")
    assert fingerprint(named.replace("texts: [place]", "texts: [text]")) != fingerprint(named)
    assert fingerprint(named.replace("linked: {count: post", "linked: {count: like")) != fingerprint(named)


@pytest.mark.parametrize("name", ["linked", "both", "ring"])
def test_an_undeclared_field_is_not_what_has_its_name(name: str) -> None:
    text = (
        RULES[: RULES.index("rules:")] + f"rules:\n  r: {{event: post, when: [event.{name} > 3], then: {{flag: x}}}}\n"
    )
    other = text.replace("links > 1", "links > 2").replace("linked + spent", "linked - spent").replace("1h}\n", "2h}\n")
    assert other != text
    assert fingerprint(other) == fingerprint(text)


def test_what_means_nothing_of_a_counter_is_there() -> None:
    """All else is in the fingerprint, what is added later too."""
    assert {field.name for field in fields(CounterDeclaration)} > MEANS_NOTHING


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("unread: {links > 1: 1}", "unread: {links > 1: 2}", True),
        ("links > 7: 20", "links > 7: 25", False),
        ("links > 7: 20", "links > 8: 20", False),
        ("when: [links > 9]", "when: [links > 10]", False),
        ("{DE: 5}", "{DE: 6}", False),
        ("by: place", "by: other", False),
        ("week: 7d", "week: 8d", True),
    ],
)
def test_scores_rules_and_parameters_that_it_reads_make_it_what_it_is(old: str, new: str, same: bool) -> None:
    text = """
version: 1
fields: {links: number, place: text, other: text}
params:
  most: {default: 3, by: place, values: {DE: 5}}
  week: 7d
scores:
  risk: {links > 7: 20, rule.far: 5}
  unread: {links > 1: 1}
rules:
  r: {event: post, when: [risk > 10, links > params.most], then: {flag: x}, mode: shadow}
  far: {event: post, when: [links > 9], then: {flag: x}, mode: shadow}
"""
    assert old in text
    assert (fingerprint(text.replace(old, new, 1)) == fingerprint(text)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mean: amount", "stdev: amount"),
        ("quantile: amount, at: 0.8", "quantile: amount, at: 0.9"),
        ("mean: amount", "mean: amount, at_least: 2"),
        ("mean: amount", "mean: amount, before: true"),
        ("mean: amount", "sum: amount"),
    ],
)
def test_another_statistic_is_another_thing(one: str, other: str) -> None:
    assert fingerprint(RULES.replace("sum: amount", one)) != fingerprint(RULES.replace("sum: amount", other))
