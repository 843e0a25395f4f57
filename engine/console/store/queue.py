"""The review queue: how much waits, and who looks at what right now.

A claim is a lease: nobody else gets the event until it is judged, given back, or its time is over.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.console.store.followed import CASES
from engine.console.store.offers import FIRST, SENIOR, SOURCES, Scope, find_offers, in_scope
from engine.console.store.own import CLAIMS, FURTHER, SKIPS
from engine.console.store.settling import APPEAL

_COUNTED_TO = 1_000


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
    return Claim(row.event_id, row.kind, case_of(connection, row.event_id), row.since_ms, row.until_ms)


def case_of(connection: Connection, event_id: str) -> Row[Any] | None:
    """The case of an event that somebody is shown who has claimed it."""
    cases = select(CASES).where(CASES.c.event_id == event_id)
    return connection.execute(cases.order_by(CASES.c.is_open.desc(), CASES.c.ts).limit(1)).first()


def claim_next(
    connection: Connection, scope: Scope, now_ms: int, lease_ms: int, golden_share: float
) -> Claim | None:  # fmt: skip
    """Take what comes next; None where nothing waits. What they looked at until now is given back."""
    connection.execute(delete(CLAIMS).where(CLAIMS.c.account == scope.account))
    for kind, event_ids in find_offers(connection, scope, now_ms, golden_share):
        for event_id in event_ids:
            what_for = APPEAL if kind == FIRST and has_appeal(connection, event_id) else kind
            if _claim(connection, event_id, scope.account, what_for, now_ms, lease_ms):
                return current_claim(connection, scope.account, now_ms)
    return None


def release(connection: Connection, account: str, event_id: str) -> bool:
    """Give back what somebody looks at. False: they do not have it."""
    mine = delete(CLAIMS).where(CLAIMS.c.account == account, CLAIMS.c.event_id == event_id)
    return connection.execute(mine).rowcount == 1


def is_answered(connection: Connection, event_id: str, kind: str) -> bool:
    """Whether somebody has answered meanwhile what an event was claimed for."""
    if kind == APPEAL:
        return not has_appeal(connection, event_id)
    waits = select(CASES.c.id).where(CASES.c.event_id == event_id, CASES.c.is_open)
    return kind == FIRST and connection.execute(waits.limit(1)).first() is None


def has_appeal(connection: Connection, event_id: str) -> bool:
    """Whether somebody has appealed against what was said of an event, and waits."""
    appeals = (CASES.c.event_id == event_id, CASES.c.source == APPEAL, CASES.c.is_open)
    return connection.execute(select(CASES.c.id).where(*appeals).limit(1)).first() is not None


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


def end_claim(connection: Connection, account: str, event_id: str, now_ms: int) -> Row[Any] | None:
    """Give back what somebody looks at because they have judged it: their claim, or None where they have it no
    more."""
    mine = (CLAIMS.c.account == account, CLAIMS.c.event_id == event_id)
    claim = connection.execute(delete(CLAIMS).where(*mine).returning(CLAIMS)).first()
    return claim if claim is not None and claim.until_ms > now_ms else None


def count_open(connection: Connection, scope: Scope) -> dict[str, int]:
    """How many cases wait of each source, and how many disagreements; at most 1,000 of each are counted."""
    counts = {}
    for source in SOURCES:
        some = in_scope(select(CASES.c.id), scope).where(CASES.c.source == source).limit(_COUNTED_TO).subquery()
        counts[source] = connection.execute(select(func.count()).select_from(some)).scalar() or 0
    waits = select(FURTHER.c.id).where(FURTHER.c.is_open, FURTHER.c.kind == SENIOR).limit(_COUNTED_TO).subquery()
    counts["disagreement"] = connection.execute(select(func.count()).select_from(waits)).scalar() or 0
    return counts


def count_late(connection: Connection, scope: Scope, now_ms: int) -> dict[str, int]:
    """How many cases of each source are past its service level; at most 1,000 of each are counted."""
    counts = {}
    for source, level in scope.within_ms.items():
        late = (CASES.c.source == source, CASES.c.ts < now_ms - level)
        some = in_scope(select(CASES.c.id), scope).where(*late).limit(_COUNTED_TO).subquery()
        counts[source] = connection.execute(select(func.count()).select_from(some)).scalar() or 0
    return counts


def oldest_ms(connection: Connection, scope: Scope) -> int | None:
    """Since when the case waits that has waited longest."""
    return connection.execute(in_scope(select(func.min(CASES.c.ts)), scope)).scalar()


def _claim(
    connection: Connection, event_id: str, account: str, kind: str, now_ms: int, lease_ms: int
) -> bool:  # fmt: skip
    """Take an event that nobody has. Its own leases end by themselves."""
    connection.execute(delete(CLAIMS).where(CLAIMS.c.event_id == event_id, CLAIMS.c.until_ms <= now_ms))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    taken = dialect.insert(CLAIMS).values(
        event_id=event_id, account=account, kind=kind, since_ms=now_ms, until_ms=now_ms + lease_ms
    )
    return connection.execute(taken.on_conflict_do_nothing().returning(CLAIMS.c.event_id)).first() is not None


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
