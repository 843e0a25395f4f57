"""What the follower says of itself, for the overview and for metrics."""

from sqlalchemy import Connection, delete, insert, select

from engine.console.store.own import HEALTH


def note_health(connection: Connection, name: str, number: float, now_ms: int) -> None:
    """Keep a number under a name."""
    connection.execute(delete(HEALTH).where(HEALTH.c.name == name))
    connection.execute(insert(HEALTH).values(name=name, ts=now_ms, detail=number))


def read_health(connection: Connection) -> dict[str, tuple[float, int]]:
    """All numbers, with when they were noted."""
    return {row.name: (row.detail, row.ts) for row in connection.execute(select(HEALTH))}
