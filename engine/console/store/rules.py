"""What rules have met, as far as the store tells: a bounded number of rows for each question."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, func, select

from engine.backtest.comparison import Estimate, estimate
from engine.console.store.followed import DECISIONS, HITS, LABELS
from engine.console.store.outgoing import FAILED, SENDING, WAITING
from engine.console.store.own import OUTGOING
from engine.console.store.parts import in_parts

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
COUNTED_TO = 1_000
"""Beyond so many, hits of a rule are not counted: there are more."""

SHADOW = "shadow"
MOST_SAMPLED = 500
"""So many hits of a rule are looked at, the newest."""

_LABELS_LOOKED_AT = 1_000
_HITS_CHARTED = 5_000
_CHART_HOURS = 168


class Judged(NamedTuple):
    """What labels say of a rule's hits. `precision`: the share of them that is spam; None without labels."""

    spam: int
    ham: int

    @property
    def precision(self) -> Estimate | None:
        """With Wilson's bounds."""
        return estimate(self.spam, self.spam + self.ham)


class Hit(NamedTuple):
    """A hit of a rule with its decision. `label`: the newest that stands; None: there is none."""

    row: Row[Any]
    label: str | None


def newest_ms(connection: Connection, now_ms: int) -> int:
    """How far the time of what is decided has come, at most now: recordings play days of long ago."""
    newest = connection.execute(select(func.max(DECISIONS.c.ts))).scalar()
    return min(now_ms, newest) if newest is not None else now_ms


def count_hits(connection: Connection, rules: Iterable[str], since_ms: int) -> dict[str, int]:
    """How many hits each rule has since then; at most 1,001 are counted."""
    return {rule: _count(connection, rule, since_ms) for rule in rules}


def judge_hits(connection: Connection, since_ms: int) -> dict[str, Judged]:
    """What the newest labels say of the hits since then, by rule."""
    latest = select(LABELS.c.event_id).order_by(LABELS.c.ts.desc()).limit(_LABELS_LOOKED_AT)
    events = list(dict.fromkeys(connection.execute(latest).scalars()))
    labels, tallies = labels_of(connection, events), defaultdict[str, Counter[str]](Counter)
    for ids in in_parts(events):
        query = (
            select(HITS.c.rule, DECISIONS.c.event_id)
            .join(HITS, HITS.c.decision == DECISIONS.c.id)
            .where(DECISIONS.c.event_id.in_(ids), HITS.c.ts >= since_ms)
            .distinct()
        )
        for rule, event_id in connection.execute(query):
            tallies[rule][labels.get(event_id, "")] += 1
    return {rule: Judged(tally["spam"], tally["ham"]) for rule, tally in tallies.items()}


def labels_of(connection: Connection, event_ids: Sequence[str]) -> dict[str, str]:
    """What is known of events: spam, whichever policy that is about, or ham, where nothing says which policy."""
    known: dict[str, str] = {}
    for ids in in_parts(list(event_ids)):
        given = select(LABELS.c.event_id, LABELS.c.label, LABELS.c.policy).where(LABELS.c.event_id.in_(ids))
        for row in connection.execute(given.order_by(LABELS.c.ts, LABELS.c.id)):
            if row.label == "retracted":
                known.pop(row.event_id, None)
            elif row.label == "spam" or row.policy is None:
                known[row.event_id] = row.label
    return known


def sample_hits(connection: Connection, rule: str, since_ms: int, most: int = MOST_SAMPLED) -> list[Hit]:
    """The newest hits of a rule, with their decisions' documents."""
    query = (
        select(HITS.c.effect, HITS.c.mode, HITS.c.decision, DECISIONS.c.ts, DECISIONS.c.event_id, DECISIONS.c.user_id,
               DECISIONS.c.type, DECISIONS.c.outcome, DECISIONS.c.document)
        .join(DECISIONS, DECISIONS.c.id == HITS.c.decision)
        .where(HITS.c.rule == rule, HITS.c.ts >= since_ms)
        .order_by(HITS.c.ts.desc())
        .limit(most)
    )  # fmt: skip
    rows: list[Row[Any]] = [*connection.execute(query)]
    labels = labels_of(connection, list({row.event_id for row in rows}))
    return [Hit(row, labels.get(row.event_id)) for row in rows]


def overlaps(connection: Connection, decisions: Sequence[int], rule: str) -> list[tuple[str, int]]:
    """The other rules that met the same events, and how many of them, the most first."""
    met: Counter[str] = Counter()
    for ids in in_parts(list(decisions)):
        others = select(HITS.c.rule, func.count()).where(HITS.c.decision.in_(ids), HITS.c.rule != rule)
        for other, count in connection.execute(others.group_by(HITS.c.rule)):
            met[other] += count
    return met.most_common()


def hits_by_hour(connection: Connection, rule: str, until_ms: int) -> tuple[list[int], list[int], list[int], bool]:
    """The hours up to then, how many hits each has enforced and in shadow, and whether all are told: of many, the
    newest are."""
    first = until_ms // HOUR_MS - _CHART_HOURS + 1
    newest = select(HITS.c.ts, HITS.c.effect).where(HITS.c.rule == rule, HITS.c.ts >= first * HOUR_MS)
    some = newest.order_by(HITS.c.ts.desc()).limit(_HITS_CHARTED).subquery()
    hour, in_shadow = (some.c.ts // HOUR_MS).label("hour"), (some.c.effect == SHADOW).label("in_shadow")
    counted = select(hour, in_shadow, func.count().label("hits")).group_by(hour, in_shadow)
    tally = {(row.hour, bool(row.in_shadow)): row.hits for row in connection.execute(counted)}
    hours = range(first, until_ms // HOUR_MS + 1)
    times = [one * HOUR_MS for one in hours]
    enforced, shadow = ([tally.get((one, is_shadow), 0) for one in hours] for is_shadow in (False, True))
    return times, enforced, shadow, sum(tally.values()) < _HITS_CHARTED


def on_their_way(connection: Connection, kinds: Sequence[str], limit: int = 20) -> list[Row[Any]]:
    """What has been decided of these kinds and is not out yet, or can never go out."""
    found: list[Row[Any]] = []
    for state in (WAITING, SENDING, FAILED):
        query = select(OUTGOING).where(and_(OUTGOING.c.state == state, OUTGOING.c.kind.in_(kinds)))
        found += connection.execute(query.order_by(OUTGOING.c.due_ms.desc()).limit(limit))
    return found


def judged(hits: Iterable[Hit]) -> Judged:
    """What labels say of these hits."""
    tally: Mapping[str | None, int] = Counter(hit.label for hit in hits)
    return Judged(tally.get("spam", 0), tally.get("ham", 0))


def _count(connection: Connection, rule: str, since_ms: int) -> int:
    some = select(HITS.c.id).where(HITS.c.rule == rule, HITS.c.ts >= since_ms).limit(COUNTED_TO + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar() or 0
