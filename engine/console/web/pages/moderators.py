"""How moderators decide: how much, how well, and how far they agree; golden items; who does not count."""

from typing import Any

import msgspec
from sqlalchemy import delete, insert, select
from starlette.responses import Response

from engine.console.store import agreement
from engine.console.store.histories import find_event
from engine.console.store.outgoing import enqueue
from engine.console.store.own import GOLDEN
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError

_MOST_SHOWN = 100


def show_moderators(visit: Visit) -> Response:
    """All who decide, what they agree on, and golden items."""
    with visit.store.read() as connection:
        people, said = agreement.moderators(connection), agreement.opinions(connection)
        golden = list(connection.execute(select(GOLDEN).order_by(GOLDEN.c.ts.desc()).limit(_MOST_SHOWN)))
    disputed = [(event_id, labels) for event_id, labels in said.items() if len(set(labels.values())) > 1]
    return visit.page(
        "moderators/moderators.html",
        people=people,
        kappas=agreement.kappas(said),
        alpha=agreement.alpha([list(labels.values()) for labels in said.values()]),
        shared=len(said),
        disputed=disputed[:_MOST_SHOWN],
        golden=golden,
    )


def show_moderator(visit: Visit) -> Response:
    """One of them, day by day."""
    name = visit.path["name"]
    with visit.store.read() as connection:
        days = agreement.throughput(connection, name)
        person = next((one for one in agreement.moderators(connection) if one.name == name), None)
    if person is None:
        raise RequestError(f"{name!r} has given no verdict in the console of late", 404)
    chart = {
        "times": [day.ts for day in reversed(days)],
        "series": [{"name": "verdicts", "values": [day.verdicts for day in reversed(days)]}],
    }
    return visit.page("moderators/moderator.html", person=person, days=days, chart=chart)


def list_moderators(visit: Visit) -> Response:
    """All who decide, as JSON."""
    with visit.store.read() as connection:
        people, said = agreement.moderators(connection), agreement.opinions(connection)
    document: dict[str, Any] = {
        "moderators": [
            {**person._asdict(), "accuracy": person.accuracy and msgspec.structs.asdict(person.accuracy)}
            for person in people
        ],
        "alpha": agreement.alpha([list(labels.values()) for labels in said.values()]),
    }
    return json_response(document)


def add_golden(visit: Visit) -> Response:
    """Let an event tell how well people decide."""
    event_id, label, note = visit.text("event_id"), visit.text("label"), visit.text("note", most=500)
    if label not in ("spam", "ham"):
        raise RequestError("the right answer is spam or ham")
    with visit.store.write() as connection:
        if find_event(connection, event_id) is None:
            raise RequestError(f"the event {event_id!r} is not kept here", 404)
        connection.execute(delete(GOLDEN).where(GOLDEN.c.event_id == event_id))
        connection.execute(
            insert(GOLDEN).values(event_id=event_id, label=label, author=visit.person.name, note=note, ts=visit.now_ms)
        )
        visit.note(connection, "made golden", f"event:{event_id}", label=label, note=note)
    return visit.see("moderators", said=f"{event_id} is a golden item now.")


def drop_golden(visit: Visit) -> Response:
    """Let an event be asked about no more."""
    event_id = visit.text("event_id")
    with visit.store.write() as connection:
        connection.execute(delete(GOLDEN).where(GOLDEN.c.event_id == event_id))
        visit.note(connection, "dropped a golden item", f"event:{event_id}")
    return visit.see("moderators", said=f"{event_id} is no golden item any more.")


def quarantine(visit: Visit) -> Response:
    """Let somebody's labels not count for the models, or count again."""
    name, is_lifted = visit.path["name"], visit.text("lift") == "yes"
    with visit.store.write() as connection:
        payload = {"moderator": name, "quarantined": not is_lifted}
        enqueue(connection, "quarantine", payload, visit.person.name, visit.now_ms)
        verb = "lifted a quarantine" if is_lifted else "quarantined"
        visit.note(connection, verb, f"moderator:{name}", why=visit.text("note", most=500))
    said = f"Labels of {name} {'count again' if is_lifted else 'do not count any more'}: the trainer is told."
    return visit.see("moderators", said=said)


PAGES = (
    Page("/moderators", "moderators", show_moderators),
    Page("/moderators/golden", "golden_add", add_golden, "POST"),
    Page("/moderators/golden/drop", "golden_drop", drop_golden, "POST"),
    Page("/moderators/{name}", "moderator", show_moderator),
    Page("/moderators/{name}/quarantine", "quarantine", quarantine, "POST"),
    Page("/api/moderators", "api_moderators", list_moderators, is_api=True, summary="How moderators decide"),
)
