"""What the queue offers to somebody, and in which order: what is worth most comes first.

That is uncertainty times reach (a case's `value`), times how long it has waited; what is past its service level comes
before all else. What somebody complains about who has complained about much that still waits comes after that of all
others: nobody buries the rest. Further opinions come before, and golden items among them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, exists, func, select

from engine.console.store.followed import CASES, LABELS
from engine.console.store.own import CLAIMS, FURTHER, GOLDEN, SKIPS, VERDICTS
from engine.console.store.settling import APPEAL

FIRST, SECOND, SENIOR, GOLDEN_ITEM = "first", "second", "senior", "golden"
SOURCES = ("review", "agreement", APPEAL, "report")
COMPLAINTS = (APPEAL, "report")
MOST_OF_ONE = 50
"""So many complaints of one user may wait; of more, all come last."""

_LOOKED_AT = 100
_COMPLAINTS_LOOKED_AT = 5_000
_HOUR_MS = 3_600_000
_STEPS = 2**32


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of the queue somebody works on. Empty: all of it. `is_senior`: whether they settle disagreements;
    `within_ms`: the service level of each source."""

    account: str
    areas: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    source: str = ""
    is_senior: bool = False
    within_ms: Mapping[str, int] = field(default_factory=dict)


class Waiting(NamedTuple):
    """A case that somebody could take. `due_ms`: until when it is to be answered; None where no level is set."""

    case: Row[Any]
    due_ms: int | None
    is_late: bool


def is_chosen(event_id: str, purpose: str, share: float) -> bool:
    """Whether an event belongs to a share: always the same ones, and others for each purpose."""
    key = blake2b(f"{purpose} {event_id}".encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(key, "big") < share * _STEPS


def find_offers(
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
    offers.append((FIRST, [waiting.case.event_id for waiting in find_waiting(connection, scope, now_ms)]))
    return offers


def find_waiting(connection: Connection, scope: Scope, now_ms: int) -> list[Waiting]:
    """The cases that somebody could take, each event once, in the order in which they are offered: some hundreds."""
    of_flooders = CASES.c.source.in_(COMPLAINTS) & CASES.c.user_id.in_(_flooders(connection))
    taken = exists().where(CLAIMS.c.event_id == CASES.c.event_id, CLAIMS.c.until_ms > now_ms)
    is_free = (~taken, _is_for(scope.account, CASES.c.event_id, now_ms), ~_is_own_appeal(scope.account))
    others, flooded = (in_scope(select(CASES).where(one), scope).where(*is_free) for one in (~of_flooders, of_flooders))
    oldest = [others.where(CASES.c.source == source).order_by(CASES.c.ts) for source in SOURCES]
    last = {row.id: row for row in connection.execute(flooded.order_by(CASES.c.ts).limit(_LOOKED_AT))}
    found = last | {
        row.id: row
        for query in (others.order_by(CASES.c.value.desc()), *oldest)
        for row in connection.execute(query.limit(_LOOKED_AT))
    }
    newest = max((row.ts for row in found.values()), default=0)

    def rank(waiting: Waiting) -> tuple[bool, bool, float, str]:
        case = waiting.case
        worth = case.value * (1 + max(0, newest - case.ts) / _HOUR_MS)
        return case.id in last, not waiting.is_late, -worth, case.event_id

    of_event: dict[str, Waiting] = {}
    for waiting in sorted((wait_of(row, scope.within_ms, now_ms) for row in found.values()), key=rank):
        of_event.setdefault(waiting.case.event_id, waiting)
    return list(of_event.values())


def _flooders(connection: Connection) -> list[str]:
    """Who has complained about more that waits than one may, as far as the newest complaints tell."""
    waiting: Counter[str] = Counter()
    for source in COMPLAINTS:
        newest = select(CASES.c.user_id).where(CASES.c.is_open, CASES.c.source == source).order_by(CASES.c.ts.desc())
        waiting.update(connection.execute(newest.limit(_COMPLAINTS_LOOKED_AT)).scalars())
    return [user_id for user_id, number in waiting.items() if number > MOST_OF_ONE]


def wait_of(case: Row[Any], within_ms: Mapping[str, int], now_ms: int) -> Waiting:
    """A case with its service level."""
    level = within_ms.get(case.source)
    due_ms = case.ts + level if level is not None else None
    return Waiting(case, due_ms, due_ms is not None and due_ms < now_ms)


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


def in_scope(query: Select[Any], scope: Scope) -> Select[Any]:
    """The open cases of a scope."""
    query = query.where(CASES.c.is_open)
    if scope.source:
        query = query.where(CASES.c.source == scope.source)
    for column, names in ((CASES.c.area, scope.areas), (CASES.c.language, scope.languages)):
        if names:
            query = query.where(column.in_(("", *names)))
    return query


def _is_own_appeal(account: str) -> Any:
    """Whether a case's event is appealed against what somebody has said themselves, wherever they said it."""
    appeals = CASES.alias()
    said = (LABELS.c.event_id == CASES.c.event_id, LABELS.c.moderator == account)
    return exists().where(*said, appeals.c.event_id == LABELS.c.event_id, appeals.c.source == APPEAL, appeals.c.is_open)
