"""What the engine says of a rulebook, for an editor."""

from engine.console.trying.findings import check
from tests.rules_console import FLOOD

TWO = FLOOD.replace("fires_at: [11, 12]}", "fires_at: [3]}\n      - {send: {type: post}, fires: never}")


def test_each_inline_test_has_its_place_and_its_outcome() -> None:
    checked = check({"flood.yaml": TWO})
    assert checked.rulebook is None
    assert [(test.rule, test.line, bool(test.problem)) for test in checked.tests] == [
        ("flood", 14, True),
        ("flood", 15, False),
    ]
    assert "posts_1m = 3" in checked.tests[0].problem


def test_what_is_right_has_costs() -> None:
    checked = check({"flood.yaml": FLOOD})
    assert (checked.rules, checked.counters, len(checked.tests)) == (1, 1, 1)
    assert checked.event_us["post"] > 0
    assert checked.record_bytes["user_id"] > 0
    assert [finding.severity for finding in checked.findings] == ["warning"]


def test_what_costs_too_much_is_an_error() -> None:
    names = [f"n{number}" for number in range(300)]
    counters = "".join(
        f"  {name}: {{sum: amount, of: post, where: amount > {at}, by: user_id, over: 30d, cap: 1000}}\n"
        for at, name in enumerate(names)
    )
    clauses = ", ".join(f"{name} > 1" for name in names)
    rule = f"  dear: {{event: post, when: [{clauses}], then: {{flag: x}}}}"
    text = f"version: 1\nfields:\n  amount: number\ncounters:\n{counters}rules:\n{rule}\n"
    messages = [error.message for error in check({"dear.yaml": text}).errors]
    assert any("µs" in message for message in messages)
    assert any("bytes" in message for message in messages)
