"""How far a rule that holds reaches: whom it is about, and on which share of them it acts at which time."""

from typing import Literal

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.decisions import Mode
from engine.core.domain.events import Event
from engine.core.domain.rules import Rule
from engine.core.kernel import hash64, lookup
from engine.core.values.hashing import hash32

_HASHES = 1 << 64


def target_of(event: Event, rule: Rule) -> str | None:
    """Whom or what a rule is about: what its first action is. None when the event does not say. An event may name
    several domains or networks: then it is its user who is drawn by lots."""
    then = rule.then
    if then.target == "user":  # the usual case
        return event.user_id
    if then.keys is not None:
        return event.user_id if then.keys(event.fields) else None
    return named_by(event, then)


def named_by(event: Event, then: ActionTemplate) -> str | None:
    """Whom or what an action is about; None when the event does not say."""
    if then.target == "user":
        return event.user_id
    if then.target == "event":
        return event.event_id
    target = lookup(event.fields, then.path)
    return target if type(target) is str and target else None


def is_in_force(rule: Rule, event: Event, target_id: str) -> bool:
    """Whether a rule that holds acts: not after its last day, unless it is to protect, and not outside its arm. A
    canary acts on a share of its targets, always the same ones: a larger share has those of a smaller one in it."""
    if rule.expires_ms is not None and event.ts_ms >= rule.expires_ms and rule.then.kind != "allow":
        return False
    if rule.arm is not None and not rule.arm.begin <= _drawn("experiment", event, rule, target_id) < rule.arm.end:
        return False
    mode, share = mode_at(rule, event.ts_ms)
    if mode != "canary":
        return mode == "enforce"
    return _drawn(f"canary\x00{rule.name}", event, rule, target_id) < share


def withheld(rule: Rule, event: Event, target_id: str) -> Literal["holdout", "spared"] | None:
    """Why a rule that is in force does not act on its target after all. Held out are the same entities by all rules."""
    if rule.holdout and _drawn("experiment", event, rule, target_id) >= 1 - rule.holdout:
        return "holdout"
    if rule.spares and _drawn(f"spared\x00{rule.name}", event, rule, target_id) < rule.spares:
        return "spared"
    return None


def acts_on(rule: Rule, event: Event, target_id: str) -> bool:
    """Whether a rule that holds may act on its target, as far as modes and shares go."""
    return is_in_force(rule, event, target_id) and withheld(rule, event, target_id) is None


def delay_ms(rule: Rule, action_id: str) -> int:
    """How long whoever enforces waits, from the event's time on: the same in each replay, and nobody can tell it who
    does not have the deployment's secret."""
    least, most = rule.delays_ms
    drawn: int = hash64(f"delay\x00{action_id}")
    return least + drawn % (most - least + 1)


def _drawn(lot: str, event: Event, rule: Rule, target_id: str) -> float:
    """Where on the line from 0 to 1 a rule's target lies, always the same for one lot. Where it is an event, its user
    counts."""
    entity = event.user_id if rule.then.target == "event" else target_id
    drawn: int = hash64(f"{lot}\x00{entity}")
    return drawn / _HASHES


def cooldown_key(rule: Rule, acts: bool) -> int:
    """The key of a rule's cooldown. What does not act (in shadow, paused, outside a canary, held out) rests by itself,
    so a rule that begins to act finds nobody resting."""
    return rule.key if acts else hash32(f"shadow {rule.name}")


def mode_at(rule: Rule, ts_ms: int) -> tuple[Mode, float]:
    """A rule's mode at a time, and of a canary its share."""
    for stage in reversed(rule.plan):
        if ts_ms >= stage.from_ms:
            return stage.mode, stage.share
    return rule.mode, rule.share


def allows(rule: Rule, event: Event) -> bool:
    """Whether an allow rule that holds keeps the others from acting."""
    return is_in_force(rule, event, target_of(event, rule) or event.user_id)
