"""The review queue: one event after the other, by keys alone."""

from http import HTTPStatus
from typing import Any

import orjson
from sqlalchemy import Connection
from starlette.responses import Response

from engine.console.store import queue, verdicts
from engine.console.store.agreement import throughput
from engine.console.store.histories import COUNTED_TO, find_decision, find_event, history_of_user
from engine.console.store.queue import Scope
from engine.console.store.roles import Role
from engine.console.store.search import Question, search
from engine.console.store.settling import last_answers
from engine.console.store.verdicts import MOST_IN_BULK, Verdict
from engine.console.web.pages.decisions import describe
from engine.console.web.pages.signing_in import own_place
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError

_LABELS = ("spam", "ham")
_SHOWN_OF_USER = 8
_SAMPLE = 3
_GRACE_MS = 8_000
"""So long after somebody has left the page, nobody else gets what they looked at: they may be back."""

_STOP_ASKING = 286
"""The status at which htmx asks no more."""

_RETRACTION_OFFERED_MS = 600_000
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000


def show_queue(visit: Visit) -> Response:
    """What one looks at, or how much waits."""
    scope, console = _scope(visit), visit.settings.console
    claim = _keep(visit)
    with visit.store.read() as connection:
        answer = _answered(connection, claim)
        shown = _shown(connection, claim.event_id) if claim is not None else {}
        counts, oldest_ms = queue.count_open(connection, scope), queue.oldest_ms(connection, scope)
        last = verdicts.latest(connection, visit.person.name)
        disturbing = verdicts.disturbing_of_late(connection, visit.person.name, visit.now_ms - _HOUR_MS)
    undo_until_ms = last.ts + console.undo_s * 1_000 if last is not None and last.kind != verdicts.DIRECT else 0
    is_offered = undo_until_ms + _RETRACTION_OFFERED_MS > visit.now_ms
    return visit.page(
        "queue/queue.html",
        claim=claim,
        is_mine=True,
        answer=answer,
        counts=counts,
        oldest_ms=oldest_ms,
        last=last if is_offered else None,
        undo_until_ms=undo_until_ms,
        is_out=undo_until_ms <= visit.now_ms,
        disturbing=disturbing,
        offers_break=disturbing >= console.break_after,
        source=scope.source,
        counted_to=COUNTED_TO,
        **shown,
    )


def take_next(visit: Visit) -> Response:
    """Take what comes next."""
    with visit.store.write() as connection:
        said = _take_or_say(visit, connection)
    return visit.go(_address(visit), said)


def skip(visit: Visit) -> Response:
    """Leave what one looks at to others, and take the next."""
    event_id, until_ms = visit.text("event_id"), visit.now_ms + visit.settings.console.skipped_m * _MINUTE_MS
    with visit.store.write() as connection:
        if queue.skip(connection, visit.person.name, event_id, visit.now_ms, until_ms):
            visit.note(connection, "skipped", f"event:{event_id}")
        said = _take_or_say(visit, connection)
    return visit.go(_address(visit), f"Left to others. {said}".strip())


def leave(visit: Visit) -> Response:
    """Give back what one looks at, as one leaves: soon, for whoever loads the page anew has not left."""
    event_id, until_ms, end_ms = visit.text("event_id"), visit.number("until", 0), visit.now_ms + _GRACE_MS
    with visit.store.write() as connection:
        queue.leave(connection, visit.person.name, event_id, until_ms, end_ms)
    return Response(status_code=204)


def judge(visit: Visit) -> Response:
    """Say what the event is, and take the next."""
    event_id = visit.text("event_id")
    try:
        with visit.store.write() as connection:
            _judge(visit, connection, event_id)
            _take(visit, connection)
    except RequestError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        with visit.store.write() as connection:
            queue.release(connection, visit.person.name, event_id)
        return visit.go(_address(visit), f"{event_id} is not labelled by you: {error}.")
    return visit.go(_address(visit))


def show_standing(visit: Visit) -> Response:
    """What has become of the event that one looks at, meanwhile: empty while it waits for one's answer. Pages ask
    every few seconds, and no more after an answer of 286."""
    event_id = visit.text("event_id")
    with visit.store.read() as connection:
        claim = queue.current_claim(connection, visit.person.name, visit.now_ms)
        is_mine = claim is not None and claim.event_id == event_id
        answer = _answered(connection, claim) if is_mine else None
    has_ended = not is_mine or answer is not None
    return visit.page("queue/standing.html", _STOP_ASKING if has_ended else 200, is_mine=is_mine, answer=answer)


def undo(visit: Visit) -> Response:
    """Take back what one has said last, as long as it waits."""
    try:
        events = _undo(visit, visit.number("verdict", 0))
    except RequestError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        return visit.go("/queue", "It went out in this moment, so it is not undone. Press u to retract it.")
    return visit.go("/queue", f"Undone: {len(events)}.")


def retract(visit: Visit) -> Response:
    """Take back a verdict of one's own, though it is out."""
    back = visit.text("back")
    events = _retract(visit, visit.number("verdict", 0), with_batch=not back)
    told = f"Retracted: {len(events)}. It waits in the queue again."
    return visit.go(own_place(back) if back else "/queue", told)


def preview_bulk(visit: Visit) -> Response:
    """The other events with this text, domain or device, before they are all given one label."""
    event_id, kind, value = visit.text("event_id"), visit.text("kind"), visit.text("value")
    with visit.store.read() as connection:
        rows = verdicts.alike(connection, event_id).get((kind, value), [])
    if not rows:
        raise RequestError("no other event with it waits for a label")
    events = [orjson.loads(row.document) for row in rows]
    return visit.page("queue/bulk.html", event_id=event_id, kind=kind, value=value, events=events, most=MOST_IN_BULK)


def judge_bulk(visit: Visit) -> Response:
    """Give all the chosen events one label."""
    verdict, events = _verdict(visit), visit.texts("event_id", MOST_IN_BULK)
    if not events:
        raise RequestError("choose at least one event")
    with visit.store.write() as connection:
        undo_ms = visit.settings.console.undo_s * 1_000
        verdicts.say_directly(connection, verdict, [(event_id, "") for event_id in events], visit.now_ms, undo_ms)
        for event_id in events:
            visit.note(connection, "labelled in bulk", f"event:{event_id}", label=verdict.label, reason=verdict.reason)
    return visit.go("/queue", f"Labelled as {verdict.label}: {len(events)}.")


def show_mine(visit: Visit) -> Response:
    """What one has done oneself."""
    with visit.store.read() as connection:
        days = throughput(connection, visit.person.name)
    return visit.page("queue/mine.html", days=days)


def take_by_program(visit: Visit) -> Response:
    """Take what comes next, as JSON."""
    with visit.store.write() as connection:
        claim = _take(visit, connection)
        shown = _shown(connection, claim.event_id) if claim is not None else {}
    if claim is None:
        return json_response({"event_id": None})
    return json_response({"event_id": claim.event_id, "event": shown["fields"], "decision": shown["decision"]})


def judge_by_program(visit: Visit) -> Response:
    """Say what a taken event is."""
    event_id = str(_asked(visit, "event_id"))
    with visit.store.write() as connection:
        number = _judge(visit, connection, event_id)
    return json_response({"verdict": number})


def undo_by_program(visit: Visit) -> Response:
    """Take a verdict back as long as it waits."""
    return json_response({"undone": _undo(visit, _number(visit))})


def retract_by_program(visit: Visit) -> Response:
    """Take a verdict back, though it is out."""
    return json_response({"retracted": _retract(visit, _number(visit), with_batch=True)})


def _undo(visit: Visit, number: int) -> list[str]:
    with visit.store.write() as connection:
        events = verdicts.take_back(connection, visit.person.name, number, visit.now_ms)
        for event_id in events:
            visit.note(connection, "undid a label", f"event:{event_id}")
    return events


def _retract(visit: Visit, number: int, *, with_batch: bool) -> list[str]:
    with visit.store.write() as connection:
        events = verdicts.retract(connection, visit.person.name, number, visit.now_ms, with_batch=with_batch)
        for event_id in events:
            visit.note(connection, "retracted a label", f"event:{event_id}")
    return events


def _number(visit: Visit) -> int:
    number = _asked(visit, "verdict")
    if not isinstance(number, int):
        raise RequestError("`verdict` is the number that /api/queue/verdict has given")
    return number


def _answered(connection: Connection, claim: queue.Claim | None) -> str | None:
    """Who has answered meanwhile what, as a sentence; None while nobody has."""
    if claim is None or not queue.is_answered(connection, claim.event_id, claim.kind):
        return None
    answer = last_answers(connection, [claim.event_id]).get(claim.event_id)
    if answer is None or not answer.stands:
        return "It has been settled meanwhile."
    return f"{answer.who or 'Somebody'} has said {answer.label} meanwhile."


def _keep(visit: Visit) -> queue.Claim | None:
    """What one looks at; writes only where there is something to keep."""
    name, lease_ms = visit.person.name, visit.settings.console.claim_s * 1_000
    with visit.store.read() as connection:
        if queue.current_claim(connection, name, visit.now_ms) is None:
            return None
    with visit.store.write() as connection:
        return queue.keep(connection, name, visit.now_ms, lease_ms)


def _take(visit: Visit, connection: Connection) -> queue.Claim | None:
    console = visit.settings.console
    return queue.claim_next(connection, _scope(visit), visit.now_ms, console.claim_s * 1_000, console.golden_share)


def _take_or_say(visit: Visit, connection: Connection) -> str:
    """Take what comes next; what to say where nothing does."""
    if _take(visit, connection) is not None:
        return ""
    if queue.has_skipped(connection, visit.person.name, visit.now_ms):
        return "Nothing waits but what you have skipped."
    return "Nothing waits."


def _judge(visit: Visit, connection: Connection, event_id: str) -> int:
    console, verdict = visit.settings.console, _verdict(visit)
    undo_ms, share = console.undo_s * 1_000, console.second_review_share
    number = verdicts.judge(connection, verdict, event_id, visit.now_ms, undo_ms, share)
    visit.note(
        connection, "labelled", f"event:{event_id}", label=verdict.label, policy=verdict.policy, reason=verdict.reason
    )
    return number


def _verdict(visit: Visit) -> Verdict:
    label, policy, reason = (str(_asked(visit, name) or "") for name in ("label", "policy", "reason"))
    if label not in _LABELS:
        raise RequestError(f"a verdict is one of {', '.join(_LABELS)}")
    if policy and policy not in visit.settings.console.policies:
        raise RequestError(f"{policy!r} is none of the policies: {', '.join(visit.settings.console.policies)}")
    if visit.settings.console.notes == "demanded" and not reason:
        raise RequestError("say why: `console.notes` demands it")
    return Verdict(visit.person.name, label, policy, reason[:500])


def _asked(visit: Visit, name: str) -> Any:
    """A value of a form, or of JSON."""
    return visit.body.get(name) if isinstance(visit.body, dict) else visit.text(name)


def _scope(visit: Visit) -> Scope:
    source = visit.text("source", most=20)
    if source not in ("", *queue.SOURCES):
        raise RequestError(f"`source` is one of {', '.join(queue.SOURCES)}")
    is_senior = visit.person.role in (Role.SENIOR, Role.ADMINISTRATOR)
    return Scope(visit.person.name, visit.person.areas, visit.person.languages, source, is_senior)


def _address(visit: Visit) -> str:
    source = _scope(visit).source
    return f"/queue?source={source}" if source else "/queue"


def _shown(connection: Connection, event_id: str) -> dict[str, Any]:
    """What a moderator sees of an event."""
    event = find_event(connection, event_id)
    found = search(connection, Question(event_id=event_id), 1).rows
    details = find_decision(connection, found[0].id) if found else None
    described = describe(details) if details is not None else {"decision": None, "contributions": {}}
    fields = orjson.loads(event.document) if event is not None else None
    user_id = event.user_id if event is not None else found[0].user_id if found else ""
    history = history_of_user(connection, user_id)
    alike = verdicts.alike(connection, event_id)
    return {
        "event_id": event_id,
        "user_id": user_id,
        "fields": fields,
        "decision": described["decision"],
        "contributions": described["contributions"],
        "history": history,
        "earlier": [orjson.loads(row.document) for row in history.events if row.event_id != event_id][:_SHOWN_OF_USER],
        "alike": [
            (kind, value, len(rows), [orjson.loads(row.document) for row in rows[:_SAMPLE]])
            for (kind, value), rows in alike.items()
        ],
    }


PAGES = (
    Page("/queue", "queue", show_queue),
    Page("/queue/standing", "queue_standing", show_standing),
    Page("/queue/next", "queue_next", take_next, "POST"),
    Page("/queue/skip", "queue_skip", skip, "POST"),
    Page("/queue/leave", "queue_leave", leave, "POST"),
    Page("/queue/verdict", "queue_verdict", judge, "POST"),
    Page("/queue/undo", "queue_undo", undo, "POST"),
    Page("/queue/retract", "queue_retract", retract, "POST"),
    Page("/queue/alike", "queue_alike", preview_bulk),
    Page("/queue/bulk", "queue_bulk", judge_bulk, "POST"),
    Page("/queue/mine", "queue_mine", show_mine),
    Page("/api/queue/next", "api_queue_next", take_by_program, "POST", is_api=True, summary="Take what comes next"),
    Page("/api/queue/verdict", "api_queue_verdict", judge_by_program, "POST", is_api=True,
         summary="Say what a taken event is: event_id, label, policy, reason"),
    Page("/api/queue/undo", "api_queue_undo", undo_by_program, "POST", is_api=True,
         summary="Take a verdict back as long as it waits: verdict"),
    Page("/api/queue/retract", "api_queue_retract", retract_by_program, "POST", is_api=True,
         summary="Take a verdict back, though it is out: verdict"),
)  # fmt: skip
