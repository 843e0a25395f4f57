"""What has come of events, joined with what the models read of them when they scored: examples for the trainer.

An answer is a label that nobody gives. It may be there before its event is back from its entities, where other models
score it: it is kept until that has come.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

import msgspec

from engine.core.domain.outcomes import outcome_policy
from engine.core.domain.programs import Scorer
from engine.core.domain.rules import ModelSpec, Rulebook
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.outcomes import Answer
from engine.core.kernel import hash64
from engine.errors import StateError
from engine.learning.answering import propensity
from engine.learning.labels import Example, Label, encode_known, join, subject_of
from engine.learning.scored import ScoredModel
from engine.learning.scorers import ModelScorer
from engine.state.noted import unscored_name
from engine.stream.handlers.as_scored import scored_models
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.label_messages import encode_example, source_of_outcomes
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics


class Unscored(msgspec.Struct, array_like=True, frozen=True):
    """An answer whose event some models have not scored yet. `learned`: those that have, and have learned it."""

    answer: Answer
    learned: list[str]


Arrived = tuple[int, Answer, frozenset[str]]
"""An answer, the offset that its examples are known by, and the models that have learned it already."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Unscored]).decode


class Answers:
    """Makes examples of answers. `examples`: the topic."""

    def __init__(self, examples: str, metrics: Metrics) -> None:
        self._topic, self._known = examples, cache(metrics.outcomes.labels)
        self._models: Mapping[str, ModelSpec] = {}
        self._scorers: Mapping[str, Scorer] = {}
        self._away: Mapping[str, frozenset[str]] = {}

    def use(self, evaluator: Evaluator) -> None:
        """The models that learn from the next batch on."""
        self._models, self._scorers = evaluator.rulebook.models, evaluator.scorers
        self._away = _away(evaluator.rulebook)

    @property
    def are_awaited(self) -> bool:
        """Whether answers may have come before their events were scored."""
        return bool(self._away)

    def join(self, outcome: StateOutcome, partition: int, arrived: Iterable[tuple[int, Answer]]) -> None:
        """Answers that have come at these offsets."""
        answers = [(offset, answer, frozenset[str]()) for offset, answer in arrived]
        if answers:
            self._join(outcome, partition, answers)

    def catch_up(self, outcome: StateOutcome, partition: int, scored: Mapping[int, int]) -> None:
        """Answers that were there before these events were scored: identities, and the offsets at which they were."""
        if not scored or outcome.state is None:
            return
        noted = outcome.state.noted
        names = [unscored_name(identity) for identity in scored]
        answers = list[Arrived]()
        for name, offset, value in zip(names, scored.values(), noted.get(names), strict=True):
            if value is not None:
                answers += [(offset, each.answer, frozenset(each.learned)) for each in read_unscored(value)]
                outcome.keep_noted([noted.put(name, None)])
        self._join(outcome, partition, answers)

    def _join(self, outcome: StateOutcome, partition: int, answers: list[Arrived]) -> None:
        state = outcome.state
        assert state is not None
        by_id = state.scored_events(hash64(answer.event_id) for _, answer, _ in answers)
        identities = {answer.identity for _, answer, _ in answers}
        found = [event for events in by_id.values() for event in events if event.identity in identities]
        scored = scored_models(state, found)
        subjects = [subject_of(answer.identity, outcome_policy(answer.outcome)) for _, answer, _ in answers]
        verdicts = state.verdicts(subjects)
        for (offset, answer, learned), subject in zip(answers, subjects, strict=True):
            seen = scored.get(answer.identity, [])
            if isinstance(seen, StateError) or (subject in verdicts and not learned):
                self._known("repeated" if subject in verdicts else "lost").inc()
                continue
            examples = self._examples(answer, seen, learned, (source_of_outcomes(partition), offset))
            if examples:
                label = _label(answer)
                verdicts[subject] = encode_known(label)
                outcome.keep_scored([state.scored.put_verdict(subject, verdicts[subject])])
            for example in examples:
                message = Message(self._topic, example.model.encode(), encode_example(example))
                outcome.messages.append(message)
            done = learned.union(example.model for example in examples)
            if self._away.get(answer.outcome, done) <= done:
                self._known("learned" if done else "unscored").inc()
            else:
                self._wait(outcome, answer, done)

    def _wait(self, outcome: StateOutcome, answer: Answer, done: frozenset[str]) -> None:
        assert outcome.state is not None
        name, noted = unscored_name(answer.identity), outcome.state.noted
        (value,) = noted.get([name])
        others = [each for each in (read_unscored(value) if value else ()) if each.answer.outcome != answer.outcome]
        outcome.keep_noted([noted.put(name, _encode([*others, Unscored(answer, sorted(done))]))])

    def _examples(
        self, answer: Answer, seen: Iterable[ScoredModel], learned: frozenset[str], source: tuple[int, int]
    ) -> list[Example]:
        known = {model.name: model.score for model in seen}
        new = [model for model in seen if model.name not in learned]
        _, examples = join(_label(answer), new, None, source)
        return [self._weighed(example, known) for example in examples]

    def _weighed(self, example: Example, scores: Mapping[str, float | None]) -> Example:
        """An answer to a survey counts for those who were as likely to give one."""
        spec = self._models.get(example.model)
        if spec is None or spec.answer_model is None:
            return example
        scorer = self._scorers.get(spec.answer_model)
        answered = scorer.share if isinstance(scorer, ModelScorer) else None
        return replace(example, propensity=propensity(scores.get(spec.answer_model), answered))


def read_unscored(value: bytes) -> list[Unscored]:
    """What is kept of an event that is not scored yet; nothing where that cannot be read."""
    try:
        return _decode(value)
    except (msgspec.MsgspecError, ValueError):
        return []


def _label(answer: Answer) -> Label:
    return Label(
        answer.event_id, "spam" if answer.answer else "ham", answer.ts_ms,
        policy=outcome_policy(answer.outcome), identity=answer.identity,
    )  # fmt: skip


def _away(rulebook: Rulebook) -> dict[str, frozenset[str]]:
    """The models that learn each outcome and score events when they are back from their entities, by outcome."""
    routings = [program.routing for program in rulebook.programs.values() if program.routing is not None]
    names = {name for routing in routings for name in routing.decider.models}
    outcomes = {spec.outcome for name, spec in rulebook.models.items() if name in names and spec.outcome is not None}
    return {
        outcome: frozenset(name for name in names if rulebook.models[name].outcome == outcome) for outcome in outcomes
    }
