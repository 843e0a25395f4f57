"""The review queue for programs: JSON in, JSON out."""

from starlette.responses import Response

from engine.console.web.pages import queueing
from engine.console.web.pages.cases import show_case
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError


def take_by_program(visit: Visit) -> Response:
    """Take what comes next, as JSON."""
    with visit.store.write() as connection:
        claim = queueing.take(visit, connection)
        shown = show_case(connection, claim) if claim is not None else {}
    if claim is None:
        return json_response({"event_id": None})
    return json_response({"event_id": claim.event_id, "event": shown["fields"], "decision": shown["decision"]})


def judge_by_program(visit: Visit) -> Response:
    """Say what a taken event is."""
    event_id = str(queueing.asked(visit, "event_id"))
    with visit.store.write() as connection:
        number = queueing.judge(visit, connection, event_id)
    return json_response({"verdict": number})


def undo_by_program(visit: Visit) -> Response:
    """Take a verdict back as long as it waits."""
    return json_response({"undone": queueing.undo(visit, _number(visit))})


def retract_by_program(visit: Visit) -> Response:
    """Take a verdict back, though it is out."""
    return json_response({"retracted": queueing.retract(visit, _number(visit), with_batch=True)})


def _number(visit: Visit) -> int:
    number = queueing.asked(visit, "verdict")
    if not isinstance(number, int):
        raise RequestError("`verdict` is the number that /api/queue/verdict has given")
    return number


PAGES = (
    Page("/api/queue/next", "api_queue_next", take_by_program, "POST", is_api=True, summary="Take what comes next"),
    Page("/api/queue/verdict", "api_queue_verdict", judge_by_program, "POST", is_api=True,
         summary="Say what a taken event is: event_id, label, policy, reason"),
    Page("/api/queue/undo", "api_queue_undo", undo_by_program, "POST", is_api=True,
         summary="Take a verdict back as long as it waits: verdict"),
    Page("/api/queue/retract", "api_queue_retract", retract_by_program, "POST", is_api=True,
         summary="Take a verdict back, though it is out: verdict"),
)  # fmt: skip
