"""Deciding events: cooldowns, allow rules, shadow rules, duplicates, late events, scores."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.core.domain.decisions import Action, Decision
from engine.core.domain.events import FieldMapping
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import FixedScorer

START_MS = 1_760_000_000_000


class ExampleStage:
    """One user, one rulebook, events sent by the test."""

    def __init__(self, rules: str, score: float | None = None) -> None:
        self.rulebook = load_rulebook({"rules.yaml": "version: 1\n" + rules})
        scorers = {name: FixedScorer(score) for name in self.rulebook.models}
        self.evaluator = Evaluator(self.rulebook, scorers, sample=1.0)
        self.record = EntityRecord()
        self.sent = 0
        self.actions: list[Action] = []

    def send(self, at_s: float, event_id: str | None = None, content: int = 0, **fields: Any) -> Decision | None:
        self.sent += 1
        document = {"event_id": event_id or f"e{self.sent}", "type": "post", "user_id": "u",
                    "ts": START_MS + int(at_s * 1000), **fields}  # fmt: skip
        event = FieldMapping().read(document, content=content)
        program = self.rulebook.program(event.type)
        assert program is not None
        decision = self.evaluator.evaluate(event, program, self.record).decision
        self.actions += decision.actions if decision is not None else ()
        return decision

    def outcome(self, at_s: float, **fields: Any) -> str:
        decision = self.send(at_s, **fields)
        assert decision is not None
        return decision.outcome


COUNTERS = "counters:\n  n: {count: post, by: user_id, over: 10s}\n"
FLOOD = COUNTERS + "rules:\n  flood: {event: post, when: [n > 2], then: {limit: posting, for: 1h}%s}\n"


def test_a_rule_acts_on_the_event_that_crosses_its_threshold() -> None:
    stage = ExampleStage(FLOOD % "")
    assert [stage.outcome(at) for at in (0, 1, 2, 3, 13.5)] == ["none", "none", "act", "act", "none"]


def test_an_action_names_its_event_rule_target_and_reason() -> None:
    stage = ExampleStage(FLOOD % ", meta: {reason: too_fast}")
    decision = [stage.send(at) for at in (0, 1, 2)][-1]
    assert decision is not None
    (action,) = decision.actions
    assert (action.kind, action.scope, action.for_ms) == ("limit", "posting", 3_600_000)
    assert (action.target_type, action.target_id, action.reason) == ("user", "u", "too_fast")
    assert action.explanation == "n = 3 > 2; at n = 2 this would not have fired"


def test_action_ids_depend_on_event_rule_and_target_only() -> None:
    def ids(first_s: float) -> str:
        stage = ExampleStage(FLOOD % "")
        decision = [stage.send(at) for at in (first_s, 1, 2)][-1]
        assert decision is not None
        return decision.actions[0].action_id

    assert ids(0) == ids(0.5)


def test_a_rule_rests_during_its_cooldown() -> None:
    stage = ExampleStage(FLOOD % ", cooldown: {per: user_id, for: 5s}")
    assert [stage.outcome(at) for at in (0, 1, 2, 3, 6.9, 7)] == ["none", "none", "act", "cooldown", "cooldown", "act"]


def test_a_cooldown_long_past_is_over_whether_or_not_the_record_was_saved() -> None:
    outcomes = []
    for saved in (False, True):
        stage = ExampleStage(
            "counters:\n  n: {count: post, by: user_id, over: 30d}\n"
            "rules:\n"
            "  r: {event: post, when: [event.x > 1], then: {flag: x}, cooldown: {per: user_id, for: 5m}}\n"
        )
        stage.rulebook = dataclasses.replace(stage.rulebook, lateness_ms=10 * 86_400_000)
        stage.evaluator = Evaluator(stage.rulebook, {}, sample=1.0)
        stage.send(0, x=2)
        stage.send(4 * 86_400, x=0)
        if saved:
            stage.record = load_record(dump_record(stage.record))
        outcomes.append(stage.outcome(60, x=2))
    assert outcomes[0] == outcomes[1]


def test_a_shadow_rule_decides_and_does_not_act_and_has_its_own_cooldown() -> None:
    stage = ExampleStage(FLOOD % ", mode: shadow, cooldown: {per: user_id, for: 5s}")
    decisions = [stage.send(at) for at in (0, 1, 2, 3)]
    assert [d.outcome for d in decisions if d] == ["none", "none", "shadow", "cooldown"]
    assert not any(d.actions for d in decisions if d)


def canary(share: str, rule: str = "flood") -> set[str]:
    """Of a thousand users, those that a canary acts on."""
    stage = ExampleStage(FLOOD.replace("flood", rule).replace("n > 2", "n > 0") % f", mode: canary {share}")
    acted = set()
    for number in range(1_000):
        stage.record = EntityRecord()
        decision = stage.send(0, user_id=f"u{number}")
        assert decision is not None
        assert decision.hits[0].mode == "canary"
        assert (decision.outcome == "act") == bool(decision.actions) == (decision.hits[0].effect == "acted")
        if decision.actions:
            acted.add(decision.user_id)
    return acted


def test_a_canary_acts_on_a_share_of_users_and_a_larger_one_on_them_too() -> None:
    few, more = canary("5%"), canary("20%")
    assert 25 < len(few) < 80
    assert 150 < len(more) < 250
    assert few < more
    assert canary("5%") == few
    assert not canary("5%", rule="another") <= few


def test_a_canary_that_acts_on_events_goes_by_their_user() -> None:
    rules = (
        COUNTERS + "rules:\n  r: {event: post, when: [n > 0], then: {hide: content, target: event}, mode: canary 50%}\n"
    )
    stage = ExampleStage(rules)
    outcomes = {(user, stage.outcome(at, user_id=user)) for user in ("a", "b", "c", "d", "e", "f") for at in range(5)}
    assert len(outcomes) == 6
    assert {outcome for _, outcome in outcomes} == {"act", "shadow"}


def test_a_rule_is_in_shadow_from_its_last_day_on() -> None:
    day = datetime.fromtimestamp(START_MS / 1_000, UTC).date() + timedelta(days=1)
    stage = ExampleStage(FLOOD.replace("n > 2", "n > 0") % f", meta: {{expires: {day}}}")
    midnight_s = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - START_MS / 1_000
    assert [stage.outcome(at) for at in (0, midnight_s - 0.001, midnight_s, midnight_s + 90_000)] == [
        "act", "act", "shadow", "shadow",
    ]  # fmt: skip


def test_a_rule_that_protects_does_not_expire() -> None:
    allow = "  staff: {event: post, when: [event.staff], then: allow, meta: {expires: 2020-01-01}}\n"
    stage = ExampleStage((FLOOD.replace("n > 2", "n > 0") % "") + allow)
    assert stage.outcome(0, staff=True) == "allow"


def test_an_allow_rule_may_be_a_canary() -> None:
    allow = "  staff: {event: post, when: [event.staff], then: allow, mode: canary 50%}\n"
    stage = ExampleStage((FLOOD.replace("n > 2", "n > 0") % "") + allow)
    assert {stage.outcome(0, staff=True, user_id=f"u{number}") for number in range(30)} == {"allow", "act"}


def test_allow_beats_act() -> None:
    allow = "  staff: {event: post, when: [event.staff], then: allow}\n"
    stage = ExampleStage((FLOOD % "") + allow)
    assert [stage.outcome(at, staff=True) for at in (0, 1, 2)] == ["allow", "allow", "allow"]
    assert stage.outcome(3) == "act"


def test_a_repeated_event_counts_once_and_decides_nothing() -> None:
    stage = ExampleStage(FLOOD % "")
    stage.send(0, event_id="same")
    assert stage.send(1, event_id="same") is None
    assert stage.evaluator.tally.duplicates == 1
    assert [stage.outcome(at) for at in (2, 3)] == ["none", "act"]


def test_the_same_id_with_another_content_is_another_event() -> None:
    stage = ExampleStage(FLOOD % "")
    assert [stage.outcome(at, event_id="same", content=at + 1) for at in range(4)] == ["none", "none", "act", "act"]
    assert stage.evaluator.tally.conflicting == 3
    assert len({action.action_id for action in stage.actions}) == 2


def test_rules_read_that_an_id_has_been_used_for_something_else() -> None:
    stage = ExampleStage("rules:\n  forged: {event: post, when: [conflicting_ids], then: {flag: x}}\n")
    assert [stage.outcome(at, event_id="same", content=at + 1) for at in range(3)] == ["none", "act", "act"]


def test_an_event_that_is_very_late_counts_where_it_belongs_and_is_not_exempt() -> None:
    stage = ExampleStage(FLOOD % "")
    for at in (100, 101):
        stage.send(at)
    assert [stage.outcome(at) for at in (80, 81, 82)] == ["none", "none", "act"]
    assert stage.evaluator.tally.late == 3
    assert stage.outcome(102) == "act"


@pytest.mark.parametrize("ahead_s", [90, 2 * 3_600, 23 * 3_600, 25 * 3_600])
def test_an_event_far_ahead_silences_nobody(ahead_s: int) -> None:
    stage = ExampleStage(FLOOD % "")
    assert stage.outcome(ahead_s) == "none"
    assert [stage.outcome(at) for at in range(4)] == ["none", "none", "act", "act"]


def test_a_late_event_counts_where_it_belongs() -> None:
    stage = ExampleStage(FLOOD % "")
    stage.send(10)
    stage.send(11)
    assert stage.outcome(9) == "none"  # before both
    assert stage.outcome(12) == "act"  # it sees 9, 10, 11 and itself


def test_unknown_never_enforces() -> None:
    rules = "fields: {age: {type: duration, unit: d}, ok: bool}\nrules:\n"
    rules += "  young: {event: post, when: [age < 7d], then: {flag: x}}\n"
    rules += "  not_ok: {event: post, when: [not ok], then: {flag: x}}\n"
    rules += "  exempt: {event: post, when: ['true'], unless: [ok], then: {flag: x}}\n"
    assert ExampleStage(rules).outcome(0) == "none"
    assert ExampleStage(rules).outcome(0, age="young", ok="no") == "none"
    decision = ExampleStage(rules).send(0, age=1, ok=False)
    assert decision is not None
    assert [hit.rule for hit in decision.hits] == ["young", "not_ok", "exempt"]


@pytest.mark.parametrize(("score", "outcome"), [(0.95, "act"), (0.5, "none"), (None, "none")])
def test_a_score_is_read_by_rules_and_may_be_unknown(score: float | None, outcome: str) -> None:
    rules = "models: {spam: {texts: [text]}}\nrules:\n  r: {event: post, when: [score.spam > 0.9], then: {flag: x}}\n"
    assert ExampleStage(rules, score).outcome(0, text="buy") == outcome


def test_an_action_on_the_event_or_on_a_field() -> None:
    rules = "rules:\n  a: {event: post, when: ['true'], then: {hide: content, target: event}}\n"
    rules += "  b: {event: post, when: ['true'], then: {limit: reach, target: target_id}}\n"
    decision = ExampleStage(rules).send(0, target_id="page-9")
    assert decision is not None
    targets = [(action.target_type, action.target_id) for action in decision.actions]
    assert targets == [("event", "e1"), ("target_id", "page-9")]
    without = ExampleStage(rules).send(0)
    assert without is not None
    assert [action.rule for action in without.actions] == ["a"]


def test_only_a_sample_of_decisions_without_hits_is_reported() -> None:
    stage = ExampleStage(FLOOD % "")
    stage.evaluator = Evaluator(stage.rulebook, {}, sample=0.25)
    reported = [stage.send(index * 20) is not None for index in range(400)]
    assert 60 < sum(reported) < 140
