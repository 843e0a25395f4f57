"""A rule that never fired says what the recording does not have, and what it has instead."""

from io import StringIO
from typing import Any

import orjson
import pytest
from rich.console import Console

from engine.backtest import absences
from engine.backtest.absences import Absence
from engine.backtest.comparison import Comparison
from engine.backtest.page import page
from engine.backtest.run import backtest
from engine.backtest.text import tell
from engine.core.domain.events import Event
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from tests.events import START_MS

RULEBOOK = """
version: 1
fields:
  action: text
  status: {{type: text, from: payment.status}}
  verified: bool
  tags: list
  amount: number
  age: {{type: duration, unit: d}}
lists: {{staff: {{values: [a]}}}}
counters:
  likes: {{count: like, by: user_id, over: 1h}}
  likkes: {{count: likke, by: user_id, over: 1h}}
  usual: {{mean: amount, of: like, by: user_id, over: 1h}}
  pace: {{mean: gap, of: likke, by: user_id, over: 1h}}
  approved: {{count: pay, where: status == "approved", by: user_id, over: 1h}}
  paid: {{count: pay, where: status == "ok", by: user_id, over: 1h}}
derived:
  odd: action == "likke" or verified
  share: {{ratio: [approved, paid], at_least: 1}}
sequences:
  liked: {{steps: [act, likke], within: 1h, by: user_id}}
  left: {{after: pay, none: likke, within: 1h, by: user_id}}
scores:
  risk: {{'action == "likke"': 50, verified: 30, likes > 20: 20, not verified: -5}}
params:
  most: {{default: 20, by: action, values: {{like: 30}}}}
rules:
  one: {{event: {event}, {clauses}, then: {{flag: x}}}}
"""


def sent(number: int, kind: str, **more: Any) -> bytes:
    return orjson.dumps({"event_id": f"e{number}", "type": kind, "user_id": "u", "ts": START_MS + number, **more})


EVENTS = [
    *(sent(n, "act", action="like" if n % 3 else "share", verified=False, tags=["a", "b"]) for n in range(30)),
    *(sent(100 + n, "pay", payment={"status": "ok"}, amount=3) for n in range(20)),
    *(sent(200 + n, "like", age=3) for n in range(10)),
]


def tried(event: str, clauses: str, settings: Settings | None = None) -> Comparison:
    rulebook = load_rulebook({"rules.yaml": RULEBOOK.format(event=event, clauses=clauses)})
    return backtest(rulebook, None, EVENTS, [], settings or Settings())


NEVER = {
    "no such value": (
        "act", "when: ['action == \"likke\"']",
        ["action of act events is never `likke`, but `like` (20), `share` (10)"],
    ),
    "no value alike": (
        "pay", "when: ['status == \"approved\"']", ["status of pay events is never `approved`, but `ok` (20)"],
    ),
    "none of several": (
        "act", "when: ['action in [\"likke\", \"shares\"]']",
        ["action of act events is never `likke`, but `like` (20), `share` (10)",
         "action of act events is never `shares`, but `share` (10), `like` (20)"],
    ),
    "no such type": ("likke", "when: [user_id != \"x\"]", [
        "there is no event of type `likke`, but of `like` (10), `act` (30), `pay` (20)",
    ]),
    "a statistic of nothing": ("pay", "when: [usual < 3]", ["no like event has a field `amount`"]),
    "gaps between no events": ("like", "when: [pace < 3s]", [
        "there is no event of type `likke`, but of `like` (10), `act` (30), `pay` (20)",
    ]),
    "no such field": (
        "act", "when: ['event.acton == \"like\"']", ["no act event has a field `acton`, but `action` (30)"],
    ),
    "a field of another type of event": (
        "pay", "when: ['action == \"like\"']", ["no pay event has a field `action`"],
    ),
    "unless reads what is not there": (
        "pay", "when: [\"user_id != 'x'\"], unless: [verified]", ["no pay event has a field `verified`"],
    ),
    "no truth value": ("act", "when: [verified]", ["verified of act events is never `true`, but `false` (30)"]),
    "nothing in a list": (
        "act", "when: ['\"c\" in tags']", ["tags of act events is never `c`, but `a` (30), `b` (30)"],
    ),
    "counted types": ("act", "when: [likkes > 2]", [
        "there is no event of type `likke`, but of `like` (10), `act` (30), `pay` (20)",
    ]),
    "counted values": (
        "pay", "when: [approved >= 1]", ["status of pay events is never `approved`, but `ok` (20)"],
    ),
    "a share of them": ("pay", "when: [share > 0.5]", ["status of pay events is never `approved`, but `ok` (20)"]),
    "any": (
        "act", "any: ['action == \"likke\"', verified]",
        ["action of act events is never `likke`, but `like` (20), `share` (10)",
         "verified of act events is never `true`, but `false` (30)"],
    ),
    "behind a derived value": (
        "act", "when: [odd]",
        ["action of act events is never `likke`, but `like` (20), `share` (10)",
         "verified of act events is never `true`, but `false` (30)"],
    ),
    "terms of a score": (
        "act", "when: [risk > 20]",
        ["action of act events is never `likke`, but `like` (20), `share` (10)",
         "verified of act events is never `true`, but `false` (30)"],
    ),
    "of any type": ("any", "when: ['action == \"likke\"']", [
        "action of events is never `likke`, but `like` (20), `share` (10)",
    ]),
    "a step": ("act", "when: [liked]", [
        "there is no event of type `likke`, but of `like` (10), `act` (30), `pay` (20)",
    ]),
    "what is waited upon": ("absent.left", "when: [verified]", ["no pay event has a field `verified`"]),
    "known": ("pay", "when: [known(verified)]", ["no pay event has a field `verified`"]),
}  # fmt: skip


@pytest.mark.parametrize("case", NEVER)
def test_what_is_not_there_is_named_with_what_is_nearest(case: str) -> None:
    event, clauses, wanted = NEVER[case]
    (rule,) = tried(event, clauses).rules
    assert rule.met == 0
    assert [str(one) for one in rule.never] == wanted


POSSIBLE = {
    "enough terms of a score": ("act", "when: [risk >= 20]"),
    "few points": ("act", "when: [risk < 0, likes > 20]"),
    "a parameter": ("like", "when: [likes > params.most]"),
    "it fired": ("act", "when: ['action == \"like\"']"),
    "a threshold": ("like", "when: [likes > 20]"),
    "one of several is there": ("act", 'when: [\'action in ["likke", "like"]\', likes > 20]'),
    "or": ("act", 'when: [\'action == "likke" or action == "like"\', likes > 20]'),
    "not equal": ("act", "when: ['action != \"likke\"', likes > 20]"),
    "not": ("act", "when: ['not (action == \"likke\")', likes > 20]"),
    "not known": ("pay", "when: [not known(verified), likes > 20]"),
    "none counted": ("act", "when: [likkes == 0, likes > 20]"),
    "fewer than one": ("act", "when: [likkes < 1, likes > 20]"),
    "unless": ("act", "when: [likes > 20], unless: ['action == \"likke\"']"),
    "in no list": ("act", "when: [user_id in lists.staff]"),
    "a duration": ("like", "when: [age == 2d]"),
}


@pytest.mark.parametrize("case", POSSIBLE)
def test_what_could_be_is_not_blamed(case: str) -> None:
    (rule,) = tried(*POSSIBLE[case]).rules
    assert rule.never == []


def test_it_is_told_in_text_in_json_and_on_the_page() -> None:
    found = tried("act", "when: ['action == \"likke\"']")
    written = StringIO()
    tell(Console(file=written, width=200), found)
    assert "rule one never fired: action of act events is never `likke`, but `like` (20)" in written.getvalue()
    assert "action of act events is never `likke`" in page(found, "Backtest")
    assert found.rules[0].never == [Absence("value", ("act",), "action", "likke", [("like", 20), ("share", 10)])]


def test_memory_has_a_bound_and_what_is_asked_for_is_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absences, "MOST_COUNTED", 10)
    rulebook = load_rulebook(
        {"rules.yaml": RULEBOOK.format(event="act", clauses="when: ['action == \"last\"', likes > 20]")}
    )
    survey = absences.Survey(rulebook)
    for number in range(1_000):
        fields = {f"field{number}": 1, "action": f"value{number}" if number < 998 else "last"}
        survey.note(Event(f"e{number}", f"type{number}" if number % 2 else "act", "u", START_MS, fields))
    survey.note(Event("like", "like", "u", START_MS, {}))
    assert survey.absences("one") == []


def test_values_of_people_are_not_told() -> None:
    settings = Settings(privacy=PrivacySettings(key="k" * 40))
    clauses = "when: ['user_id == \"nobody\"']"
    assert tried("act", clauses, settings).rules[0].never == []
    assert tried("act", clauses).rules[0].never != []
