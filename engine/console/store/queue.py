"""The review queue: what waits, what it is worth, and who looks at it right now.

What comes next is what is worth most: uncertainty times reach (a case's `value`), times how long it has waited. A claim
is a lease: nobody else gets the event until it is judged, given back, or its time is over.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.console.store.followed import CASES
from engine.console.store.own import CLAIMS, FURTHER, GOLDEN, SKIPS, VERDICTS

FIRST, SECOND, SENIOR, GOLDEN_ITEM = "first", "second", "senior", "golden"
SOURCES = ("review", "agreement", "appeal", "report")
_LOOKED_AT = 200
_HOUR_MS = 3_600_000
_COUNTED_TO = 1_000
_STEPS = 2**32


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of the queue somebody works on. Empty: all of it. `is_senior`: whether they settle disagreements."""

    account: str
    areas: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    source: str = ""
    is_senior: bool = False


class Claim(NamedTuple):
    """What somebody looks at. `case`: None for a further opinion and for golden items."""

    event_id: str
    kind: str
    case: Row[Any] | None
    since_ms: int
    until_ms: int


def current_claim(connection: Connection, account: str, now_ms: int) -> Claim | None:
    """What somebody looks at right now."""
    mine = select(CLAIMS).where(CLAIMS.c.account == account, CLAIMS.c.until_ms > now_ms)
    row = connection.execute(mine.order_by(CLAIMS.c.since_ms.desc()).limit(1)).first()
    if row is None:
        return None
    case = connection.execute(select(CASES).where(CASES.c.event_id == row.event_id).limit(1)).first()
    return Claim(row.event_id, row.kind, case, row.since_ms, row.until_ms)


def claim_next(
    connection: Connection, scope: Scope, now_ms: int, lease_ms: int, golden_share: float
) -> Claim | None:  # fmt: skip
    """Take what comes next; None where nothing waits. What they looked at until now is given back."""
    connection.execute(delete(CLAIMS).where(CLAIMS.c.account == scope.account))
    for kind, event_ids in _offers(connection, scope, now_ms, golden_share):
        for event_id in event_ids:
            if _claim(connection, event_id, scope.account, kind, now_ms, lease_ms):
                return current_claim(connection, scope.account, now_ms)
    return None


def release(connection: Connection, account: str, event_id: str) -> bool:
    """Give back what somebody looks at. False: they do not have it."""
    mine = delete(CLAIMS).where(CLAIMS.c.account == account, CLAIMS.c.event_id == event_id)
    return connection.execute(mine).rowcount == 1


def is_answered(connection: Connection, event_id: str, kind: str) -> bool:
    """Whether somebody has answered meanwhile what an event was claimed for."""
    if kind != FIRST:
        return False
    waits = select(CASES.c.id).where(CASES.c.event_id == event_id, CASES.c.is_open)
    return connection.execute(waits.limit(1)).first() is None


def keep(connection: Connection, account: str, now_ms: int, lease_ms: int) -> Claim | None:
    """What somebody looks at right now, with a lease that begins anew: they have just loaded the page."""
    claim = current_claim(connection, account, now_ms)
    if claim is None:
        return None
    until_ms = max(now_ms + lease_ms, claim.until_ms + 1)  # never the same twice: it tells pages from each other
    mine = update(CLAIMS).where(CLAIMS.c.account == account, CLAIMS.c.event_id == claim.event_id)
    connection.execute(mine.values(until_ms=until_ms))
    return claim._replace(until_ms=until_ms)


def leave(connection: Connection, account: str, event_id: str, until_ms: int, end_ms: int) -> None:
    """Somebody has left the page whose lease was until `until_ms`: it ends at `end_ms`, unless another page of theirs
    has it by then. A browser tells of the page that is left after it has loaded the next one."""
    mine = (CLAIMS.c.account == account, CLAIMS.c.event_id == event_id, CLAIMS.c.until_ms == until_ms)
    connection.execute(update(CLAIMS).where(*mine, CLAIMS.c.until_ms > end_ms).values(until_ms=end_ms))


def skip(connection: Connection, account: str, event_id: str, now_ms: int, until_ms: int) -> bool:
    """Leave what somebody looks at to others: until then they do not get it again. False: they do not have it."""
    had_it = release(connection, account, event_id)
    mine = SKIPS.c.account == account
    connection.execute(delete(SKIPS).where(mine, (SKIPS.c.until_ms <= now_ms) | (SKIPS.c.event_id == event_id)))
    if had_it:
        connection.execute(insert(SKIPS).values(event_id=event_id, account=account, until_ms=until_ms))
    return had_it


def has_skipped(connection: Connection, account: str, now_ms: int) -> bool:
    """Whether there is anything that somebody has left to others and does not get again yet."""
    mine = select(SKIPS.c.event_id).where(SKIPS.c.account == account, SKIPS.c.until_ms > now_ms)
    return connection.execute(mine.limit(1)).first() is not None


def count_open(connection: Connection, scope: Scope) -> dict[str, int]:
    """How many cases wait of each source, and how many disagreements; at most 1,000 of each are counted."""
    counts = {}
    for source in SOURCES:
        some = _in_scope(select(CASES.c.id), scope).where(CASES.c.source == source).limit(_COUNTED_TO).subquery()
        counts[source] = connection.execute(select(func.count()).select_from(some)).scalar() or 0
    waits = select(FURTHER.c.id).where(FURTHER.c.is_open, FURTHER.c.kind == SENIOR).limit(_COUNTED_TO).subquery()
    counts["disagreement"] = connection.execute(select(func.count()).select_from(waits)).scalar() or 0
    return counts


def oldest_ms(connection: Connection, scope: Scope) -> int | None:
    """Since when the case waits that has waited longest."""
    return connection.execute(_in_scope(select(func.min(CASES.c.ts)), scope)).scalar()


def is_chosen(event_id: str, purpose: str, share: float) -> bool:
    """Whether an event belongs to a share: always the same ones, and others for each purpose."""
    key = blake2b(f"{purpose} {event_id}".encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(key, "big") < share * _STEPS


def _offers(
    connection: Connection, scope: Scope, now_ms: int, golden_share: float
) -> list[tuple[str, list[str]]]:  # fmt: skip
    """Event ids of each kind, in the order in which they are offered."""
    offers = []
    judged = connection.execute(
        select(func.count()).select_from(VERDICTS).where(VERDICTS.c.account == scope.account)
    ).scalar()
    if is_chosen(f"{scope.account} {judged}", GOLDEN_ITEM, golden_share):
        offers.append((GOLDEN_ITEM, _golden(connection, scope, now_ms)))
    if scope.is_senior:
        offers.append((SENIOR, _further(connection, scope, SENIOR, now_ms)))
    offers.append((SECOND, _further(connection, scope, SECOND, now_ms)))
    offers.append((FIRST, _first(connection, scope, now_ms)))
    return offers


def _first(connection: Connection, scope: Scope, now_ms: int) -> list[str]:
    free = _in_scope(select(CASES.c.event_id, CASES.c.value, CASES.c.ts), scope)
    taken = exists().where(CLAIMS.c.event_id == CASES.c.event_id, CLAIMS.c.until_ms > now_ms)
    free = free.where(~taken, _is_for(scope.account, CASES.c.event_id, now_ms))
    rows = {
        row.event_id: row
        for order in (CASES.c.value.desc(), CASES.c.ts)
        for row in connection.execute(free.order_by(order).limit(_LOOKED_AT))
    }
    newest = max((row.ts for row in rows.values()), default=0)
    worth = {event_id: row.value * (1 + max(0, newest - row.ts) / _HOUR_MS) for event_id, row in rows.items()}
    return sorted(worth, key=lambda event_id: (-worth[event_id], event_id))


def _further(connection: Connection, scope: Scope, kind: str, now_ms: int) -> list[str]:
    query = select(FURTHER.c.event_id).where(
        FURTHER.c.is_open, FURTHER.c.kind == kind, FURTHER.c.first != scope.account,
        _is_for(scope.account, FURTHER.c.event_id, now_ms),
    )  # fmt: skip
    return list(connection.execute(query.order_by(FURTHER.c.asked_ms).limit(_LOOKED_AT)).scalars())


def _golden(connection: Connection, scope: Scope, now_ms: int) -> list[str]:
    query = select(GOLDEN.c.event_id).where(
        GOLDEN.c.author != scope.account, _is_for(scope.account, GOLDEN.c.event_id, now_ms)
    )
    return list(connection.execute(query.order_by(GOLDEN.c.ts).limit(_LOOKED_AT)).scalars())


def _is_for(account: str, event_id: Any, now_ms: int) -> Any:
    """Whether an event may be offered to somebody: they have not judged it, and have not skipped it of late."""
    judged = exists().where(
        VERDICTS.c.event_id == event_id, VERDICTS.c.account == account, VERDICTS.c.undone_ms.is_(None),
        VERDICTS.c.label != "retracted",
    )  # fmt: skip
    skipped = exists().where(SKIPS.c.event_id == event_id, SKIPS.c.account == account, SKIPS.c.until_ms > now_ms)
    return ~judged & ~skipped


def _in_scope(query: Select[Any], scope: Scope) -> Select[Any]:
    query = query.where(CASES.c.is_open)
    if scope.source:
        query = query.where(CASES.c.source == scope.source)
    for column, names in ((CASES.c.area, scope.areas), (CASES.c.language, scope.languages)):
        if names:
            query = query.where(column.in_(("", *names)))
    return query


def _claim(
    connection: Connection, event_id: str, account: str, kind: str, now_ms: int, lease_ms: int
) -> bool:  # fmt: skip
    """Take an event that nobody has. Its own leases end by themselves."""
    connection.execute(delete(CLAIMS).where(CLAIMS.c.event_id == event_id, CLAIMS.c.until_ms <= now_ms))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    taken = dialect.insert(CLAIMS).values(
        event_id=event_id, account=account, kind=kind, since_ms=now_ms, until_ms=now_ms + lease_ms
    )
    return connection.execute(taken.on_conflict_do_nothing()).rowcount == 1


def ask_further(connection: Connection, event_id: str, user_id: str, kind: str, first: str, now_ms: int) -> None:
    """Ask somebody else about an event."""
    connection.execute(delete(FURTHER).where(FURTHER.c.event_id == event_id, FURTHER.c.kind == kind))
    connection.execute(
        insert(FURTHER).values(
            event_id=event_id, user_id=user_id, kind=kind, first=first, asked_ms=now_ms, is_open=True
        )
    )


def close_further(connection: Connection, event_id: str, kind: str) -> None:
    """Somebody else has been asked."""
    connection.execute(
        update(FURTHER).where(FURTHER.c.event_id == event_id, FURTHER.c.kind == kind).values(is_open=False)
    )
