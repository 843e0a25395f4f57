"""A cooldown per target: the rule rests there, whoever's event it is."""

from typing import Any

import pytest

from engine.core.domain.events import FieldMapping
from engine.core.state.records import dump_record
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage

START_MS = 1_772_449_200_000
RULES = """
version: 1
fields: {trusted: bool}
counters:
  reports: {distinct: user_id, of: report, by: target_id, over: 1d}
  sent: {count: report, by: user_id, over: 1d}
rules:
  reported:
    event: report
    when: [reports >= 2, sent < 100]
    then: {review: content, target: target_id}
    cooldown: {per: target_id, for: 10m}MORE
"""


class Reports:
    """Reports as they arrive, and what comes of them."""

    def __init__(self, more: str = "", rules: str = RULES) -> None:
        self._stage, self._number = ExampleStage(load_rulebook({"r.yaml": rules.replace("MORE", more)}), {}), 0

    def send(self, user: str, target: str, at_s: float, **more: Any) -> str:
        self._number += 1
        event = {"event_id": f"e{self._number}", "type": "report", "user_id": user, "target_id": target,
                 "ts": START_MS + int(at_s * 1_000), **more}  # fmt: skip
        found = self._stage.send(FieldMapping().read(event, content=self._number))
        return found[-1].hits[-1].effect if found and found[-1].hits else "none"


def test_another_users_event_about_the_same_target_finds_it_resting() -> None:
    reports = Reports()
    assert [reports.send(f"u{n}", "p1", n) for n in range(4)] == ["none", "acted", "cooldown", "cooldown"]


def test_one_user_meets_several_targets() -> None:
    reports = Reports()
    for target in ("p1", "p2"):
        reports.send("first", target, 0)
    assert [reports.send("second", target, 1) for target in ("p1", "p2", "p1")] == ["acted", "acted", "cooldown"]


def test_the_rest_ends() -> None:
    reports = Reports()
    times = (0, 1, 600.9, 601, 602)
    assert [reports.send(f"u{at}", "p1", at) for at in times] == ["none", "acted", "cooldown", "acted", "cooldown"]


def test_an_event_at_which_the_rule_does_not_hold_begins_no_rest() -> None:
    """The clause about the user is false, so nothing is done, and the next one acts."""
    reports = Reports(rules=RULES.replace("sent < 100", "trusted"))
    reports.send("u0", "p1", 0, trusted=True)
    assert reports.send("u1", "p1", 1, trusted=False) == "none"
    assert reports.send("u2", "p1", 2, trusted=True) == "acted"


def test_shadow_rests_by_itself() -> None:
    reports = Reports(", mode: shadow".replace(", ", "\n    "))
    assert [reports.send(f"u{n}", "p1", n) for n in range(4)] == ["none", "shadow", "cooldown", "cooldown"]


def test_an_allowed_event_begins_no_rest() -> None:
    allow = "\n  trusts: {event: report, when: [trusted], then: allow}"
    reports = Reports(allow)
    reports.send("u0", "p1", 0)
    assert reports.send("u1", "p1", 1, trusted=True) == "allowed"
    assert reports.send("u2", "p1", 2) == "acted"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("when: [reports >= 2, sent < 100]", "when: [reports > sent]",
         "with a cooldown per target_id, a clause is about the entity's counters or about the event, not both"),
        ("per: target_id", "per: taget_id", 'nothing can be counted by "taget_id"'),
        ("target: target_id}", "target: target_id, also: earlier, lookback: 1h}",
         "with `also: earlier`, a rule rests per user_id"),
        ("MORE", "\n  trusts: {event: report, when: [reports > 50], then: allow}",
         "a cooldown per target_id would act before allow rule `trusts`, which counts over other entities"),
    ],
)  # fmt: skip
def test_what_cannot_rest_there_is_told(old: str, new: str, told: str) -> None:
    assert old in RULES
    _, found = check_rulebook({"r.yaml": RULES.replace(old, new).replace("MORE", "")})
    assert told in [one.message for one in found.errors]


FIELD = RULES.replace("when: [reports >= 2, sent < 100]", "when: [event.bad == 1]")


def test_a_rule_that_counts_by_no_entity_rests_at_one() -> None:
    reports = Reports(rules=FIELD)
    assert [reports.send(f"u{n}", "p1", n, bad=1) for n in range(3)] == ["acted", "cooldown", "cooldown"]
    assert reports.send("u9", "p2", 3, bad=1) == "acted"
    assert [reports.send(f"u{n}", "p1", 599 + n, bad=1) for n in range(2)] == ["cooldown", "acted"]


def test_an_event_at_which_it_does_not_hold_does_not_travel() -> None:
    rulebook = load_rulebook(
        {"r.yaml": FIELD.replace("MORE", "").replace("cooldown: {per: target_id", "cooldown: {per: ip")}
    )
    stage = ExampleStage(rulebook, {})
    for number, bad in enumerate((0, 1)):
        sent = {
            "event_id": f"e{number}",
            "type": "report",
            "user_id": "u",
            "ts": START_MS,
            "ip": "192.0.2.1",
            "target_id": "p",
            "bad": bad,
        }
        stage.send(FieldMapping().read(sent, content=number))
        assert [kind for kind, _ in stage.entities if kind == "~ip"] == ["~ip"] * bad


def test_a_rule_rests_at_another_entity_than_it_counts_by() -> None:
    reports = Reports(rules=RULES.replace("per: target_id", "per: device_id"))
    held = [reports.send(f"u{n}", f"p{n // 3}", n, device_id="d") for n in range(6)]
    assert held == ["none", "acted", "cooldown", "none", "cooldown", "cooldown"]
    assert reports.send("u7", "p0", 7, device_id="other") == "acted"


def test_an_event_that_does_not_name_the_entity_rests_at_its_user() -> None:
    reports = Reports(rules=FIELD.replace("per: target_id", "per: device_id"))
    assert [reports.send(user, "p1", n, bad=1) for n, user in enumerate("aab")] == ["acted", "cooldown", "acted"]


def test_clauses_about_an_entity_and_the_user_at_once_are_decided_before_it_rests_elsewhere() -> None:
    rules = RULES.replace("per: target_id", "per: device_id").replace(
        "when: [reports >= 2, sent < 100]", "any: [reports >= sent + 2, reports > 90]"
    )
    reports = Reports(rules=rules)
    held = [reports.send(f"u{n}", "p1", n, device_id="d") for n in range(4)]
    assert held == ["none", "none", "acted", "cooldown"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("when: [reports >= 2, sent < 100]", "when: [members >= 2]",
         "a cooldown per device_id needs a rule that counts over no cluster; it counts over ring"),
        ("when: [reports >= 2, sent < 100]", "when: [threshold.spam * reports > 2]",
         "with a cooldown per device_id, no model may be used that reads other entities' counters"),
        ("MORE", "\n  trusts: {event: report, when: [reports > 50], then: allow}",
         "a cooldown per device_id would act before allow rule `trusts`, which counts over other entities"),
    ],
)  # fmt: skip
def test_what_cannot_rest_elsewhere_is_told(old: str, new: str, told: str) -> None:
    rules = RULES.replace("per: target_id", "per: device_id").replace(old, new).replace("MORE", "")
    declared = """
clusters: {ring: {of: report, share: ip, within: 1h}}
models: {spam: {texts: [text], precision: 0.9}}
"""
    counted = "  members: {distinct: user_id, by: ring, over: 1h}\nrules:"
    _, found = check_rulebook({"r.yaml": rules.replace("rules:", counted) + declared})
    assert told in [one.message for one in found.errors]


FRIENDS = """
version: 1
counters:
  they_wrote: {count: message, by: [user_id, target_id], over: 1d, read_by: [target_id, user_id]}
  to_me: {count: message, by: target_id, over: 1d, read_by: user_id}
  spam_to_me: {count: label.spam, by: target_id, over: 1d, read_by: user_id}
rules:
  RULE
"""


class Friends:
    """Who writes to whom, and at which of it the rule holds."""

    def __init__(self, rule: str) -> None:
        self._stage, self._number = ExampleStage(load_rulebook({"r.yaml": FRIENDS.replace("RULE", rule)}), {}), 0

    def send(self, user: str, target: str, kind: str = "message", at_s: float = 0) -> str:
        self._number += 1
        event = {"event_id": f"e{self._number}", "type": kind, "user_id": user, "target_id": target,
                 "ts": START_MS + int(at_s * 1_000)}  # fmt: skip
        found = self._stage.send(FieldMapping().read(event, content=self._number))
        return found[-1].hits[-1].effect if found and found[-1].hits else "none"


def test_a_pair_is_read_the_other_way_round() -> None:
    friends = Friends("r: {event: message, when: [they_wrote == 0], then: {flag: x}}")
    sent = [friends.send("a", "b", at_s=1), friends.send("b", "a", at_s=2), friends.send("a", "b", at_s=3)]
    assert sent == ["acted", "none", "none"]


def test_whoever_writes_to_themselves_is_counted_before_they_read() -> None:
    friends = Friends("r: {event: message, when: [to_me >= 1], then: {flag: x}}")
    assert [friends.send("a", "b"), friends.send("a", "a"), friends.send("c", "b")] == ["none", "acted", "none"]


def test_an_event_that_is_not_counted_reads_too_and_counts_nowhere() -> None:
    friends = Friends("r: {event: [login, message], when: [to_me == 1], then: {flag: x}}")
    assert [friends.send("a", "b"), friends.send("b", "b", "login"), friends.send("b", "c", "login")] == [
        "none", "acted", "acted",
    ]  # fmt: skip


def test_labels_of_what_was_done_to_somebody_are_read_at_their_events() -> None:
    friends = Friends("r: {event: message, when: [spam_to_me >= 2], then: {flag: x}}")
    for user in ("a", "b"):
        friends.send(user, "c", "label.spam", at_s=1)
    assert [friends.send("c", "a", at_s=2), friends.send("a", "c", at_s=2)] == ["acted", "none"]


def test_a_rule_that_reads_elsewhere_rests_per_target() -> None:
    rule = "r: {event: message, when: [to_me >= 1], then: {flag: x}, cooldown: {per: target_id, for: 10m}}"
    friends = Friends(rule)
    friends.send("x", "a")
    friends.send("x", "b")
    assert [friends.send("a", "p", at_s=1), friends.send("b", "p", at_s=2), friends.send("b", "q", at_s=3)] == [
        "acted", "cooldown", "acted",
    ]  # fmt: skip


def test_a_pair_has_no_order_where_a_rule_rests_and_looks_back() -> None:
    rules = """
version: 1
counters:
  talk: {count: message, by: {pair: [user_id, target_id]}, over: 1d}
rules:
  r: {event: message, when: [talk >= 3], then: {hide: x, target: event, also: earlier, lookback: 1d}}
"""
    stage = ExampleStage(load_rulebook({"r.yaml": rules}), {})
    found = []
    for number, (user, target) in enumerate([("a", "b"), ("b", "a"), ("a", "b")]):
        event = {"event_id": f"e{number}", "type": "message", "user_id": user, "target_id": target,
                 "ts": START_MS + number * 1_000}  # fmt: skip
        found += stage.send(FieldMapping().read(event, content=number))
    said = {decision.event_id: decision.hits[0].clauses[0].text for decision in found if decision.hits}
    assert said["e1"] == "2nd of 3 events with the pair a and b within 1d"
    assert set(said) == {"e0", "e1", "e2"}


def test_a_read_moves_no_record() -> None:
    """However long after what was counted it comes: a record as it was leaves the same bytes."""
    rule = "r: {event: [login, message], when: [to_me >= 1], then: {flag: x}}"
    stage = ExampleStage(load_rulebook({"r.yaml": FRIENDS.replace("RULE", rule)}), {})

    def sent(number: int, kind: str, user: str, target: str, day: int) -> bool:
        event = {"event_id": f"e{number}", "type": kind, "user_id": user, "target_id": target,
                 "ts": START_MS + day * 86_400_000}  # fmt: skip
        return any(decision.hits for decision in stage.send(FieldMapping().read(event, content=number)))

    assert not sent(1, "message", "a", "b", 0)
    record = stage.entities["target_id", "b"]
    before = dump_record(record)
    assert [sent(2 + day, "login", "b", "c", day) for day in (0, 1, 40, 60, 3_000)] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert dump_record(record) == before
