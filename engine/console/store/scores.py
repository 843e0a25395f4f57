"""What models said, and what people said of the same events: how well they learn, what their scores are made of."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, func, select

from engine.console.store.followed import DECISIONS, LABELS
from engine.console.store.parts import in_parts
from engine.console.store.rules import labels_of
from engine.learning.metrics import roc_auc

_LABELS_LOOKED_AT, _DECISIONS_LOOKED_AT = 1_000, 1_000
_STEPS = 20
_FEWEST = 10
_PARTS_SHOWN = 20
_HOUR_MS = 3_600_000


class Judged(NamedTuple):
    """An event that people have judged. `score`: what the model gave it when it came."""

    ts: int
    score: float
    is_spam: bool


class Curve(NamedTuple):
    """A learning curve, label by label: up to each time, how often the scores were right (.5 between), and the chance
    that spam scored above the rest. `labels`: how many there are in all."""

    times: list[int]
    right: list[float]
    auc: float | None
    labels: int


class Moderated(NamedTuple):
    """Labels of a moderator, as far as the store has them. `contradicted`: those of them whose event somebody else has
    labelled otherwise."""

    labels: int
    spam: int
    contradicted: int
    first_ms: int | None
    last_ms: int | None


def judged_events(connection: Connection) -> dict[str, list[Judged]]:
    """By model, the events that were labelled last, oldest first."""
    latest = select(LABELS.c.event_id).order_by(LABELS.c.ts.desc()).limit(_LABELS_LOOKED_AT)
    events = list(dict.fromkeys(connection.execute(latest).scalars()))
    labels, found = labels_of(connection, events), defaultdict[str, list[Judged]](list)
    for ids in in_parts(events):
        query = select(DECISIONS.c.event_id, DECISIONS.c.ts, DECISIONS.c.document).where(
            DECISIONS.c.event_id.in_(ids), DECISIONS.c.score.is_not(None)
        )
        for row in connection.execute(query):
            if row.event_id in labels:
                for model, score in orjson.loads(row.document)["scores"].items():
                    found[model].append(Judged(row.ts, score, labels[row.event_id] == "spam"))
    return {model: sorted(judged) for model, judged in found.items()}


def curve_of(judged: list[Judged]) -> Curve:
    """How a model has learned, in steps of as many labels each."""
    size = max(_FEWEST, -(-len(judged) // _STEPS))
    steps = [judged[start : start + size] for start in range(0, len(judged), size)]
    return Curve(
        times=[step[-1].ts for step in steps],
        right=[round(fmean((one.score >= 0.5) is one.is_spam for one in step), 4) for step in steps],
        auc=roc_auc([one.score for one in judged], [one.is_spam for one in judged]) if judged else None,
        labels=len(judged),
    )


def latest_scores(connection: Connection) -> tuple[dict[str, dict[int, float]], dict[str, list[tuple[str, float]]]]:
    """Of the newest decisions, by model: the mean score of each hour, and what adds to scores most, on average."""
    query = select(DECISIONS.c.ts, DECISIONS.c.document).order_by(DECISIONS.c.ts.desc()).limit(_DECISIONS_LOOKED_AT)
    by_hour = defaultdict[str, defaultdict[int, list[float]]](lambda: defaultdict(list))
    parts = defaultdict[str, defaultdict[str, float]](lambda: defaultdict(float))
    for ts, document in connection.execute(query):
        decision = orjson.loads(document)
        for model, score in decision["scores"].items():
            by_hour[model][ts // _HOUR_MS * _HOUR_MS].append(score)
        for model, contributions in decision.get("contributions", {}).items():
            for part, weight in contributions:
                parts[model][part] += weight
    means = {model: {hour: fmean(some) for hour, some in sorted(hours.items())} for model, hours in by_hour.items()}
    return means, {model: _largest(sums.items()) for model, sums in parts.items()}


def moderated(connection: Connection, moderator: str) -> Moderated:
    """What a moderator has taught, of the newest labels of theirs."""
    query = select(LABELS.c.event_id, LABELS.c.label, LABELS.c.ts).where(LABELS.c.moderator == moderator)
    rows = list(connection.execute(query.order_by(LABELS.c.ts.desc()).limit(_LABELS_LOOKED_AT)))
    own, others = {row.event_id: row.label for row in rows}, defaultdict[str, set[str]](set)
    for ids in in_parts(list(own)):
        given = select(LABELS.c.event_id, LABELS.c.label).where(
            LABELS.c.event_id.in_(ids), LABELS.c.moderator != moderator
        )
        for row in connection.execute(given):
            others[row.event_id].add(row.label)
    contradicted = sum(bool(others[event_id] - {label}) for event_id, label in own.items())
    times = [row.ts for row in rows]
    spam = sum(row.label == "spam" for row in rows)
    return Moderated(len(rows), spam, contradicted, min(times, default=None), max(times, default=None))


def labels_by_source(connection: Connection) -> list[tuple[str, int]]:
    """Who gave the newest labels, the most first."""
    some = select(LABELS.c.moderator).order_by(LABELS.c.ts.desc()).limit(_LABELS_LOOKED_AT).subquery()
    counted = select(some.c.moderator, func.count()).group_by(some.c.moderator).order_by(func.count().desc())
    return [(moderator, count) for moderator, count in connection.execute(counted)]


def _largest(parts: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(parts, key=lambda part: -abs(part[1]))[:_PARTS_SHOWN]
