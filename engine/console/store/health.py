"""What the console's threads say of themselves and of the engine, for the overview and for metrics."""

from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, insert, select

from engine.console.store.own import HEALTH

BEHIND, PASSED_OVER, STATUS = "behind", "passed over", "status"


class Noted(NamedTuple):
    """What was said, and when."""

    value: Any
    ts: int


def note_health(connection: Connection, name: str, value: Any, now_ms: int) -> None:
    """Keep what can be said in JSON under a name."""
    connection.execute(delete(HEALTH).where(HEALTH.c.name == name))
    connection.execute(insert(HEALTH).values(name=name, ts=now_ms, document=orjson.dumps(value)))


def read_health(connection: Connection) -> dict[str, Noted]:
    """All that is kept, by name."""
    return {row.name: Noted(orjson.loads(row.document), row.ts) for row in connection.execute(select(HEALTH))}
