"""What a moderator sees of an event in the queue."""

from typing import Any

import orjson
from sqlalchemy import Connection

from engine.console.store import verdicts
from engine.console.store.authorship import author_of
from engine.console.store.histories import appeals_on, find_decision, find_event, history_of_user, labels_on
from engine.console.store.queue import Claim
from engine.console.store.search import Question, search
from engine.console.web.pages.decisions import describe

_SHOWN_OF_USER = 8
_SAMPLE = 3


def show_case(connection: Connection, claim: Claim) -> dict[str, Any]:
    """What a moderator sees of the event that they have claimed."""
    event_id, case = claim.event_id, claim.case
    author = author_of(connection, event_id, claim.kind, case)
    event = find_event(connection, event_id, author, case.ts if case is not None else None)
    found = search(connection, Question(event_id=event_id, user_id=author), 1).rows
    details = find_decision(connection, found[0].id) if found else None
    described = describe(details) if details is not None else {"decision": None, "contributions": {}}
    fields = orjson.loads(event.document) if event is not None else None
    user_id = author or (event.user_id if event is not None else found[0].user_id if found else "")
    history = history_of_user(connection, user_id)
    alike = verdicts.alike(connection, event_id, user_id)
    actions = details.actions if details is not None else []
    return {
        "appeals": appeals_on(connection, event_id),
        "appealed_actions": actions or history.actions[:_SHOWN_OF_USER],
        "appealed_labels": labels_on(connection, event_id),
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
