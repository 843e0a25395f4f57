"""What happens right now, in a bounded number of rows: the span ends with the newest event that is known."""

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from engine.console.store.followed import ACTIONS, DEAD_LETTERS, DECISIONS, EVENTS, HITS, LABELS, REVOCATIONS
from engine.console.store.outgoing import FAILED, WAITING, count_in

BUCKETS = 48
MOST_ROWS = 50_000
"""So many rows of a kind are looked at: of more, the latest."""

_MINUTE_MS = 60_000


class RuleActivity(NamedTuple):
    """A rule's actions in the span. `revoked`: how many of them were taken back; `trend`: by buckets of time."""

    rule: str
    area: str
    actions: int
    revoked: int
    trend: list[int]


class Overview(NamedTuple):
    """What happens. `is_cut`: there is more in the span than was looked at."""

    since_ms: int
    until_ms: int
    events_per_s: float
    decisions: int
    outcomes: dict[str, int]
    rules: list[RuleActivity]
    shadow_hits: dict[str, int]
    actions: int
    revoked: int
    labels: dict[str, int]
    dead_letters: dict[str, int]
    waiting: int
    failed: int
    is_cut: bool


def overview(connection: Connection, now_ms: int, span_ms: int) -> Overview:
    """What happened within the span before the newest event."""
    newest = connection.execute(select(func.max(DECISIONS.c.ts))).scalar() or now_ms
    until_ms = min(newest, now_ms) + 1
    since_ms = until_ms - span_ms
    acted = _rows(connection, ACTIONS, ("rule", "area", "ts", "action_id"), since_ms)
    revoked = {
        row.action_id for row in _rows(connection, REVOCATIONS, ("action_id",), since_ms)
    }  # fmt: skip
    decided = _rows(connection, DECISIONS, ("outcome",), since_ms)
    shadow = [row.rule for row in _rows(connection, HITS, ("rule", "effect"), since_ms) if row.effect == "shadow"]
    labels = _rows(connection, LABELS, ("label",), since_ms)
    dead = _rows(connection, DEAD_LETTERS, ("reason",), since_ms)
    return Overview(
        since_ms=since_ms,
        until_ms=until_ms,
        events_per_s=_events_per_s(connection),
        decisions=len(decided),
        outcomes=_counts(row.outcome for row in decided),
        rules=_rules(acted, revoked, since_ms, span_ms),
        shadow_hits=_counts(shadow),
        actions=len(acted),
        revoked=sum(row.action_id in revoked for row in acted),
        labels=_counts(row.label for row in labels),
        dead_letters=_counts(row.reason for row in dead),
        waiting=count_in(connection, WAITING),
        failed=count_in(connection, FAILED),
        is_cut=MOST_ROWS in (len(acted), len(decided)),
    )


def _rows(connection: Connection, table: Table, names: tuple[str, ...], since_ms: int) -> list[Any]:
    query = select(*(table.c[name] for name in names)).where(table.c.ts >= since_ms)
    return list(connection.execute(query.order_by(table.c.ts.desc()).limit(MOST_ROWS)))


def _events_per_s(connection: Connection) -> float:
    """Of the last minute in which there were events."""
    newest = connection.execute(select(func.max(EVENTS.c.ts))).scalar()
    if newest is None:
        return 0.0
    recent = select(EVENTS.c.id).where(EVENTS.c.ts > newest - _MINUTE_MS).limit(MOST_ROWS).subquery()
    return (connection.execute(select(func.count()).select_from(recent)).scalar() or 0) / 60


def _rules(acted: list[Any], revoked: set[str], since_ms: int, span_ms: int) -> list[RuleActivity]:
    by_rule: dict[str, list[Any]] = defaultdict(list)
    for row in acted:
        by_rule[row.rule].append(row)
    found = []
    for rule, rows in by_rule.items():
        trend = [0] * BUCKETS
        for row in rows:
            trend[min(BUCKETS - 1, (row.ts - since_ms) * BUCKETS // span_ms)] += 1
        taken_back = sum(row.action_id in revoked for row in rows)
        found.append(RuleActivity(rule, rows[0].area or "", len(rows), taken_back, trend))
    return sorted(found, key=lambda activity: (-activity.actions, activity.rule))


def _counts(names: Any) -> dict[str, int]:
    return dict(Counter(names).most_common())
