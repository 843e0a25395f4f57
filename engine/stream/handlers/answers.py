"""What has come of events, joined with what the models read of them when they scored: examples for the trainer.

An answer is a label that nobody gives. It may be there before its event is scored: while that is at its entities, or
where a worker that died had sent the answer, and not kept the score. So it is kept until the score is there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import msgspec

from engine.core.domain.outcomes import outcome_policy
from engine.core.domain.programs import Program, Scorer
from engine.core.domain.rules import ModelSpec, rivals
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.outcomes import Answer
from engine.core.evaluation.routing import SourceTopic
from engine.core.kernel import hash64, identity_of
from engine.errors import StateError
from engine.learning.labels import Example, Label, encode_known, join, subject_of
from engine.learning.scored import ScoredModel
from engine.learning.scorers import ModelScorer
from engine.learning.sources import source_of_outcomes
from engine.state.noted import unscored_name
from engine.stream.handlers.as_scored import scored_models
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.hop_messages import FROM_EVENTS, FROM_HOPS
from engine.stream.handlers.label_messages import encode_example
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.outcomes import OutcomeTimer, Place, encode_timer


class Unscored(msgspec.Struct, array_like=True, frozen=True):
    """An answer whose event some models have not scored yet. `learned`: those that have, and have learned it;
    `offset`: where it stands among the hops, where that is known."""

    answer: Answer
    learned: list[str]
    offset: int | None = None


class Given(NamedTuple):
    """An answer. `offset`: where its examples come from; `learned`: the models that have learned it already; `waits`:
    whether it was there before its event was scored, and `answered`: its own offset among the hops then."""

    offset: int
    answer: Answer
    learned: frozenset[str] = frozenset()
    waits: bool = False
    answered: int | None = None


MOST_UNSCORED = 100_000
"""So many events of a partition wait for their scores, though their answers are there."""
UNSCORED_MS = 7 * 86_400_000
"""And so long, by the time of the partition's events, of which many days pass at once where it is behind."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Unscored]).decode


class Answers:
    """Makes examples of answers. `examples`: the topic."""

    def __init__(self, examples: str, metrics: Metrics) -> None:
        self._topic, self._known = examples, cache(metrics.outcomes.labels)
        self._models: Mapping[str, ModelSpec] = {}
        self._scorers: Mapping[str, Scorer] = {}
        self._learners: Mapping[str, frozenset[str]] = {}
        self._asked: Mapping[str, frozenset[str]] = {}
        self._keys: Mapping[str, int] = {}
        self._rivals: Mapping[str, str] = {}

    def use(self, evaluator: Evaluator) -> None:
        """The models that learn from the next batch on."""
        self._models, self._scorers = evaluator.rulebook.models, evaluator.scorers
        self._rivals = rivals(self._models)
        outcomes = {spec.outcome for spec in self._models.values()}
        self._learners = {
            outcome: frozenset(name for name, spec in self._models.items() if spec.outcome == outcome)
            for outcome in outcomes if outcome is not None
        }  # fmt: skip
        self._keys = {name: spec.key for name, spec in evaluator.rulebook.outcomes.items()}
        self._asked = {kind: _asked(program) for kind, program in evaluator.rulebook.programs.items()}

    def late(self, outcome: StateOutcome, scored: Iterable[tuple[int, int]]) -> list[Given]:
        """Answers that were there before these events were scored: by identity, with the offsets of these."""
        assert outcome.state is not None
        noted = outcome.state.noted
        offsets = {unscored_name(identity): offset for identity, offset in scored}
        names = [name for name in offsets if name in noted.unscored]
        answers = list[Given]()
        for name, value in zip(names, noted.get(names), strict=True):
            if value is not None:
                at, waited = offsets[name], read_unscored(value)
                answers += [Given(at, one.answer, frozenset(one.learned), True, one.offset) for one in waited]
        return answers

    def catch_up(self, outcome: StateOutcome, partition: int, scored: Iterable[tuple[int, int]]) -> None:
        """Make examples of the answers that were there before events were scored, as these came."""
        self.join(outcome, FROM_EVENTS, partition, self.late(outcome, scored))

    def join(self, outcome: StateOutcome, topic: SourceTopic, partition: int, arrived: Iterable[Given]) -> None:
        """Make examples of answers. `topic` and `partition`: what the offsets are of."""
        state, answers = outcome.state, sorted(self._declared(outcome, arrived), key=lambda one: one.offset)
        assert state is not None
        by_id = state.scored_events(hash64(given.answer.event_id) for given in answers)
        identities = {given.answer.identity for given in answers}
        found = [event for events in by_id.values() for event in events if event.identity in identities]
        scored = scored_models(state, found)
        subjects = [subject_of(one.answer.identity, outcome_policy(one.answer.outcome)) for one in answers]
        verdicts = state.verdicts(subjects)
        for given, subject in zip(answers, subjects, strict=True):
            answer, learned = given.answer, given.learned
            seen = scored.get(answer.identity, [])
            if isinstance(seen, StateError) or (subject in verdicts and not learned):
                self._known("repeated" if subject in verdicts else "lost").inc()
                self._end(outcome, given)
                continue
            examples = self._examples(given, seen, topic, partition)
            scores = {model.name: model.score for model in seen}
            for example in examples:
                weighed = self._weighed(example, scores)
                if weighed is not None:
                    outcome.messages.append(Message(self._topic, example.model.encode(), encode_example(weighed)))
            self._go_on(outcome, given, learned.union(example.model for example in examples))
            if examples:  # not before it is kept who is still to learn it
                verdicts[subject] = encode_known(_label(answer))
                outcome.keep_scored([state.scored.put_verdict(subject, verdicts[subject])])

    def _go_on(self, outcome: StateOutcome, given: Given, done: frozenset[str]) -> None:
        """Let an answer wait for the models that are still to score its event, if there are any. `done`: those that
        have learned it."""
        answer = given.answer
        learners = self._learners.get(answer.outcome, done)
        if not learners <= done:
            learners = self._learners_of(answer)
        if learners <= done:
            self._known("learned" if learners else "unscored").inc()
            self._end(outcome, given)
        elif not (given.waits and done == given.learned) and not self._wait(outcome, given, done):
            self._known("unscored").inc()

    def _declared(self, outcome: StateOutcome, arrived: Iterable[Given]) -> Iterator[Given]:
        """Those of outcomes as they are declared now. Under another declaration the same name says something else."""
        for given in arrived:
            if self._keys.get(given.answer.outcome) == given.answer.key:
                yield given
            else:
                self._known("lost").inc()
                self._end(outcome, given)

    def _learners_of(self, answer: Answer) -> frozenset[str]:
        """The models that learn this outcome and score such an event: no others are waited for. Of an event of a type
        that the rulebook does not name, all that learn it."""
        learners = self._learners[answer.outcome]
        for kind, asked in self._asked.items():
            if identity_of(answer.user_id, kind, answer.event_id) == answer.identity:
                return learners & asked
        return learners

    def _wait(self, outcome: StateOutcome, given: Given, done: frozenset[str]) -> bool:
        """Keep an answer until its event is scored, for a while; False where there are too many."""
        answer, state = given.answer, outcome.state
        assert state is not None
        if len(state.noted.unscored) >= MOST_UNSCORED and not given.waits:
            return False
        self._keep(outcome, answer, Unscored(answer, sorted(done), given.answered if given.waits else given.offset))
        if given.waits:
            return True
        name = unscored_name(answer.identity)
        # Neither here nor where it was found out need it have become late yet: a partition's clock begins at 0.
        due_ms = max(state.clock.now_ms, answer.clock_ms, answer.ts_ms) + UNSCORED_MS
        timer = OutcomeTimer(name, answer.outcome, answer.key, user_id=answer.user_id)
        outcome.keep_timers([state.timers.put(due_ms, hash64(name.hex()), encode_timer(timer))])
        return True

    def _end(self, outcome: StateOutcome, given: Given) -> None:
        """An answer waits no longer, if it did."""
        if given.waits:
            self._keep(outcome, given.answer, None)

    def _keep(self, outcome: StateOutcome, answer: Answer, unscored: Unscored | None) -> None:
        """In place of what is kept of an answer. In one change: half of two would be what a crash leaves."""
        assert outcome.state is not None
        noted, name = outcome.state.noted, unscored_name(answer.identity)
        (value,) = noted.get([name])
        kept = [each for each in (read_unscored(value) if value else ()) if each.answer.outcome != answer.outcome]
        kept += [unscored] if unscored is not None else []
        outcome.keep_noted([noted.put(name, _encode(kept) if kept else None)])

    def _examples(self, given: Given, seen: Iterable[ScoredModel], topic: SourceTopic, partition: int) -> list[Example]:
        new, place = list(seen), (source_of_outcomes(topic, partition), given.offset)
        joined = join(_label(given.answer), new, None, place, rivals=self._rivals)[1]
        examples = [example for example in joined if example.model not in given.learned]
        if given.answered is None:
            return examples
        answered = source_of_outcomes(FROM_HOPS, partition), given.answered
        return [replace(example, answered=answered) for example in examples]

    def _weighed(self, example: Example, scores: Mapping[str, float | None]) -> Example | None:
        """An answer to a survey counts for those who were as likely to give one. While it is not known how likely that
        was, it teaches nothing: what the first ones teach would stay."""
        spec = self._models.get(example.model)
        if spec is None or spec.answer_model is None:
            return example
        scorer = self._scorers.get(spec.answer_model)
        score = scores.get(spec.answer_model)
        propensity = scorer.propensity(score) if isinstance(scorer, ModelScorer) else None
        return replace(example, propensity=propensity) if propensity is not None else None


def _asked(program: Program) -> frozenset[str]:
    """The models that score such events, at once or when these are back from their entities."""
    away = program.routing.decider.models if program.routing is not None else ()
    return frozenset((*program.decider.models, *away))


def read_unscored(value: bytes) -> list[Unscored]:
    """What is kept of an event that is not scored yet; nothing where that cannot be read."""
    try:
        return _decode(value)
    except (msgspec.MsgspecError, ValueError):
        return []


def placed(value: bytes, place: Place) -> bytes:
    """What is kept of an event that is not scored yet, whose user is in another partition from now on."""
    unscored = read_unscored(value)
    for each in unscored:
        each.answer.user_partition = place(each.answer.user_id, each.answer.user_partition)
    return _encode(unscored) if unscored else value


def _label(answer: Answer) -> Label:
    return Label(
        answer.event_id, "spam" if answer.answer else "ham", answer.ts_ms,
        policy=outcome_policy(answer.outcome), identity=answer.identity,
    )  # fmt: skip
