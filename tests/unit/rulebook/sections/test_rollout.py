"""Plans and shares: the moment that is meant, and what is no share."""

import pytest

from engine.core.domain.rules import Budget, Stage
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.source import Node, parse
from engine.rulebook.sections.rollout import read_budget, read_expiry, read_gate, read_mode, read_plan

RULE = "version: 1\nrules:\n  r:\n    event: any\n    when: ['true']\n    then: {flag: x}\n"


@pytest.mark.parametrize(
    ("written", "hour"),
    [("2027-06-01T10:00+02:00", 8), ("2027-06-01T10:00Z", 10),
     ("2027-06-01T10:00", 10), ("2027-06-01T10:00-05:30", 15.5)],
)  # fmt: skip
def test_a_rollout_begins_at_the_moment_in_its_own_time_zone(written: str, hour: float) -> None:
    text = RULE + f"    plan: {{from: '{written}', shadow: 1h, canary: 10%, canary_for: 2h}}\n"
    stages = load_rulebook({"rules.yaml": text}).rules[0].plan
    begin = 1_811_808_000_000 + hour * 3_600_000  # 2027-06-01
    told = [(stage.from_ms, stage.mode) for stage in stages]
    assert told == [
        (0, "shadow"), (begin, "shadow"), (begin + 3_600_000, "canary"), (begin + 3 * 3_600_000, "enforce")
    ]  # fmt: skip


@pytest.mark.parametrize(("share", "accepted"), [("0%", False), ("0.1%", True), ("99.9%", True), ("100%", False)])
def test_a_share_is_more_than_nothing_and_less_than_all(share: str, accepted: bool) -> None:
    for more in (
        f"    budget: {{max: {share}, per: 1h, if_exceeded: shadow}}\n",
        f"    mode: canary {share}\n",
        f"    plan: {{from: '2027-06-01T10:00', canary: {share}, canary_for: 2h}}\n",
    ):
        _, diagnostics = check_rulebook({"rules.yaml": RULE + more})
        assert (not diagnostics.errors) is accepted, more


def node(text: str) -> tuple[Node, Diagnostics]:
    report = Diagnostics({"r.yaml": text})
    found = parse("r.yaml", text, report)
    assert found is not None
    return found, report


@pytest.mark.parametrize(
    ("written", "gate"),
    [
        ("precision_lcb >= 0.95", 0.95),
        ("precision_lcb >= 0.01", 0.01),
        ("precision_lcb >= 0.0", None),
        ("precision_lcb >= 0.99999999999999999999", None),  # as a number that is 1
        ("precision_lcb >= 1", None),
        ("precision > 0.9", None),
    ],
)
def test_a_gate_is_a_precision_that_can_be_proved(written: str, gate: float | None) -> None:
    found, report = node(f"{{promote_if: '{written}'}}")
    assert read_gate(found, report) == gate
    assert bool(report.errors) is (gate is None)


def test_without_a_gate_there_is_nothing_to_prove() -> None:
    found, report = node("{from: 2027-06-01}")
    assert read_gate(found, report) is None
    assert report.errors == []


@pytest.mark.parametrize(
    ("written", "budget"),
    [
        ("{max: 1%, per: 1h, if_exceeded: shadow}", Budget(0.01, 3_600_000, False, 0)),
        ("{max: 50%, per: 30d, if_exceeded: shadow unless before}", Budget(0.5, 30 * 86_400_000, True, 0)),
        ("{max: 1%, per: 721h, if_exceeded: shadow}", None),
        ("{max: 300, per: 1h, if_exceeded: shadow}", None),
        ("{max: 1%, per: soon, if_exceeded: shadow}", None),
        ("{per: 1h, if_exceeded: shadow}", None),
        ("{max: 1%, if_exceeded: shadow}", None),
    ],
)
def test_a_budget_has_a_share_and_a_time(written: str, budget: Budget | None) -> None:
    found, report = node(written)
    assert read_budget(found, report) == budget
    assert bool(report.errors) is (budget is None)


@pytest.mark.parametrize(
    ("written", "mode"),
    [
        ("shadow", ("shadow", 1.0)),
        ("enforce", ("enforce", 1.0)),
        ("canary 5%", ("canary", 0.05)),
        ("canary 0.5%", ("canary", 0.005)),
        ("canary 100%", None),
        ("canary 0%", None),
        ("canary", None),
        ("enfore", None),
    ],
)
def test_a_mode_is_one_of_three(written: str, mode: tuple[str, float] | None) -> None:
    found, report = node(written)
    said = read_mode(found, report)
    assert mode is None or said == mode
    assert bool(report.errors) is (mode is None)


def test_a_plan_without_a_canary_goes_from_shadow_to_acting() -> None:
    begin = 1_811_808_000_000
    found, report = node("{from: 2027-06-01, shadow: 2h}")
    assert read_plan(found, report) == (
        Stage(0, "shadow"), Stage(begin, "shadow"), Stage(begin + 7_200_000, "enforce"),
    )  # fmt: skip
    assert report.errors == []
    found, report = node("{from: 2027-06-01, canary: 10%, canary_for: 1h}")
    assert read_plan(found, report)[2:] == (
        Stage(begin, "canary", 0.1),
        Stage(begin + 3_600_000, "enforce"),
    )


@pytest.mark.parametrize("written", ["{from: 2027-06-01, canary: 10%}", "{from: 2027-06-01, canary_for: 1h}"])
def test_a_canary_and_its_time_go_together(written: str) -> None:
    found, report = node(written)
    read_plan(found, report)
    assert [one.message for one in report.errors] == ["`canary` and `canary_for` go together"]


def test_a_rule_expires_when_its_day_begins() -> None:
    found, report = node("2027-06-01")
    assert read_expiry(found, report) == 1_811_808_000_000
    found, report = node("next year")
    assert read_expiry(found, report) is None
    assert [one.severity for one in report.findings] == ["warning"]
