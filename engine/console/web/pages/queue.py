"""The review queue: one event after the other, by keys alone."""

from http import HTTPStatus

from starlette.responses import Response

from engine.console.store import offers, queue, verdicts
from engine.console.store.agreement import throughput
from engine.console.store.histories import COUNTED_TO
from engine.console.store.settling import APPEAL
from engine.console.store.verdicts import MOST_IN_BULK
from engine.console.web.pages import queueing
from engine.console.web.pages.breaks import show_breaks
from engine.console.web.pages.cases import show_case
from engine.console.web.pages.decisions import read_event
from engine.console.web.pages.signing_in import own_place
from engine.console.web.visits import Page, Visit
from engine.errors import RequestError

_GRACE_MS = 8_000
"""So long after somebody has left the page, nobody else gets what they looked at: they may be back."""

_STOP_ASKING = 286
"""The status at which htmx asks no more."""

_MOST_LISTED = 20
_RETRACTION_OFFERED_MS = 600_000
_MINUTE_MS = 60_000


def show_queue(visit: Visit) -> Response:
    """What one looks at, or how much waits."""
    scope, console = queueing.scope_of(visit), visit.settings.console
    claim = queueing.keep(visit)
    with visit.store.read() as connection:
        answer = queueing.answered(connection, claim)
        shown = show_case(connection, claim) if claim is not None else {}
        counts, oldest_ms = queue.count_open(connection, scope), queue.oldest_ms(connection, scope)
        late = queue.count_late(connection, scope, visit.now_ms)
        waiting = offers.find_waiting(connection, scope, visit.now_ms) if claim is None else []
        last = verdicts.latest(connection, visit.person.name)
        pauses = show_breaks(visit, connection)
    undo_until_ms = last.ts + console.undo_s * 1_000 if last is not None and last.kind != verdicts.DIRECT else 0
    is_offered = undo_until_ms + _RETRACTION_OFFERED_MS > visit.now_ms
    return visit.page(
        "queue/queue.html",
        claim=claim,
        is_mine=True,
        answer=answer,
        wait=_wait(visit, claim),
        waiting=waiting[:_MOST_LISTED],
        counts=counts,
        late=late,
        oldest_ms=oldest_ms,
        last=last if is_offered else None,
        undo_until_ms=undo_until_ms,
        is_out=undo_until_ms <= visit.now_ms,
        source=scope.source,
        counted_to=COUNTED_TO,
        **pauses,
        **shown,
    )


def take_next(visit: Visit) -> Response:
    """Take what comes next."""
    with visit.store.write() as connection:
        said = queueing.take_or_say(visit, connection)
    return visit.go(_address(visit), said)


def skip(visit: Visit) -> Response:
    """Leave what one looks at to others, and take the next."""
    event_id, until_ms = queueing.event_of(visit), visit.now_ms + visit.settings.console.skipped_m * _MINUTE_MS
    with visit.store.write() as connection:
        if queue.skip(connection, visit.person.name, event_id, visit.now_ms, until_ms):
            visit.note(connection, "skipped", f"event:{event_id}")
        said = queueing.take_or_say(visit, connection)
    return visit.go(_address(visit), f"Left to others. {said}".strip())


def leave(visit: Visit) -> Response:
    """Give back what one looks at, as one leaves: soon, for whoever loads the page anew has not left."""
    event_id, until_ms, end_ms = queueing.event_of(visit), visit.number("until", 0), visit.now_ms + _GRACE_MS
    with visit.store.write() as connection:
        queue.leave(connection, visit.person.name, event_id, until_ms, end_ms)
    return Response(status_code=204)


def judge(visit: Visit) -> Response:
    """Say what the event is, and take the next."""
    event_id = queueing.event_of(visit)
    try:
        with visit.store.write() as connection:
            queueing.judge(visit, connection, event_id)
            queueing.take(visit, connection)
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
    event_id = queueing.event_of(visit)
    with visit.store.read() as connection:
        claim = queue.current_claim(connection, visit.person.name, visit.now_ms)
        is_mine = claim is not None and claim.event_id == event_id
        answer = queueing.answered(connection, claim) if is_mine else None
    has_ended = not is_mine or answer is not None
    return visit.page("queue/standing.html", _STOP_ASKING if has_ended else 200, is_mine=is_mine, answer=answer)


def undo(visit: Visit) -> Response:
    """Take back what one has said last, as long as it waits."""
    try:
        events = queueing.undo(visit, visit.number("verdict", 0))
    except RequestError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        return visit.go("/queue", "It went out in this moment, so it is not undone. Press u to retract it.")
    return visit.go("/queue", f"Undone: {len(events)}.")


def retract(visit: Visit) -> Response:
    """Take back a verdict of one's own, though it is out."""
    back = visit.text("back")
    events = queueing.retract(visit, visit.number("verdict", 0), with_batch=not back)
    told = f"Retracted: {len(events)}. It waits in the queue again."
    return visit.go(own_place(back) if back else "/queue", told)


def preview_bulk(visit: Visit) -> Response:
    """The other events with this text, domain or device, before they are all given one label."""
    event_id, user_id, kind, value = (visit.query.get(name, "") for name in ("event_id", "user_id", "kind", "value"))
    with visit.store.read() as connection:
        rows = verdicts.alike(connection, event_id, user_id).get((kind, value), [])
    if not rows:
        raise RequestError("no other event with it waits for a label")
    events = [read_event(row) for row in rows]
    return visit.page("queue/bulk.html", event_id=event_id, kind=kind, value=value, events=events, most=MOST_IN_BULK)


def judge_bulk(visit: Visit) -> Response:
    """Give all the chosen events one label."""
    verdict, events = queueing.read_verdict(visit), queueing.chosen(visit)
    if not events:
        raise RequestError("choose at least one event")
    with visit.store.write() as connection:
        undo_ms = visit.settings.console.undo_s * 1_000
        verdicts.say_directly(connection, verdict, events, visit.now_ms, undo_ms)
        for event_id, _ in events:
            visit.note(connection, "labelled in bulk", f"event:{event_id}", label=verdict.label, reason=verdict.reason)
    return visit.go("/queue", f"Labelled as {verdict.label}: {len(events)}.")


def show_mine(visit: Visit) -> Response:
    """What one has done oneself."""
    with visit.store.read() as connection:
        days = throughput(connection, visit.person.name)
    return visit.page("queue/mine.html", days=days)


def _wait(visit: Visit, claim: queue.Claim | None) -> offers.Waiting | None:
    """How long what one looks at has waited. Nobody waits for golden items and further opinions."""
    if claim is None or claim.case is None or claim.kind not in (offers.FIRST, APPEAL):
        return None
    return offers.wait_of(claim.case, visit.settings.console.service_levels_ms(), visit.now_ms)


def _address(visit: Visit) -> str:
    source = queueing.scope_of(visit).source
    return f"/queue?source={source}" if source else "/queue"


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
)  # fmt: skip
