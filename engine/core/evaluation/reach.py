"""How far a rule that holds reaches: whom it is about, and on which share of them it acts at which time."""

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.decisions import Mode
from engine.core.domain.events import Event
from engine.core.domain.rules import Rule
from engine.core.kernel import hash64, lookup
from engine.core.values.hashing import hash32

_HASHES = 1 << 64


def target_of(event: Event, rule: Rule) -> str | None:
    """Whom or what a rule is about: what its first action is. None when the event does not say."""
    return named_by(event, rule.then)


def named_by(event: Event, then: ActionTemplate) -> str | None:
    """Whom or what an action is about; None when the event does not say."""
    if then.target == "user":
        return event.user_id
    if then.target == "event":
        return event.event_id
    target = lookup(event.fields, then.path)
    return target if type(target) is str and target else None


def is_in_force(rule: Rule, event: Event, target_id: str) -> bool:
    """Whether a rule that holds acts: not after its last day, unless it is to protect. A canary acts on a share of its
    targets, always the same ones: a larger share has those of a smaller one in it. Where the target is an event, its
    user counts."""
    if rule.expires_ms is not None and event.ts_ms >= rule.expires_ms and rule.then.kind != "allow":
        return False
    mode, share = mode_at(rule, event.ts_ms)
    if mode != "canary":
        return mode == "enforce"
    entity = event.user_id if rule.then.target == "event" else target_id
    chosen: int = hash64(f"canary\x00{rule.name}\x00{entity}")
    return chosen < share * _HASHES


def cooldown_key(rule: Rule, acts: bool) -> int:
    """The key of a rule's cooldown. What does not act (in shadow, paused, outside a canary) rests by itself, so a rule
    that begins to act finds nobody resting."""
    return rule.key if acts else hash32(f"shadow {rule.name}")


def mode_at(rule: Rule, ts_ms: int) -> tuple[Mode, float]:
    """A rule's mode at a time, and of a canary its share."""
    stage = next((stage for stage in reversed(rule.plan) if ts_ms >= stage.from_ms), None)
    return (stage.mode, stage.share) if stage is not None else (rule.mode, rule.share)


def allows(rule: Rule, event: Event) -> bool:
    """Whether an allow rule that holds keeps the others from acting."""
    return is_in_force(rule, event, target_of(event, rule) or event.user_id)
