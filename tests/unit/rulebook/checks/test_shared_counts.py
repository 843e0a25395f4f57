"""Counters that many share: which field silences a rule, and which ratio is crossed by a few events."""

import pytest

from engine.core.domain.events import FieldMapping
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from tests.costs import cost_by_length

RULES = """
version: 1
fields: {age: {type: duration, unit: d}, amount: number}
values: {large: amount > 5}
counters:
  all: {count: post, WHERE, by: BY, over: 1h}
  some: {count: post, where: known(age) and age < 3d, by: BY, over: 1h}
derived:
  share: {ratio: [some, all], RATIO}
rules:
  r: {event: post, when: ['CLAUSE'], then: {MODE}, MOREmeta: {owner: ann, why: spam, expires: 2027-06-01},
      tests: [{send: {type: like}, fires: never}]}
"""
WHERE, RATIO, CLAUSE = "where: amount > 1", "at_least: 20", "share > 0.5"


def written(**changed: str) -> str:
    """The rules with some of it changed."""
    parts = {"WHERE": WHERE, "RATIO": RATIO, "CLAUSE": CLAUSE, "BY": "device_id", "MODE": "hide: content", "MORE": ""}
    text = RULES
    for key, value in (parts | changed).items():
        text = text.replace(key, value)
    return text


def warnings(**changed: str) -> list[str]:
    """What is told of them."""
    _, diagnostics = check_rulebook({"r.yaml": written(**changed)})
    assert diagnostics.errors == []
    return [one.message for one in diagnostics.findings]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({}, "amount"),
        ({"WHERE": "where: not (amount > 1)"}, "amount"),
        ({"WHERE": "where: large"}, "amount"),
        ({"WHERE": "where: event.x == 1"}, "event.x"),
        ({"WHERE": "where: amount > 1 or known(amount)"}, "amount"),
        ({"CLAUSE": "all < 3"}, "amount"),
        ({"CLAUSE": "3 > all"}, "amount"),
        ({"CLAUSE": "some - all > 3"}, "amount"),
        ({"CLAUSE": "some > 2", "MORE": "unless: [all > 3], "}, "amount"),
        ({"WHERE": "where: amount > 1 and known(age)"}, "amount"),
    ],
)
def test_the_field_whose_absence_silences_a_rule_is_told(changed: dict[str, str], field: str) -> None:
    assert [message for message in warnings(**changed) if message.startswith(f"an event without `{field}` ")]


@pytest.mark.parametrize(
    "changed",
    [
        {"WHERE": "where: known(amount) and amount > 1"},
        {"WHERE": "where: not known(amount) or amount > 1"},
        {"WHERE": 'where: user_id == "x"'},
        {"CLAUSE": "all > 3"},
        {"CLAUSE": "some > 2", "MORE": "unless: [all < 3], "},
        {"CLAUSE": "all / 2 > 3"},
        {"BY": "user_id"},
    ],
)
def test_nothing_is_told_where_no_absence_does_that(changed: dict[str, str]) -> None:
    assert warnings(**changed) == []


def test_scores_that_stand_on_each_other_are_looked_into_once() -> None:
    text = written(CLAUSE="s4 > 0").replace("derived:", "scores:\n  s1: {all < 3: 1}\nCHAIN\nderived:")
    chain = "\n".join(f"  s{n}: {{" + ", ".join(f"s{n - 1} > {k}: 1" for k in range(60)) + "}" for n in (2, 3, 4))
    with cost_by_length():  # each term for itself, it takes sixty times as long with each further score
        _, diagnostics = check_rulebook({"r.yaml": text.replace("CHAIN", chain)})
    assert [one.message.startswith("an event without `amount` makes `all`") for one in diagnostics.findings] == [True]


def test_what_is_told_of_is_so() -> None:
    """One event without the field silences the rule for everybody at the device; none does where `known` is asked."""
    for where, last in (("where: amount > 1", False), ("where: known(amount) and amount > 1", True)):
        stage, fired = ExampleStage(load_rulebook({"r.yaml": written(WHERE=where)}), {}), []
        for number in range(50):
            sent = {"event_id": f"e{number}", "type": "post", "user_id": f"u{number}", "device_id": "d", "amount": 2}
            sent |= {"age": 1, "ts": 1_772_449_200_000 + number}
            if number == 40:
                del sent["amount"]
            decisions = stage.send(FieldMapping().read(sent, content=number))
            fired.append(bool(decisions and decisions[-1].hits))
        assert (fired[39], fired[49]) == (True, last)


@pytest.mark.parametrize(
    ("changed", "few"),
    [
        ({"RATIO": "at_least: 3"}, True),
        ({"RATIO": "at_least: 3, bound: wilson_lower_95"}, True),
        ({"RATIO": "at_least: 3, bound: wilson_lower_95", "CLAUSE": "share > 0.9"}, False),
        ({"RATIO": "at_least: 3", "CLAUSE": "share > 0.5', 'some >= 12"}, False),
        ({"RATIO": "at_least: 3", "BY": "user_id"}, False),
        ({"RATIO": "at_least: 3", "MODE": "review: content"}, False),
        ({"RATIO": "at_least: 12"}, False),
    ],
)
def test_a_ratio_that_few_events_cross_is_told(changed: dict[str, str], few: bool) -> None:
    found = warnings(WHERE="where: known(amount) and amount > 1", **changed)
    assert [("by chance" in message) for message in found] == [True] * few
