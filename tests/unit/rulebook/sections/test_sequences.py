"""Declarations of sequences, and what is said where they are wrong."""

import pytest

from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
fields: {amount: number}
counters: {posts_ip: {count: post, by: ip, over: 1h}}
sequences:
  taken: {TAKEN}
  left:  {LEFT}
rules:
  r: {event: pay, when: [CLAUSE], then: {flag: x}, mode: shadow}
  s: {event: EVENT, when: [amount > 1], then: {flag: x}, mode: shadow}
"""
TAKEN = "steps: [{event: fail, times: 3, where: amount > 2}, [ok, okay]], within: 1h, by: user_id, without: reset"
LEFT = "after: install, none: [open, start], within: 24h, by: user_id"


def text(taken: str = TAKEN, left: str = LEFT, clause: str = "taken", event: str = "absent.left") -> str:
    written = RULES.replace("TAKEN", taken).replace("LEFT", left)
    return written.replace("CLAUSE", clause).replace("EVENT", event)


def made(**parts: str) -> Rulebook:
    return load_rulebook({"r.yaml": text(**parts)})


def test_both_kinds_are_read() -> None:
    rulebook = made()
    counters = {name: (counter.of, counter.where, counter.over_ms) for name, counter in rulebook.counters.items()}
    assert counters["taken step 1"] == (("fail",), "amount > 2", 3_600_000)
    assert counters["taken step 2"][0] == ("ok", "okay")
    (absence,) = rulebook.programs["install"].absences
    assert absence == rulebook.absences["@absent.left"]
    assert (absence.within_ms, absence.none_key) == (86_400_000, rulebook.counters["left none"].series_key)
    assert absence.paths == ("amount",)


def test_nothing_is_waited_for_that_nobody_asks_about() -> None:
    rulebook = made(event="pay")
    assert (rulebook.absences, rulebook.programs["install"].absences) == ({}, ())


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"taken": "within: 1h, by: user_id"}, "sequence `taken` needs exactly one of steps and after"),
        ({"taken": f"{TAKEN}, after: x"}, "sequence `taken` needs exactly one of steps and after"),
        ({"taken": f"{TAKEN}, none: x"}, "`none` does not go with `steps`"),
        ({"left": f"{LEFT}, without: x"}, "`without` does not go with `after`"),
        ({"left": "after: x, within: 1h, by: user_id"}, "sequence `left` needs `none`"),
        ({"left": LEFT.replace("user_id", "ip")}, "it is waited for events of a user, not of ip"),
        ({"left": LEFT.replace("24h", "31d")}, "`within` is at most 30d"),
        (
            {"left": LEFT.replace("install", "hit.r")},
            "this is about events that are sent, `hit.r` is made by the engine",
        ),
        ({"taken": TAKEN.replace("times: 3", "times: 0")}, "`times` is a whole number from 1 to 100"),
        ({"taken": TAKEN.replace("amount > 2", "posts_ip > 2")}, "`posts_ip` is counted by ip"),
        ({"taken": "steps: [fail], within: 1h, by: user_id"}, "one event is in no order"),
        ({"taken": "steps: x, within: 1h, by: user_id"}, "`steps` is a list of up to 8 steps"),
        ({"taken": TAKEN.replace("times", "time")}, 'a step has no key "time"'),
        ({"clause": "left"}, "`left` is known when its time is over, not at an event"),
        ({"clause": "taken > 1"}, "a truth value > a number"),
        ({"event": "absent.lef"}, "`absent.lef` is about no sequence with `after` and `none`"),
        ({"event": "absent.taken"}, "`taken` has steps: ask about it in a clause"),
    ],
)
def test_what_is_wrong_is_told(parts: dict[str, str], told: str) -> None:
    _, found = check_rulebook({"r.yaml": text(**parts)})
    assert any(told in str(error) for error in found.errors), found.errors


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        (0, {"taken": TAKEN.replace("1h", "2h")}),
        (0, {"taken": TAKEN.replace("times: 3", "times: 4")}),
        (0, {"taken": TAKEN.replace("reset", "renew")}),
        (0, {"taken": TAKEN.replace("amount > 2", "amount > 3")}),
        (1, {"left": LEFT.replace("24h", "23h")}),
        (1, {"left": LEFT.replace("open", "begin")}),
        (1, {"left": LEFT.replace("install", "download")}),
    ],
)
def test_what_changes_a_sequence_changes_the_rules_that_ask_about_it(rule: int, parts: dict[str, str]) -> None:
    before, after = made(), made(**parts)
    assert before.rules[rule].fingerprint != after.rules[rule].fingerprint
    assert before.rules[1 - rule].fingerprint == after.rules[1 - rule].fingerprint
