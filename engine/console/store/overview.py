"""What happens right now, in a bounded number of rows: the span ends with the newest event that is known."""

from collections import defaultdict
from typing import Any, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, Select, Subquery, Table, func, select

from engine.console.store.followed import ACTIONS, DEAD_LETTERS, DECISIONS, EVENTS, HITS, LABELS, REVOCATIONS
from engine.console.store.outgoing import FAILED, WAITING, count_in
from engine.core.domain.decisions import Outcome

OUTCOMES: tuple[str, ...] = get_args(Outcome)
BUCKETS = 48
MOST_ROWS = 20_000
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
    revoked = _revoked(connection, since_ms)
    rules = _rules(connection, revoked, since_ms, span_ms)
    outcomes = {name: number for name in OUTCOMES if (number := _count(connection, _decided(name, since_ms)))}
    actions = sum(activity.actions for activity in rules)
    return Overview(
        since_ms=since_ms,
        until_ms=until_ms,
        events_per_s=_events_per_s(connection),
        decisions=sum(outcomes.values()),
        outcomes=outcomes,
        rules=rules,
        shadow_hits=_counts(connection, HITS, "rule", since_ms, HITS.c.effect == "shadow"),
        actions=actions,
        revoked=sum(revoked.values()),
        labels=_counts(connection, LABELS, "label", since_ms),
        dead_letters=_counts(connection, DEAD_LETTERS, "reason", since_ms),
        waiting=count_in(connection, WAITING),
        failed=count_in(connection, FAILED),
        is_cut=MOST_ROWS in (actions, *outcomes.values()),
    )


def _decided(outcome: str, since_ms: int) -> Select[Any]:
    return select(DECISIONS.c.ts).where(DECISIONS.c.outcome == outcome, DECISIONS.c.ts >= since_ms)


def _count(connection: Connection, query: Select[Any]) -> int:
    return connection.execute(select(func.count()).select_from(query.limit(MOST_ROWS).subquery())).scalar() or 0


def _counts(
    connection: Connection, table: Table, name: str, since_ms: int, *conditions: ColumnElement[bool]
) -> dict[str, int]:  # fmt: skip
    """How many rows of each value, the most first."""
    some = _latest(table, (name,), since_ms, *conditions)
    number = func.count().label("number")
    counted = select(some.c[name], number).group_by(some.c[name]).order_by(number.desc())
    return {row[0]: row[1] for row in connection.execute(counted)}


def _latest(table: Table, names: tuple[str, ...], since_ms: int, *conditions: ColumnElement[bool]) -> Subquery:
    query = select(*(table.c[name] for name in names)).where(table.c.ts >= since_ms, *conditions)
    return query.order_by(table.c.ts.desc()).limit(MOST_ROWS).subquery()


def _events_per_s(connection: Connection) -> float:
    """Of the last minute in which there were events."""
    newest = connection.execute(select(func.max(EVENTS.c.ts))).scalar()
    return _count(connection, select(EVENTS.c.ts).where(EVENTS.c.ts > newest - _MINUTE_MS)) / 60 if newest else 0.0


def _revoked(connection: Connection, since_ms: int) -> dict[str, int]:
    """How many actions of each rule were taken back in the span."""
    some = _latest(REVOCATIONS, ("action_id",), since_ms)
    counted = select(ACTIONS.c.rule, func.count()).join(some, some.c.action_id == ACTIONS.c.action_id)
    return {row[0]: row[1] for row in connection.execute(counted.group_by(ACTIONS.c.rule))}


def _rules(connection: Connection, revoked: dict[str, int], since_ms: int, span_ms: int) -> list[RuleActivity]:
    some = _latest(ACTIONS, ("rule", "area", "ts"), since_ms)
    bucket = (some.c.ts - since_ms) * BUCKETS // span_ms
    trends: dict[str, list[int]] = defaultdict(lambda: [0] * BUCKETS)
    areas: dict[str, str] = {}
    for rule, area, place, number in connection.execute(
        select(some.c.rule, func.max(some.c.area), bucket, func.count()).group_by(some.c.rule, bucket)
    ):
        trends[rule][min(BUCKETS - 1, int(place))] += number
        areas[rule] = area or ""
    found = [RuleActivity(rule, areas[rule], sum(trend), revoked.get(rule, 0), trend) for rule, trend in trends.items()]
    return sorted(found, key=lambda activity: (-activity.actions, activity.rule))
