"""A rule goes on by one stage at a time, when the clock and its proof allow it."""

import msgspec
import pytest

from engine.core.domain.rules import Rule
from engine.core.evaluation.reach import mode_at
from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook
from engine.stream.control.promotions import Promotion, Promotions, held_back, next_stage, note_promotion, plan_key

DAY = 86_400_000
START = 1_764_547_200_000  # 2025-12-01
RULES = """
version: 1
rules:
  r:
    event: post
    when: [event.n > 1]
    then: {flag: x}
    plan: {from: 2025-12-01, shadow: 24h, canary: 10%, canary_for: 48h, promote_if: precision_lcb >= 0.9}
"""
RULEBOOK = load_rulebook({"rules.yaml": RULES})
RULE = RULEBOOK.rules[0]


def promoted(stage: int, day: float, rule: Rule = RULE) -> Promotions:
    known: Promotions = {}
    promotion = Promotion(stage, plan_key(rule), "ann", "", START + int(day * DAY))
    note_promotion(known, "promoted/r", msgspec.json.encode(promotion))
    return known


def mode(known: Promotions, day: float) -> str:
    return mode_at(held_back(RULEBOOK, known).rules[0], START + int(day * DAY))[0]


def test_without_promotion_it_stays_in_shadow() -> None:
    assert [mode({}, day) for day in (-1, 0.5, 2, 30)] == ["shadow"] * 4
    assert next_stage(RULE, {}, START + DAY - 1) is None
    assert next_stage(RULE, {}, START + DAY) == 2


def test_proof_that_comes_late_skips_no_canary() -> None:
    late = promoted(2, day=5)
    assert next_stage(RULE, {}, START + 5 * DAY) == 2
    assert mode(late, 6) == "canary"
    assert next_stage(RULE, late, START + 7 * DAY - 1) is None
    assert next_stage(RULE, late, START + 7 * DAY) == 3
    done = promoted(3, day=7)
    assert mode(done, 7) == "enforce"
    assert next_stage(RULE, done, START + 30 * DAY) is None


def test_an_edited_rule_begins_anew() -> None:
    other = load_rulebook({"rules.yaml": RULES.replace("> 1", "> 2")}).rules[0]
    assert mode(promoted(3, 7, other), 30) == "shadow"


@pytest.mark.parametrize("value", [b"", b"{}", b"null", b'{"stage": -1, "plan": 1, "author": "", "why": "", "ts": 0}'])
def test_what_is_no_promotion_is_refused(value: bytes) -> None:
    with pytest.raises(RulebookError, match="no promotion"):
        note_promotion({}, "promoted/r", value)
