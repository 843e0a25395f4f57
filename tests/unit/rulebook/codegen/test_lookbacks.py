"""Rules that act on those who came earlier: which counter is watched, and which rules can be."""

import pytest

from engine.core.domain.programs import Watch
from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
fields: {age: number}
counters:
  users: {distinct: user_id, of: post, by: ip, over: 1h}
  events: {count: post, by: ip, over: 2h}
  spent: {sum: age, of: post, by: ip, over: 1h}
  devices: {count: post, by: device_id, over: 1h}
  rough: {count: post, by: ip, over: 1h, approx: true}
  posts: {count: post, by: user_id, over: 1h}
derived:
  share: {ratio: [users, events]}
rules:
  r: {event: post, GROUPS, then: {flag: x, also: earlier, lookback: 1h}}
  OTHER
"""


def watches(groups: str, other: str = "") -> list[Watch]:
    text = RULES.replace("GROUPS", groups).replace("OTHER", other)
    return [one for many in load_rulebook({"rules.yaml": text}).watches.values() for one in many]


def messages(groups: str, other: str = "") -> list[str]:
    _, diagnostics = check_rulebook({"rules.yaml": RULES.replace("GROUPS", groups).replace("OTHER", other)})
    return [one.message for one in diagnostics.errors]


@pytest.mark.parametrize(
    ("groups", "counter", "within_h"),
    [
        ("when: [users > 3]", "users", 1),
        ("when: [users > 3, events > 4]", "users", 2),
        ("when: [users < 90, events > 4]", "events", 2),
        ("when: [users < 90, events >= 4]", "events", 2),
        ("when: [users <= 90, events < 4]", "users", 2),
        ("when: [90 > users, events > 4]", "events", 2),
        ("when: [spent > 3, events < 4]", "events", 2),
        ("when: [age > 3, events > 4]", "events", 2),
        ("any: [events > 4, users > 3]", "events", 2),
        ("when: [age > 3], any: [users < 3, events > 4]", "events", 2),
        ("when: [share > 0.5]", "users", 2),
        ("when: [users > 3], unless: [events > 4]", "users", 2),
    ],
)
def test_the_count_that_has_to_be_high_is_watched(groups: str, counter: str, within_h: int) -> None:
    [watch] = watches(groups)
    assert watch.counter == counter
    assert watch.lookback_ms == 3_600_000
    assert watch.within_ms == within_h * 3_600_000


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ("when: [posts > 3]", "needs counters over exactly one other entity; it counts over users only"),
        ("when: [users > 3, devices > 3]", "needs counters over exactly one other entity; it counts over device_id"),
        ("when: [age > 3], unless: [users > 3]", "needs a clause about a count under `when` or `any`"),
        ("when: [spent > 3]", "needs a clause about a count under `when` or `any`"),
        ("when: [users > age]", "a clause is about the entity's counters or about the event, not both"),
        ("when: [users > posts]", "a clause is about the entity's counters or about the event, not both"),
        ("any: [users > 3, age > 3]", "a clause is about the entity's counters or about the event, not both"),
        ("when: [rough > 3]", "needs exact counters: who came before is not known from a sample"),
        ("when: [users > 3, rough > 3]", "needs exact counters: who came before is not known from a sample"),
    ],
)
def test_a_rule_that_cannot_look_back_is_told_why(groups: str, told: str) -> None:
    [message] = messages(groups)
    assert told in message


@pytest.mark.parametrize(
    ("rule", "waits"),
    [
        ("b: {event: post, when: [devices > 3], then: allow}", True),
        ("b: {event: any, when: [devices > 3], then: allow}", True),
        ("b: {event: post, when: [devices > 3], then: allow, mode: shadow}", False),
        ("b: {event: like, when: [devices > 3], then: allow}", False),
        ("b: {event: post, when: [posts > 3], then: allow}", False),
        ("b: {event: post, when: [devices > 3], then: {flag: y}}", False),
    ],
)
def test_nothing_is_done_to_those_whom_a_rule_may_yet_allow(rule: str, waits: bool) -> None:
    assert [("would act before allow rule `b`" in one) for one in messages("when: [users > 3]", rule)] == [True] * waits


@pytest.mark.parametrize(
    ("counter", "message"),
    [
        ("count: post, by: ip, over: 1h, before: true", "`also: earlier` cannot use counters with `before`"),
        ("mean: age, of: post, by: ip, over: 1h", "`also: earlier` needs a clause about a count under `when` or `any`"),
        ("distinct: user_id, of: post, by: ip, over: 1h, having: {at_least: 2}",
         "`also: earlier` needs a clause about a count under `when` or `any`"),
    ],
)  # fmt: skip
def test_what_is_not_a_count_with_the_event_cannot_be_looked_back_at(counter: str, message: str) -> None:
    text = RULES.replace("count: post, by: ip, over: 1h, approx: true", counter)
    text = text.replace("GROUPS", "when: ['rough > 3']").replace("OTHER", "")
    _, diagnostics = check_rulebook({"rules.yaml": text})
    assert [one.message for one in diagnostics.errors] == [message]


def test_a_statistic_may_stand_beside_the_count() -> None:
    text = RULES.replace("count: post, by: ip, over: 1h, approx: true", "mean: age, of: post, by: ip, over: 1h")
    text = text.replace("GROUPS", "when: ['users > 3', 'rough < 3']").replace("OTHER", "")
    [watches] = load_rulebook({"rules.yaml": text}).watches.values()
    assert [watch.counter for watch in watches] == ["users"]
