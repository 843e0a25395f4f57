"""Questions about decisions, as addresses of pages and of the API say them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from engine.console.store.search import Question
from engine.console.web.visits import Visit
from engine.core.domain.units import duration_ms
from engine.errors import RequestError

FIELDS: Mapping[str, str] = {
    "user_id": "the user",
    "entity": "an entity, as kind:value, such as device_id:d1",
    "rule": "a rule that held",
    "effect": "what came of that rule, such as shadow",
    "outcome": "what came of the event",
    "type": "the event's type",
    "event_id": "the event",
    "action_id": "an action",
    "since": "not before this time (ISO 8601, or epoch ms), or no longer ago than this, such as 24h",
    "until": "before this time",
    "score": "at least this score",
    "words": "what the record has somewhere",
}


def read_question(visit: Visit) -> Question:
    """What an address asks for. Raises RequestError."""
    return Question(
        user_id=visit.text("user_id"),
        event_id=visit.text("event_id"),
        action_id=visit.text("action_id"),
        entity=read_entity(visit.text("entity")),
        rule=visit.text("rule"),
        effect=visit.text("effect"),
        outcome=visit.text("outcome"),
        type=visit.text("type"),
        since_ms=read_time(visit, "since"),
        until_ms=read_time(visit, "until"),
        least_score=_score(visit),
        words=visit.text("words", most=200),
        before=_before(visit.text("before", most=60)),
    )


def address_of(visit: Visit, **changed: str) -> str:
    """The query of this page with some fields changed."""
    fields = {name: visit.text(name) for name in FIELDS} | changed
    return urlencode({name: value for name, value in fields.items() if value})


def read_entity(text: str) -> tuple[str, str] | None:
    """Kind and value of an entity. Raises RequestError."""
    if not text:
        return None
    kind, colon, value = text.partition(":")
    if not colon or not kind or not value:
        raise RequestError(f"an entity is kind:value, such as device_id:d1, not {text[:60]!r}")
    return kind, value


def read_time(visit: Visit, name: str) -> int | None:
    """A time in epoch ms; a duration is so long ago. Raises RequestError."""
    text = visit.text(name, most=60)
    if not text:
        return None
    if text.isdecimal():
        return int(text)
    lasts_ms = duration_ms(text)
    if lasts_ms is not None:
        return visit.now_ms - lasts_ms
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(f"`{name}` is a time such as 2027-01-31T14:00, or a duration such as 24h") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _score(visit: Visit) -> float | None:
    text = visit.text("score", most=30)
    try:
        return float(text) if text else None
    except ValueError:
        raise RequestError("`score` is a number from 0 to 1") from None


def _before(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    ts, _, row = text.partition(".")
    if not ts.isdecimal() or not row.isdecimal():
        raise RequestError("`before` is what the page before has named")
    return int(ts), int(row)
