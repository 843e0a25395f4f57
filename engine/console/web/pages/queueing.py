"""What pages and programs do with the queue alike."""

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from engine.console.store import offers, queue, verdicts
from engine.console.store.offers import Scope
from engine.console.store.roles import Role
from engine.console.store.settling import last_answers
from engine.console.store.verdicts import Verdict
from engine.console.web.visits import Visit
from engine.core.values.identity import MAX_ID_CHARS
from engine.errors import RequestError

_LABELS = ("spam", "ham")
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
_CHOSEN = msgspec.json.Decoder(tuple[_Id, str])


def undo(visit: Visit, number: int) -> list[str]:
    """Take a verdict back as long as it waits; returns the events."""
    with visit.store.write() as connection:
        events = verdicts.take_back(connection, visit.person.name, number, visit.now_ms)
        for event_id in events:
            visit.note(connection, "undid a label", f"event:{event_id}")
    return events


def retract(visit: Visit, number: int, *, with_batch: bool) -> list[str]:
    """Take a verdict back, though it is out; returns the events."""
    with visit.store.write() as connection:
        events = verdicts.retract(connection, visit.person.name, number, visit.now_ms, with_batch=with_batch)
        for event_id in events:
            visit.note(connection, "retracted a label", f"event:{event_id}")
    return events


def answered(connection: Connection, claim: queue.Claim | None) -> str | None:
    """Who has answered meanwhile what, as a sentence; None while nobody has."""
    if claim is None or not queue.is_answered(connection, claim.event_id, claim.kind):
        return None
    answer = last_answers(connection, [claim.event_id]).get(claim.event_id)
    if answer is None or not answer.stands:
        return "It has been settled meanwhile."
    return f"{answer.who or 'Somebody'} has said {answer.label} meanwhile."


def keep(visit: Visit) -> queue.Claim | None:
    """What one looks at; writes only where there is something to keep."""
    name, lease_ms = visit.person.name, visit.settings.console.claim_s * 1_000
    with visit.store.read() as connection:
        if queue.current_claim(connection, name, visit.now_ms) is None:
            return None
    with visit.store.write() as connection:
        return queue.keep(connection, name, visit.now_ms, lease_ms)


def take(visit: Visit, connection: Connection) -> queue.Claim | None:
    """Take what comes next."""
    console = visit.settings.console
    return queue.claim_next(connection, scope_of(visit), visit.now_ms, console.claim_s * 1_000, console.golden_share)


def take_or_say(visit: Visit, connection: Connection) -> str:
    """Take what comes next; what to say where nothing does."""
    if take(visit, connection) is not None:
        return ""
    if queue.has_skipped(connection, visit.person.name, visit.now_ms):
        return "Nothing waits but what you have skipped."
    return "Nothing waits."


def judge(visit: Visit, connection: Connection, event_id: str) -> int:
    """Record what is said of a taken event; returns the verdict's number."""
    console, verdict = visit.settings.console, read_verdict(visit)
    undo_ms, share = console.undo_s * 1_000, console.second_review_share
    number = verdicts.judge(connection, verdict, event_id, visit.now_ms, undo_ms, share)
    visit.note(
        connection, "labelled", f"event:{event_id}", label=verdict.label, policy=verdict.policy, reason=verdict.reason
    )
    return number


def read_verdict(visit: Visit) -> Verdict:
    """What is said, as a form or JSON has it. Raises RequestError."""
    label, policy, reason = (str(asked(visit, name) or "") for name in ("label", "policy", "reason"))
    if label not in _LABELS:
        raise RequestError(f"a verdict is one of {', '.join(_LABELS)}")
    if policy and policy not in visit.settings.console.policies:
        raise RequestError(f"{policy!r} is none of the policies: {', '.join(visit.settings.console.policies)}")
    if visit.settings.console.notes == "demanded" and not reason:
        raise RequestError("say why: `console.notes` demands it")
    return Verdict(visit.person.name, label, policy, reason[:500])


def chosen(visit: Visit) -> list[tuple[str, str]]:
    """The events that a form has chosen, each with its user: an id alone may be somebody else's too. Raises
    RequestError."""
    try:
        return [_CHOSEN.decode(text) for text in visit.texts("event", verdicts.MOST_IN_BULK)]
    except (msgspec.MsgspecError, ValueError):
        raise RequestError("`event` is a JSON array of an event's id and its user's") from None


def asked(visit: Visit, name: str) -> Any:
    """A value of a form, or of JSON."""
    return visit.body.get(name) if isinstance(visit.body, dict) else visit.text(name)


def event_of(visit: Visit) -> str:
    """The event that a form names. Senders choose the ids: of one with blanks around it, or with line breaks, a form
    brings another text, so what somebody looks at is compared without them and taken as it is."""
    given = visit.text("event_id")
    with visit.store.read() as connection:
        claim = queue.current_claim(connection, visit.person.name, visit.now_ms)
    return claim.event_id if claim is not None and _as_sent(claim.event_id) == _as_sent(given) else given


def scope_of(visit: Visit) -> Scope:
    """The part of the queue that somebody works on."""
    source = visit.text("source", most=20)
    if source not in ("", *offers.SOURCES):
        raise RequestError(f"`source` is one of {', '.join(offers.SOURCES)}")
    is_senior = visit.person.role in (Role.SENIOR, Role.ADMINISTRATOR)
    within_ms = visit.settings.console.service_levels_ms()
    return Scope(visit.person.name, visit.person.areas, visit.person.languages, source, is_senior, within_ms)


def _as_sent(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
