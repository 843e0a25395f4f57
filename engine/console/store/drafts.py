"""Edited rulebooks: kept while somebody writes them, proposed, approved, pushed or dropped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from engine.console.store.own import DRAFTS
from engine.errors import RequestError

DRAFT, PROPOSED, PUSHED, DROPPED = "draft", "proposed", "pushed", "dropped"
_OPEN = (DRAFT, PROPOSED)
_MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Draft:
    """An edited rulebook. `based_on`: the id of the rulebook in use when it was begun; `changed_ms`: tells whether
    somebody else has changed it since one has looked."""

    id: int
    author: str
    note: str
    based_on: str
    files: Mapping[str, str]
    state: str
    approved_by: str | None
    changed_ms: int

    @property
    def is_open(self) -> bool:
        """Whether it is neither pushed nor dropped."""
        return self.state in _OPEN


def begin(connection: Connection, author: str, based_on: str, files: Mapping[str, str], now_ms: int) -> int:
    """A new draft; returns its number."""
    made = connection.execute(
        insert(DRAFTS).values(
            author=author, based_on=based_on, files=orjson.dumps(dict(files)), state=DRAFT, changed_ms=now_ms
        )
    )
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def find(connection: Connection, number: int) -> Draft:
    """A draft. Raises RequestError where there is none of this number."""
    row = connection.execute(select(DRAFTS).where(DRAFTS.c.id == number)).first()
    if row is None:
        raise RequestError("there is no such draft", 404)
    return _draft(row)


def open_drafts(connection: Connection) -> list[Draft]:
    """Those that are neither pushed nor dropped, the one changed last first."""
    query = select(DRAFTS).where(DRAFTS.c.state.in_(_OPEN)).order_by(DRAFTS.c.changed_ms.desc()).limit(_MOST_SHOWN)
    return [_draft(row) for row in connection.execute(query)]


def save(connection: Connection, draft: Draft, files: Mapping[str, str], now_ms: int) -> None:
    """Other files for a draft, as it was seen: what was proposed has to be proposed again. Raises RequestError where it
    has changed since, or is over."""
    _change(connection, draft, now_ms, files=orjson.dumps(dict(files)), state=DRAFT, approved_by=None)


def propose(connection: Connection, draft: Draft, author: str, note: str, now_ms: int) -> None:
    """Ask somebody else to approve a draft, as it was seen. Raises RequestError."""
    _change(connection, draft, now_ms, state=PROPOSED, author=author, note=note, approved_by=None)


def mark_pushed(connection: Connection, draft: Draft, note: str, approved_by: str | None, now_ms: int) -> None:
    """A draft goes out, as it was seen. Raises RequestError."""
    _change(connection, draft, now_ms, state=PUSHED, note=note, approved_by=approved_by)


def drop(connection: Connection, draft: Draft, now_ms: int) -> None:
    """A draft is over. Raises RequestError."""
    _change(connection, draft, now_ms, state=DROPPED)


def _change(connection: Connection, draft: Draft, now_ms: int, **values: Any) -> None:
    as_seen = (DRAFTS.c.id == draft.id, DRAFTS.c.changed_ms == draft.changed_ms, DRAFTS.c.state.in_(_OPEN))
    later_ms = max(now_ms, draft.changed_ms + 1)
    if connection.execute(update(DRAFTS).where(*as_seen).values(changed_ms=later_ms, **values)).rowcount != 1:
        raise RequestError("somebody has changed this draft meanwhile, or it is over: load it again", 409)


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        id=row.id,
        author=row.author,
        note=row.note,
        based_on=row.based_on,
        files=orjson.loads(row.files),
        state=row.state,
        approved_by=row.approved_by,
        changed_ms=row.changed_ms,
    )
