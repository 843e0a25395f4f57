"""What people do about what they see: label an event, revoke actions, note something."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select
from starlette.responses import Response

from engine.console.store.followed import ACTIONS, REVOCATIONS
from engine.console.store.outgoing import enqueue
from engine.console.store.own import NOTES
from engine.console.store.verdicts import Verdict, say_directly
from engine.console.web.pages import queueing
from engine.console.web.pages.signing_in import own_place
from engine.console.web.visits import Page, Visit, json_response
from engine.core.values.identity import MAX_ID_CHARS
from engine.errors import RequestError
from engine.learning.verdicts import VERDICTS as LABELS

MOST_AT_ONCE = 500
_MAX_NOTE_CHARS = 2_000


def label(visit: Visit) -> Response:
    """Give events a label: at once, or where several are chosen, all the same one."""
    given, named = visit.text("label"), queueing.chosen(visit)
    users = visit.texts("user_id", MOST_AT_ONCE)
    for place, event_id in enumerate(visit.texts("event_id", MOST_AT_ONCE)):
        named.append((event_id, users[place] if place < len(users) else ""))
    if given not in LABELS or not named or not all(0 < len(event_id) <= MAX_ID_CHARS for event_id, _ in named):
        raise RequestError(f"a label is one of {', '.join(LABELS)}, on at least one event")
    if visit.settings.console.notes == "demanded" and not visit.text("reason"):
        raise RequestError("say why: `console.notes` demands it")
    verdict = Verdict(visit.person.name, given, visit.text("policy", most=200), visit.text("reason", most=500))
    with visit.store.write() as connection:
        say_directly(connection, verdict, named, visit.now_ms)
        for event_id, _ in named:
            visit.note(connection, "labelled", f"event:{event_id}", label=given, reason=verdict.reason)
    return _back(visit, f"Labelled as {given}: {len(named)}.")


def revoke(visit: Visit) -> Response:
    """Take actions back."""
    asked, note = visit.texts("action_id", MOST_AT_ONCE), visit.text("note", most=500)
    if not note:
        raise RequestError("say why the action is revoked: the reason goes along")
    with visit.store.write() as connection:
        standing = _standing(connection, asked)
        for action in standing:
            payload = {"action": orjson.loads(action.document), "note": note}
            enqueue(connection, "revoke", payload, visit.person.name, visit.now_ms)
            visit.note(connection, "revoked an action", f"action:{action.action_id}", note=note)
    gone = len(asked) - len(standing)
    said = f"On their way to be revoked: {len(standing)}." + (f" Revoked before: {gone}." if gone else "")
    return _back(visit, said)


def add_note(visit: Visit) -> Response:
    """Note something about a user, an entity, an event, a rule."""
    kind, value, text = visit.text("kind", most=200), visit.text("value"), visit.text("text", most=_MAX_NOTE_CHARS)
    if not kind or not value or not text:
        raise RequestError("a note has a text, and something that it is about")
    with visit.store.write() as connection:
        connection.execute(
            insert(NOTES).values(kind=kind, value=value, author=visit.person.name, text=text, ts=visit.now_ms)
        )
        visit.note(connection, "noted", f"{kind}:{value}", text=text)
    return _back(visit, "The note is added.")


def _standing(connection: Connection, asked: Sequence[str]) -> list[Row[Any]]:
    """Those of these actions that are there and not revoked."""
    revoked = select(REVOCATIONS.c.action_id).where(REVOCATIONS.c.action_id == ACTIONS.c.action_id).exists()
    return list(connection.execute(select(ACTIONS).where(ACTIONS.c.action_id.in_(asked), ~revoked)))


def _back(visit: Visit, said: str) -> Response:
    if "json" in visit.request.headers.get("accept", ""):
        return json_response({"said": said})
    return visit.go(own_place(visit.text("back", "/")), said)


PAGES = (
    Page("/labels", "label", label, "POST"),
    Page("/actions/revoke", "revoke", revoke, "POST"),
    Page("/notes", "add_note", add_note, "POST"),
)
