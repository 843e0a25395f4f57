"""What becomes of events that models have scored: they are kept for their labels, and watched."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import isnan
from typing import NamedTuple

import msgspec
import numpy as np
import structlog

from engine.core.domain.follow_ups import SIGN
from engine.core.evaluation.evaluator import Evaluator
from engine.core.kernel import hash_all
from engine.learning.drift import ScoreDrift
from engine.learning.labels import Awaited, Example
from engine.learning.review import choose
from engine.learning.scored import ScoredRows, blocks
from engine.learning.scorers import ModelScorer
from engine.learning.sources import source_of_presumed
from engine.settings import Settings
from engine.state.scored import ScoredKeys
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.label_messages import encode_example, encode_review, encode_score
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics

_log = structlog.stdlib.get_logger("floodgate")

_BLOCK_EVENTS = 250
"""A label reads the whole block that its event is in."""


class Source(NamedTuple):
    """Where a batch comes from. `arrivals`: the identities of its events, and the offsets at which they came."""

    partition: int
    arrivals: Iterable[tuple[int, int]]


class ScoredEvents:
    """What becomes of the events that models have scored: kept for labels, some presumed to be ham, some put up for
    review, all watched for drift.
    `topic`: which batches they are scored in."""

    def __init__(self, topic: int, settings: Settings, metrics: Metrics) -> None:
        self._topic, self._settings, self._metrics = topic, settings, metrics
        self._pseudonyms = settings.pseudonyms()
        self._drift: dict[str, ScoreDrift] = {}

    def use(self, evaluator: Evaluator) -> None:
        """The models that are asked from now on. What watches their scores is dear to import: here no event waits."""
        for name, asked in evaluator.scorers.items():
            if isinstance(asked, ModelScorer):
                asked.takes = asked.learns or self._settings.publish_scores
            if name not in self._drift and isinstance(asked, ModelScorer):
                self._drift[name] = ScoreDrift()

    def keep(self, outcome: StateOutcome, evaluator: Evaluator, source: Source) -> None:
        """Keep what was scored in a batch, for the labels to come, and ask for some."""
        assert outcome.state is not None
        asked = [scorer for scorer in evaluator.scorers.values() if isinstance(scorer, ModelScorer)]
        taken = [(scorer, rows) for scorer in asked if (rows := scorer.take()) is not None]
        if self._settings.publish_scores:
            by_name = {rows.model: (scorer, rows) for scorer, rows in taken}
            for scorer, rows in taken:
                told_by = by_name.get(scorer.answered_by or rows.model, (scorer, rows))
                outcome.messages += self._told(evaluator, rows.model, *told_by)
        scored = [_timed(rows, evaluator) if scorer.awaits else rows for scorer, rows in taken if scorer.learns]
        events = {
            key: evaluator.event_at(place)
            for rows in scored
            for key, place in zip(rows.keys.tolist(), rows.places.tolist(), strict=True)
        }
        for keys, payload in blocks(scored, _BLOCK_EVENTS):
            own = [events[key] for key in keys.tolist()]
            users = np.array(hash_all([event.user_id for event in own]), np.uint64)
            ids = np.array(hash_all([event.event_id for event in own]), np.uint64)
            outcome.keep_scored([outcome.state.scored.put(self._topic, ScoredKeys(keys, users, ids), payload)])
        for rows in scored:
            # What comes of events tells more than moderators could.
            asks = rows.policy is None or not rows.policy.startswith(SIGN)
            for candidate in choose(rows, self._settings.review_share) if asks else ():
                event = evaluator.event_at(candidate.place)
                if self._pseudonyms is not None:  # a label finds its event by the user whose it is
                    event = msgspec.structs.replace(event, user_id=self._pseudonyms.reveal(event.user_id))
                value = encode_review(event, rows, candidate)
                outcome.messages.append(Message(self._settings.topics.review, event.user_id.encode(), value))
            self._watch(rows)
            self._presume(outcome, evaluator, rows, source)

    def _told(self, evaluator: Evaluator, model: str, scorer: ModelScorer, rows: ScoredRows) -> Iterator[Message]:
        """What a model says of a batch, for whoever ranks by that; the challenger's scores, where that stands in for
        it."""
        for place, score in zip(rows.places.tolist(), rows.scores.tolist(), strict=True):
            if not isnan(score):
                event, likeness = evaluator.event_at(place), scorer.calibration(score)
                value = encode_score(event, model, rows.version, score, likeness)
                yield Message(self._settings.topics.scores, event.user_id.encode(), value)

    def _presume(self, outcome: StateOutcome, evaluator: Evaluator, rows: ScoredRows, source: Source) -> None:
        """Take a share of the events for ham, each for as many as it stands for, until a label says otherwise. Where
        labels are waited for, the trainer does so when its time is over."""
        presumed = rows.presumed()
        arrivals = list(source.arrivals) if presumed else []
        offsets = dict(reversed(arrivals))  # the first of one identity
        for row in presumed:
            event, score = evaluator.event_at(int(rows.places[row])), float(rows.scores[row])
            example = Example(
                rows.model, event.event_id, "ham", None, None if isnan(score) else score, rows.names, rows.inputs(row),
                (source_of_presumed(self._topic, source.partition), offsets[int(rows.keys[row])]), event.ts_ms, None,
                rows.presume, presumed=rows.presume, awaited=_awaited(rows, row, evaluator),
            )  # fmt: skip
            topic = self._settings.topics.examples
            outcome.messages.append(Message(topic, rows.model.encode(), encode_example(example)))

    def _watch(self, rows: ScoredRows) -> None:
        known = rows.scores[~np.isnan(rows.scores)]
        if self._drift[rows.model].add(known.tolist()):
            self._metrics.drift.labels(rows.model, "scores").inc()
            _log.warning("the scores of a model have changed", model=rows.model, mean=round(float(known.mean()), 4))


def _timed(rows: ScoredRows, evaluator: Evaluator) -> ScoredRows:
    """The same, with when the events came."""
    times = [evaluator.event_at(place).ts_ms for place in rows.places.tolist()]
    return replace(rows, times=np.array(times, np.int64))


def _awaited(rows: ScoredRows, row: int, evaluator: Evaluator) -> Awaited | None:
    if rows.times is None:
        return None
    scorer, key, event_ms = evaluator.scorers[rows.model], int(rows.keys[row]), int(rows.times[row])
    return Awaited(key, event_ms, event_ms + (scorer.wait_ms(key) if isinstance(scorer, ModelScorer) else 0))
