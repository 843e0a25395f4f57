"""Decisions: found, and shown one by one."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Row
from starlette.responses import Response

from engine.console.store import saved_searches
from engine.console.store.histories import Details, find_decision
from engine.console.store.search import Found, search
from engine.console.web.pages.questions import FIELDS, address_of, read_question
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError

_ONE_PAGE = 50


def show_decisions(visit: Visit) -> Response:
    """The newest decisions that fit a question."""
    found, limit = _find(visit, visit.limit(_ONE_PAGE)), visit.limit(_ONE_PAGE)
    with visit.store.read() as connection:
        saved = saved_searches.of(connection, visit.person.name)
    return visit.page(
        "decisions/search.html",
        found=found,
        decisions=[read_decision(row) for row in found.rows],
        asked={name: visit.text(name) for name in FIELDS},
        address=address_of(visit),
        next_address=address_of(visit, before=f"{found.rows[-1].ts}.{found.rows[-1].id}")
        if len(found.rows) == limit
        else "",
        saved=saved,
    )


def list_decisions(visit: Visit) -> Response:
    """The newest decisions that fit a question, as JSON."""
    found, limit = _find(visit, visit.limit(_ONE_PAGE)), visit.limit(_ONE_PAGE)
    last = found.rows[-1] if len(found.rows) == limit else None
    return json_response(
        {
            "decisions": [{"id": row.id, **orjson.loads(row.document)} for row in found.rows],
            "before": f"{last.ts}.{last.id}" if last is not None else None,
            "is_all_looked_at": found.is_all_looked_at,
        }
    )


def show_decision(visit: Visit) -> Response:
    """One decision, with its event and what has happened since."""
    details = _details(visit)
    return visit.page("decisions/decision.html", details=details, **describe(details))


def tell_decision(visit: Visit) -> Response:
    """One decision, as JSON."""
    details = _details(visit)
    described = describe(details)
    return json_response(
        {
            "id": details.decision.id,
            "decision": described["decision"],
            "event": described["fields"],
            "actions": [
                {**orjson.loads(action.document), "revoked_by": action.revoked_by, "revoked_ms": action.revoked_ms}
                for action in details.actions
            ],
            "labels": [
                {"label": label.label, "moderator": label.moderator, "policy": label.policy, "ts": label.ts}
                for label in details.labels
            ],
        }
    )


def save_search(visit: Visit) -> Response:
    """Keep a question under a name of one's own."""
    name, query = visit.text("name", most=100), visit.text("query", most=4_000)
    if not name:
        raise RequestError("a saved search has a name")
    with visit.store.write() as connection:
        saved_searches.save(connection, visit.person.name, name, query)
        visit.note(connection, "saved a search", f"search:{name}", query=query)
    return visit.see("decisions", said=f"The search is saved as {name}.")


def drop_search(visit: Visit) -> Response:
    """Forget a question of one's own."""
    with visit.store.write() as connection:
        saved_searches.drop(connection, visit.person.name, visit.text("name"))
        visit.note(connection, "dropped a search", f"search:{visit.text('name')}")
    return visit.see("decisions", said="The search is dropped.")


def describe(details: Details) -> dict[str, Any]:
    """What a page shows of a decision: its document, the event's fields, and the contributions to its scores."""
    decision = read_decision(details.decision)
    fields = orjson.loads(details.event.document) if details.event is not None else None
    contributions = {
        model: sorted(parts, key=lambda part: -abs(part[1]))[:12]
        for model, parts in decision.get("contributions", {}).items()
    }
    return {"decision": decision, "fields": fields, "contributions": contributions}


def read_decision(row: Row[Any]) -> dict[str, Any]:
    """A decision's document, with the row that it has in the store as `id`, and the shortest account of it as `why`."""
    document: dict[str, Any] = orjson.loads(row.document)
    acted = [hit["rule"] for hit in document["hits"] if hit["effect"] != "shadow"]
    shadow = [f"{hit['rule']} (shadow)" for hit in document["hits"] if hit["effect"] == "shadow"]
    return {**document, "id": row.id, "why": ", ".join([*acted, *shadow]), "score": row.score}


def read_event(row: Row[Any]) -> dict[str, Any]:
    """An event's document, under the ids by which the store finds it."""
    return {**orjson.loads(row.document), "event_id": row.event_id, "user_id": row.user_id}


def _details(visit: Visit) -> Details:
    with visit.store.read() as connection:
        details = find_decision(connection, visit.path["decision"])
    if details is None:
        raise RequestError("there is no such decision, or it is older than the console keeps", 404)
    return details


def _find(visit: Visit, limit: int) -> Found:
    question = read_question(visit)
    with visit.store.read() as connection:
        return search(connection, question, limit)


_PARAMETERS: Mapping[str, str] = {**FIELDS, "limit": "how many, at most 500", "before": "goes on from a page before"}

PAGES = (
    Page("/decisions", "decisions", show_decisions),
    Page("/decisions/{decision:int}", "decision", show_decision),
    Page("/searches", "save_search", save_search, "POST"),
    Page("/searches/drop", "drop_search", drop_search, "POST"),
    Page("/api/decisions", "api_decisions", list_decisions, is_api=True, summary="Decisions, the newest first",
         parameters=_PARAMETERS),
    Page("/api/decisions/{decision:int}", "api_decision", tell_decision, is_api=True,
         summary="One decision, its event, and what has happened since"),
)  # fmt: skip
