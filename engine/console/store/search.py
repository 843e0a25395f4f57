"""Decisions found: by whom, what, when, by which rule. What an index finds is taken from the newest on, and looked
through for the rest of the question, a bounded number of rows: no question costs more."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, or_, select

from engine.console.store.followed import ACTIONS, DECISIONS, EVENTS, HITS, MENTIONS

MOST_LOOKED_AT = 15_000
"""So many rows of what an index finds are looked through."""

MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for; empty: anything. Times are event times in epoch ms, `until_ms` excluded. `entity`: kind and
    value; `effect`: of a hit of `rule`, such as shadow; `before`: time and id of the last decision of the page before;
    `least_score`: of the highest score; `words`: what a decision's record has somewhere, as it is written there."""

    user_id: str = ""
    event_id: str = ""
    action_id: str = ""
    entity: tuple[str, str] | None = None
    rule: str = ""
    effect: str = ""
    outcome: str = ""
    type: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    least_score: float | None = None
    words: str = ""
    before: tuple[int, int] | None = None


class Found(NamedTuple):
    """Decisions, the newest first. `is_all_looked_at`: whether there may be more further back that nobody looked at."""

    rows: list[Row[Any]]
    is_all_looked_at: bool


def search(connection: Connection, question: Question, limit: int) -> Found:
    """The newest decisions that fit."""
    most = MOST_LOOKED_AT if _asks_for_more(question) else min(limit, MAX_ROWS)
    looked_at = list(connection.execute(_candidates(connection, question, most)))
    rows = [row for row in looked_at if _fits(row, question)][: min(limit, MAX_ROWS)]
    return Found(_whole(connection, rows), len(looked_at) < MOST_LOOKED_AT or len(rows) >= limit)


def _asks_for_more(question: Question) -> bool:
    """Whether rows that an index finds have to be looked at."""
    named = bool(question.action_id or question.event_id or question.entity)
    narrowed = named or bool(question.user_id or question.rule)
    return (
        bool(question.words or question.type)
        or question.least_score is not None
        or (named and bool(question.user_id))
        or (narrowed and bool(question.outcome))
    )


def _candidates(connection: Connection, question: Question, most: int) -> Select[Any]:
    """What the most telling index finds. Columns: id, ts, user_id, event_id, type, outcome, score, and the document
    where words are asked for."""
    columns = [DECISIONS.c[name] for name in ("id", "ts", "user_id", "event_id", "type", "outcome", "score")] + (
        [DECISIONS.c.document] if question.words else []
    )
    query = select(*columns)
    if question.action_id or question.event_id:
        ids = [question.event_id] if question.event_id else _event_of(connection, question.action_id)
        query = query.where(DECISIONS.c.event_id.in_(ids))
    elif question.entity is not None:
        query = query.where(DECISIONS.c.event_id.in_(_events_with(question)))
    elif question.user_id:
        query = query.where(DECISIONS.c.user_id == question.user_id)
    elif question.rule:
        query = query.where(DECISIONS.c.id.in_(_hits_of(question)))
    elif question.outcome:
        query = query.where(DECISIONS.c.outcome == question.outcome)
    if question.rule and (question.action_id or question.event_id or question.entity or question.user_id):
        hit = select(HITS.c.id).where(HITS.c.decision == DECISIONS.c.id, HITS.c.rule == question.rule)
        hit = hit.where(HITS.c.effect == question.effect) if question.effect else hit
        query = query.where(hit.exists())
    return _within(query, question).order_by(DECISIONS.c.ts.desc(), DECISIONS.c.id.desc()).limit(most)


def _within(query: Select[Any], question: Question) -> Select[Any]:
    if question.since_ms is not None:
        query = query.where(DECISIONS.c.ts >= question.since_ms)
    if question.until_ms is not None:
        query = query.where(DECISIONS.c.ts < question.until_ms)
    if question.before is not None:
        ts, row = question.before
        query = query.where(or_(DECISIONS.c.ts < ts, and_(DECISIONS.c.ts == ts, DECISIONS.c.id < row)))
    return query


def _event_of(connection: Connection, action_id: str) -> list[str]:
    return list(connection.execute(select(ACTIONS.c.event_id).where(ACTIONS.c.action_id == action_id)).scalars())


def _events_with(question: Question) -> Select[Any]:
    kind, value = question.entity or ("", "")
    found = (
        select(MENTIONS.c.event_row)
        .where(MENTIONS.c.kind == kind, MENTIONS.c.value == value)
        .where(MENTIONS.c.ts >= (question.since_ms or 0), MENTIONS.c.ts < (question.until_ms or 2**62))
        .order_by(MENTIONS.c.ts.desc())
        .limit(MOST_LOOKED_AT)
    )
    return select(EVENTS.c.event_id).where(EVENTS.c.id.in_(found))


def _hits_of(question: Question) -> Select[Any]:
    hits = select(HITS.c.decision).where(HITS.c.rule == question.rule)
    if question.effect:
        hits = hits.where(HITS.c.effect == question.effect)
    until_ms = question.before[0] + 1 if question.before is not None else question.until_ms
    hits = hits.where(HITS.c.ts >= (question.since_ms or 0), HITS.c.ts < (until_ms or 2**62))
    return hits.order_by(HITS.c.ts.desc()).limit(MOST_LOOKED_AT)


def _fits(row: Row[Any], question: Question) -> bool:
    return (
        question.user_id in ("", row.user_id)
        and question.outcome in ("", row.outcome)
        and question.type in ("", row.type)
        and (question.least_score is None or (row.score is not None and row.score >= question.least_score))
        and (not question.words or question.words.encode() in row.document)
    )


def _whole(connection: Connection, rows: list[Row[Any]]) -> list[Row[Any]]:
    """These decisions with all that is known of them, in the same order."""
    by_id = {
        row.id: row for row in connection.execute(select(DECISIONS).where(DECISIONS.c.id.in_([row.id for row in rows])))
    }
    return [by_id[row.id] for row in rows]
