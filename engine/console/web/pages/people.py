"""Users and entities: what they did, what came of it, and who shares what with whom."""

from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Row
from starlette.responses import Response

from engine.console.store.histories import (
    COUNTED_TO,
    History,
    entities_of,
    find_event,
    history_of_entity,
    history_of_user,
    kinds_of,
    users_of,
)
from engine.console.store.sharing import grow
from engine.console.web.pages.decisions import read_decision, read_event
from engine.console.web.pages.questions import read_entity
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError

USER = "user_id"
_MOST_OPENED = 50


def show_entity(visit: Visit) -> Response:
    """A user or an entity with its timeline."""
    kind, value = visit.path["kind"], visit.query.get("value", "")  # as it is: senders may put blanks around it
    if not value:
        raise RequestError("say which: ?value=…")
    with visit.store.read() as connection:
        history = history_of_user(connection, value) if kind == USER else history_of_entity(connection, kind, value)
        shared: list[Row[Any]] = entities_of(connection, value) if kind == USER else users_of(connection, kind, value)
    return visit.page(
        "people/entity.html",
        kind=kind,
        value=value,
        history=history,
        timeline=_timeline(history),
        shared=shared,
        counted_to=COUNTED_TO,
    )


def show_graph(visit: Visit) -> Response:
    """Who shares what with whom around a user or an entity, as far as it has been opened: nodes and edges."""
    start = (visit.text("kind"), visit.query.get("value", ""))
    if not all(start):
        raise RequestError("say where to begin: ?kind=user_id&value=…")
    opened = [start, *(read_entity(text) or start for text in visit.texts("expand", _MOST_OPENED))]
    with visit.store.read() as connection:
        return json_response(grow(connection, opened))


def find_anything(visit: Visit) -> Response:
    """Where a name that somebody has pasted leads: to an event's decision, or to a user."""
    name = visit.text("name", most=4_096)
    with visit.store.read() as connection:
        event = find_event(connection, name)
        kinds = kinds_of(connection, name)
    if event is not None:
        return visit.go(f"/decisions?{urlencode({'event_id': name})}")
    kind = kinds[0] if kinds else USER
    return visit.go(f"/people/{kind}?{urlencode({'value': name})}")


def tell_entity(visit: Visit) -> Response:
    """A user or an entity with its timeline, as JSON."""
    kind, value = visit.path["kind"], visit.query.get("value", "")  # as it is: senders may put blanks around it
    with visit.store.read() as connection:
        history = history_of_user(connection, value) if kind == USER else history_of_entity(connection, kind, value)
    return json_response(
        {"kind": kind, "value": value, "events": history.event_count, "users": history.user_count,
         "timeline": [{"ts": ts, "what": what, "row": dict(row)} for ts, what, row in _timeline(history)]}
    )  # fmt: skip


def _timeline(history: History) -> list[tuple[int, str, dict[str, Any]]]:
    """All that is known, the newest first: time, what kind of thing, and the thing."""
    decisions = {(row.event_id, row.user_id): read_decision(row) for row in history.decisions}
    entries = [
        (row.ts, "event", {**read_event(row), "decision": decisions.pop((row.event_id, row.user_id), None)})
        for row in history.events
    ]
    entries += [(decision["ts"], "decision", decision) for decision in decisions.values()]
    entries += [(row.ts, "action", _plain(row)) for row in history.actions]
    entries += [(row.ts, "label", _plain(row)) for row in history.labels]
    return sorted(entries, key=itemgetter(0), reverse=True)


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items() if name != "document"}


PAGES = (
    Page("/people/{kind}", "entity", show_entity),
    Page("/people", "find", find_anything),
    Page("/graph.json", "graph", show_graph),
    Page("/api/entities/{kind}", "api_entity", tell_entity, is_api=True, summary="A user or an entity",
         parameters={"value": "which one"}),
)  # fmt: skip
