"""What people have to look at: events that a model asks about, actions to agree with, appeals, reports."""

from collections.abc import Mapping
from math import log2
from typing import Any

from engine.console_settings import ConsoleSettings
from engine.core.domain.events import Event
from engine.core.values.identity import MAX_ID_CHARS

MAX_VALUE_CHARS = 200
_REACH_FIELDS = ("followers", "reach", "audience")
_ABOUT_FIELDS = ("target_event_id", "about_event_id")
_UNKNOWN_SCORE = 0.5
_AGREEMENT_VALUE = 1.0
_REPORT_VALUE = 1.5
_APPEAL_VALUE = 2.0

Case = dict[str, Any]


def of_event(event: Event, settings: ConsoleSettings) -> Case | None:
    """What users ask people to look at: an appeal, or a report of somebody else's event; None for any other event."""
    is_appeal = event.type in settings.appeal_types
    if not is_appeal and event.type not in settings.report_types:
        return None
    fields = event.fields
    named = (fields.get(name) for name in _ABOUT_FIELDS)
    about = next((one for one in named if isinstance(one, str) and 0 < len(one) <= MAX_ID_CHARS), event.event_id)
    return _case(
        source="appeal" if is_appeal else "report",
        key=f"{event.user_id} {event.event_id}",
        event_id=about,
        user_id=event.user_id,
        ts=event.ts_ms,
        type=event.type,
        language=_language(fields),
        why=short_text(fields.get("reason")) or short_text(fields.get("text")) or "",
        value=_APPEAL_VALUE if is_appeal else _REPORT_VALUE,
    )


def of_action(action: Mapping[str, Any]) -> Case:
    """An action that waits until somebody agrees."""
    return _case(
        source="agreement",
        key=action["action_id"],
        event_id=action["event_id"],
        user_id=action["user_id"],
        ts=action["ts"],
        type=action["kind"],
        area=short_text(action.get("area")) or "",
        why=f"{action['rule']}: {action['reason']}"[:MAX_VALUE_CHARS],
        value=_AGREEMENT_VALUE,
    )


def of_review(review: Mapping[str, Any]) -> Case:
    """An event that a model asks about."""
    score, inputs = review["score"], review["inputs"]
    return _case(
        source="review",
        key=f"{review['model']} {review['event_id']} {review['user_id']}",
        event_id=review["event_id"],
        user_id=review["user_id"],
        ts=review["ts"],
        type=short_text(review.get("type")) or "",
        language=_language(inputs),
        model=review["model"],
        score=score,
        propensity=review["propensity"],
        why=review["why"][:MAX_VALUE_CHARS],
        value=value_of(score, inputs),
    )


def value_of(score: float | None, fields: Mapping[str, Any]) -> float:
    """What a look at an event is worth: how uncertain its score is, times how many people it may reach."""
    likely = _UNKNOWN_SCORE if score is None else score
    reach = next((fields[name] for name in _REACH_FIELDS if type(fields.get(name)) in (int, float)), 0)
    return 4 * likely * (1 - likely) * (1 + log2(1 + min(max(reach, 0), 1e9)) / 10)


def short_text(value: Any) -> str | None:
    """A text, cut; None for anything else."""
    return value[:MAX_VALUE_CHARS] if isinstance(value, str) else None


def is_id(value: Any) -> bool:
    """Whether this names something."""
    return isinstance(value, str) and bool(value)


def _case(**values: Any) -> Case:
    empty = {"area": "", "language": "", "model": None, "score": None, "propensity": None, "is_open": True}
    return empty | values


def _language(fields: Mapping[str, Any]) -> str:
    given = fields.get("language") or fields.get("lang")
    return given[:20] if isinstance(given, str) else ""
