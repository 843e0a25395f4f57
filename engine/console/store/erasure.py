"""People who are to be forgotten: their rows go, and what they did until then is not taken in again."""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, insert, select

from engine.console.store.followed import ACTIONS, CASES, DECISIONS, EVENTS, HITS, LABELS, MENTIONS, REVOCATIONS
from engine.console.store.outgoing import SENDING
from engine.console.store.own import CLAIMS, ERASED, FURTHER, GOLDEN, NOTES, OUTGOING, SKIPS, VERDICTS
from engine.console.store.parts import in_parts

_OF_USER = (MENTIONS, EVENTS, DECISIONS, ACTIONS, CASES, FURTHER)
_OF_EVENT = (LABELS, VERDICTS, CLAIMS, SKIPS, GOLDEN, CASES, FURTHER)


class ErasedUsers:
    """Whose past is not to be taken in, also not at a rebuild. What they do later is seen: being forgotten once exempts
    nobody."""

    def __init__(self) -> None:
        self._until_ms: dict[str, int] = {}

    def read(self, connection: Connection) -> bool:
        """As the store has it now; whether that is something else than before."""
        before, self._until_ms = self._until_ms, {row.name_hash: row.ts for row in connection.execute(select(ERASED))}
        return self._until_ms != before

    def has(self, user_id: str, ts: int) -> bool:
        """Whether what somebody did then is to stay forgotten."""
        return bool(self._until_ms) and ts <= self._until_ms.get(name_hash(user_id), -1)


def erase(connection: Connection, names: Collection[str], now_ms: int) -> int:
    """Drop what is known of a user, under all their names, and keep it out; returns how many rows went. What is on its
    way to a topic at this moment is not called back. Of an event whose id others have used too, what is known by that
    id alone stays: it may be about them."""
    dropped = 0
    for name in names:
        connection.execute(delete(ERASED).where(ERASED.c.name_hash == name_hash(name)))
        connection.execute(insert(ERASED).values(name_hash=name_hash(name), ts=now_ms))
        dropped += _drop_outgoing(connection, name)
        events = _ids(connection, EVENTS, name) | _ids(connection, DECISIONS, name)
        for some in in_parts(sorted(events)):
            ids = sorted(set(some) - _used_by_others(connection, some, names))
            dropped += sum(_drop(connection, table, table.c.event_id.in_(ids)) for table in _OF_EVENT)
            dropped += _drop(connection, NOTES, (NOTES.c.kind == "event") & NOTES.c.value.in_(ids))
        decisions = select(DECISIONS.c.id).where(DECISIONS.c.user_id == name)
        actions = select(ACTIONS.c.action_id).where(ACTIONS.c.user_id == name)
        dropped += _drop(connection, HITS, HITS.c.decision.in_(decisions))
        dropped += _drop(connection, REVOCATIONS, REVOCATIONS.c.action_id.in_(actions))
        dropped += sum(_drop(connection, table, table.c.user_id == name) for table in _OF_USER)
        dropped += _drop(connection, NOTES, (NOTES.c.kind == "user_id") & (NOTES.c.value == name))
    return dropped


def name_hash(user_id: str) -> str:
    """Under which somebody is kept out: their name is not kept."""
    return sha256(user_id.encode("utf-8", "surrogatepass")).hexdigest()


def _ids(connection: Connection, table: Table, user_id: str) -> set[str]:
    return set(connection.execute(select(table.c.event_id).where(table.c.user_id == user_id)).scalars())


def _used_by_others(connection: Connection, event_ids: Collection[str], names: Collection[str]) -> set[str]:
    used: set[str] = set()
    for table in (EVENTS, DECISIONS):
        by_others = (table.c.event_id.in_(event_ids), table.c.user_id.not_in(names))
        used |= set(connection.execute(select(table.c.event_id).where(*by_others)).scalars())
    return used


def _drop_outgoing(connection: Connection, name: str) -> int:
    """Labels and revocations name whom they are about."""
    kept = select(OUTGOING.c.id, OUTGOING.c.payload).where(OUTGOING.c.state != SENDING)
    about = [row.id for row in connection.execute(kept) if name in _named(orjson.loads(row.payload))]
    return sum(_drop(connection, OUTGOING, OUTGOING.c.id.in_(ids)) for ids in in_parts(about))


def _named(payload: Mapping[str, Any]) -> tuple[Any, ...]:
    action = payload.get("action")
    return payload.get("user_id"), action.get("user_id") if isinstance(action, dict) else None


def _drop(connection: Connection, table: Table, condition: Any) -> int:
    return connection.execute(delete(table).where(condition)).rowcount
