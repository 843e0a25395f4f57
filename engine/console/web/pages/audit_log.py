"""Who did what in the console."""

from starlette.responses import Response

from engine.console.store import audit
from engine.console.web.visits import Page, Visit, json_response


def show_audit(visit: Visit) -> Response:
    """The newest entries, page by page."""
    limit, before = visit.limit(), visit.number("before", 0) or None
    with visit.store.read() as connection:
        entries = audit.latest(connection, limit, before)
    return visit.page("audit.html", entries=entries, limit=limit)


def list_audit(visit: Visit) -> Response:
    """The newest entries, as JSON."""
    with visit.store.read() as connection:
        entries = audit.latest(connection, visit.limit(), visit.number("before", 0) or None)
    return json_response({"entries": [
        {"id": entry.id, "ts": entry.ts, "account": entry.account, "verb": entry.verb, "object": entry.object,
         "detail": entry.detail.decode()} for entry in entries
    ]})  # fmt: skip


PAGES = (
    Page("/audit", "audit", show_audit),
    Page("/api/audit", "api_audit", list_audit, is_api=True, summary="The audit log, the newest first",
         parameters={"limit": "how many", "before": "entries before the one with this id"}),
)  # fmt: skip
