"""What moderators say in the queue: recorded, on its way out after a while in which it can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from engine.console.store import offers, queue
from engine.console.store.authorship import author_of, first_author_of
from engine.console.store.followed import CASES, EVENTS, LABELS, MENTIONS
from engine.console.store.histories import find_event
from engine.console.store.outgoing import enqueue, undo
from engine.console.store.own import GOLDEN, OUTGOING, VERDICTS
from engine.console.store.settling import APPEAL, last_answers, settle_cases
from engine.errors import RequestError

BULK, DIRECT = "bulk", "direct"
MOST_IN_BULK = 500
RETRACTED = "retracted"
_WHY_RETRACTED = "taken back by who had said it"
_COUNTED_TO = 1_000
_ALIKE = ("text", "url_domain", "device_id")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody says. `label`: spam or ham, or retracted; `policy`: what it is about; `reason`: why."""

    account: str
    label: str
    policy: str = ""
    reason: str = ""


def judge(
    connection: Connection, verdict: Verdict, event_id: str, now_ms: int, undo_ms: int, second_share: float
) -> int:  # fmt: skip
    """Record what somebody says of the event that they have claimed; returns the verdict's number. Raises RequestError
    where they have it no more."""
    claim = queue.end_claim(connection, verdict.account, event_id, now_ms)
    if claim is None:
        raise RequestError("your time for this event is over, and somebody else may have it: take the next one", 409)
    if queue.is_answered(connection, event_id, claim.kind):
        raise RequestError("it has been answered elsewhere meanwhile, so nothing is recorded: take the next one", 409)
    golden = connection.execute(select(GOLDEN).where(GOLDEN.c.event_id == event_id)).first()
    user_id = author_of(connection, event_id, claim.kind, queue.case_of(connection, event_id))
    goes_out = claim.kind in (offers.FIRST, offers.SENIOR, APPEAL)
    said_ms = max(now_ms, _appealed_ms(connection, event_id) + 1)
    propensity = _propensity(connection, event_id, user_id) if claim.kind == offers.FIRST else None
    outgoing = (
        _send(connection, verdict, event_id, user_id, propensity, said_ms, now_ms + undo_ms) if goes_out else None
    )
    number = _record(
        connection, verdict, event_id, said_ms, kind=claim.kind, outgoing=outgoing, took_ms=now_ms - claim.since_ms,
        expected=golden.label if golden is not None and claim.kind == offers.GOLDEN_ITEM else None,
    )  # fmt: skip
    settle_cases(connection, [event_id])
    _ask_others(connection, claim.kind, verdict, event_id, user_id, now_ms, second_share)
    return number


def say_directly(
    connection: Connection, verdict: Verdict, events: Sequence[tuple[str, str]], now_ms: int, undo_ms: int = 0
) -> str:  # fmt: skip
    """Label events, each with its user, outside of the queue or many at once; returns what names all of them."""
    batch, kind = uuid4().hex, DIRECT if len(events) == 1 else BULK
    for event_id, user_id in events:
        known = user_id or first_author_of(connection, event_id)
        outgoing = _send(connection, verdict, event_id, known, None, now_ms, now_ms + undo_ms)
        _record(connection, verdict, event_id, now_ms, kind=kind, outgoing=outgoing, batch=batch)
    settle_cases(connection, {event_id for event_id, _ in events})
    return batch


def take_back(connection: Connection, account: str, number: int, now_ms: int) -> list[str]:
    """Undo a verdict of one's own, with all that were given together with it, as long as they wait; returns the events.
    Raises RequestError where it is out already."""
    first = _own(connection, account, number)
    rows = [first] if first.batch is None else _of_batch(connection, first.batch)
    waiting = [row for row in rows if row.outgoing is None or undo(connection, row.outgoing)]
    if not waiting:
        raise RequestError("it is out already: retract it", 409)
    _mark_undone(connection, waiting, now_ms)
    return [row.event_id for row in waiting]


def retract(connection: Connection, account: str, number: int, now_ms: int, *, with_batch: bool) -> list[str]:
    """Take back a verdict of one's own also where it is out: its label is retracted, unless somebody else has had the
    last word since, which a retraction would take back too. `with_batch`: with all that were given together with it.
    Returns the events. Raises RequestError where there is no such verdict."""
    first = _own(connection, account, number)
    if first.label == RETRACTED:
        raise RequestError("what has been retracted is labelled anew at its decision")
    rows = [first] if first.batch is None or not with_batch else _of_batch(connection, first.batch)
    last = last_answers(connection, [row.event_id for row in rows])
    _mark_undone(connection, rows, now_ms)
    for row in rows:
        is_overruled = row.event_id in last and last[row.event_id].stands and last[row.event_id].who != account
        if row.outgoing is not None and not undo(connection, row.outgoing) and not is_overruled:
            said = Verdict(account, RETRACTED, reason=_WHY_RETRACTED)
            ts, user_id = max(now_ms, row.ts + 1), _labelled(connection, row)
            outgoing = _send(connection, said, row.event_id, user_id, None, ts, now_ms)
            _record(connection, said, row.event_id, ts, kind=DIRECT, outgoing=outgoing)
    settle_cases(connection, [row.event_id for row in rows])
    return [row.event_id for row in rows]


def latest(connection: Connection, account: str) -> Row[Any] | None:
    """What somebody has said last, and not undone."""
    mine = select(VERDICTS).where(VERDICTS.c.account == account, VERDICTS.c.undone_ms.is_(None))
    return connection.execute(mine.order_by(VERDICTS.c.ts.desc(), VERDICTS.c.id.desc()).limit(1)).first()


def alike(connection: Connection, event_id: str, user_id: str) -> dict[tuple[str, str], list[Row[Any]]]:
    """The other events with the same text, domain or device, that nobody has labelled: by kind and value, the newest
    first, at most 500 of each."""
    event = find_event(connection, event_id, user_id)
    if event is None:
        return {}
    found: dict[tuple[str, str], list[Row[Any]]] = {}
    named = select(MENTIONS).where(MENTIONS.c.event_row == event.id, MENTIONS.c.kind.in_(_ALIKE))
    for mention in connection.execute(named):
        is_labelled = select(LABELS.c.id).where(LABELS.c.event_id == EVENTS.c.event_id).exists()
        others = (
            select(EVENTS.c.event_id, EVENTS.c.user_id, EVENTS.c.ts, EVENTS.c.type, EVENTS.c.document)
            .join(MENTIONS, MENTIONS.c.event_row == EVENTS.c.id)
            .where(MENTIONS.c.kind == mention.kind, MENTIONS.c.value == mention.value)
            .where(EVENTS.c.id != event.id, ~is_labelled)
            .order_by(MENTIONS.c.ts.desc())
            .limit(MOST_IN_BULK)
        )
        rows: list[Row[Any]] = [*connection.execute(others)]
        if rows:
            found[mention.kind, mention.value] = rows
    return found


def disturbing_of_late(connection: Connection, account: str, since_ms: int) -> int:
    """How many events somebody has called spam since then: of those that disturb, most are."""
    query = select(VERDICTS.c.id).where(
        VERDICTS.c.account == account, VERDICTS.c.ts > since_ms, VERDICTS.c.label == "spam"
    )
    return len(list(connection.execute(query.limit(_COUNTED_TO))))


def _own(connection: Connection, account: str, number: int) -> Row[Any]:
    own = (VERDICTS.c.id == number, VERDICTS.c.account == account, VERDICTS.c.undone_ms.is_(None))
    row = connection.execute(select(VERDICTS).where(*own)).first()
    if row is None:
        raise RequestError("there is no such verdict of yours, or it is taken back already", 404)
    return row


def _mark_undone(connection: Connection, rows: Sequence[Row[Any]], now_ms: int) -> None:
    """These do not count any more, and nobody is asked on because of them."""
    numbers = [row.id for row in rows]
    connection.execute(update(VERDICTS).where(VERDICTS.c.id.in_(numbers)).values(undone_ms=now_ms))
    settle_cases(connection, [row.event_id for row in rows])
    for row in rows:
        if row.kind in (offers.FIRST, offers.SECOND):
            queue.close_further(connection, row.event_id, offers.SECOND if row.kind == offers.FIRST else offers.SENIOR)


def _ask_others(
    connection: Connection, kind: str, verdict: Verdict, event_id: str, user_id: str, now_ms: int, second_share: float
) -> None:  # fmt: skip
    if kind == offers.FIRST and offers.is_chosen(event_id, offers.SECOND, second_share):
        queue.ask_further(connection, event_id, user_id, offers.SECOND, verdict.account, now_ms)
    elif kind == offers.SECOND:
        queue.close_further(connection, event_id, offers.SECOND)
        first = connection.execute(
            select(VERDICTS.c.label)
            .where(VERDICTS.c.event_id == event_id, VERDICTS.c.kind == offers.FIRST, VERDICTS.c.undone_ms.is_(None))
            .limit(1)
        ).scalar()
        if first is not None and first != verdict.label:
            queue.ask_further(connection, event_id, user_id, offers.SENIOR, verdict.account, now_ms)
    elif kind == offers.SENIOR:
        queue.close_further(connection, event_id, offers.SENIOR)


def _send(
    connection: Connection, verdict: Verdict, event_id: str, user_id: str, propensity: float | None, now_ms: int,
    due_ms: int,
) -> str:  # fmt: skip
    label: dict[str, Any] = {
        "event_id": event_id, "label": verdict.label, "ts": now_ms, "moderator": verdict.account,
    }  # fmt: skip
    more: Mapping[str, Any] = {"user_id": user_id, "policy": verdict.policy, "propensity": propensity}
    label |= {name: value for name, value in more.items() if value}
    return enqueue(connection, "label", label, verdict.account, due_ms)


def _record(connection: Connection, verdict: Verdict, event_id: str, now_ms: int, **values: Any) -> int:
    made = connection.execute(
        insert(VERDICTS).values(
            event_id=event_id, account=verdict.account, label=verdict.label, policy=verdict.policy or None,
            reason=verdict.reason, ts=now_ms, **values,
        )
    )  # fmt: skip
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def _of_batch(connection: Connection, batch: str) -> list[Row[Any]]:
    return list(connection.execute(select(VERDICTS).where(VERDICTS.c.batch == batch, VERDICTS.c.undone_ms.is_(None))))


def _appealed_ms(connection: Connection, event_id: str) -> int:
    """When somebody appealed last; an answer comes after it, though clocks differ."""
    appeals = select(func.max(CASES.c.ts)).where(CASES.c.event_id == event_id, CASES.c.source == APPEAL)
    return connection.execute(appeals).scalar() or 0


def _propensity(connection: Connection, event_id: str, user_id: str) -> float | None:
    """How likely it was that a model asked about what this user did; None where none has."""
    asked = (CASES.c.event_id == event_id, CASES.c.user_id == user_id, CASES.c.propensity.is_not(None))
    return connection.execute(select(CASES.c.propensity).where(*asked).limit(1)).scalar()


def _labelled(connection: Connection, verdict: Row[Any]) -> str:
    """Whose event a verdict that went out was about."""
    payload = connection.execute(select(OUTGOING.c.payload).where(OUTGOING.c.id == verdict.outgoing)).scalar()
    user_id = orjson.loads(payload).get("user_id") if payload is not None else None
    return str(user_id or first_author_of(connection, verdict.event_id))
