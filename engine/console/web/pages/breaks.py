"""Breaks from disturbing items: how many somebody has seen, and what is offered to them."""

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from engine.console.store import breaks, queue, verdicts
from engine.console.web.pages import queueing
from engine.console.web.visits import Page, Visit
from engine.errors import RequestError

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000


def answer_offer(visit: Visit) -> Response:
    """Take a break, decline it, or go on after it."""
    answer = visit.text("answer")
    if answer not in _ANSWERS:
        raise RequestError(f"`answer` is one of {', '.join(_ANSWERS)}")
    with visit.store.write() as connection:
        return visit.go("/queue", _ANSWERS[answer](visit, connection))


def show_breaks(visit: Visit, connection: Connection) -> dict[str, Any]:
    """What the queue's page tells: how much disturbed within the hour, whether a break is offered, until when it is."""
    account, now_ms = visit.person.name, visit.now_ms
    until_ms = breaks.last_until_ms(connection, account)
    hour = verdicts.disturbing_of_late(connection, account, now_ms - _HOUR_MS)
    since_break = verdicts.disturbing_of_late(connection, account, max(until_ms, now_ms - _HOUR_MS))
    return {
        "disturbing": hour,
        "offers_break": since_break >= visit.settings.console.break_after,
        "break_until_ms": until_ms if until_ms > now_ms else None,
    }


def _take(visit: Visit, connection: Connection) -> str:
    claim = queue.current_claim(connection, visit.person.name, visit.now_ms)
    if claim is not None:
        queue.release(connection, visit.person.name, claim.event_id)
    until_ms = visit.now_ms + visit.settings.console.break_m * _MINUTE_MS
    breaks.begin(connection, visit.person.name, visit.now_ms, until_ms)
    return "What you looked at is given back."


def _decline(visit: Visit, connection: Connection) -> str:
    breaks.begin(connection, visit.person.name, visit.now_ms, visit.now_ms)
    return ""


def _go_on(visit: Visit, connection: Connection) -> str:
    breaks.end(connection, visit.person.name, visit.now_ms)
    return queueing.take_or_say(visit, connection)


_ANSWERS = {"take": _take, "decline": _decline, "go on": _go_on}

PAGES = (Page("/queue/break", "queue_break", answer_offer, "POST"),)
