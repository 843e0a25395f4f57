"""Recorded events with what has come of them: the labels that the events give themselves."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from engine.core.domain.rules import ModelSpec, Rulebook
from engine.core.evaluation.outcomes import Answer
from engine.learning.answering import Propensities, corrected
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.learning.labels import Example
from engine.settings import Settings
from engine.stream.handlers.absences import allowance_ms
from engine.stream.offline.engine import OfflineEngine
from engine.stream.offline.recorded import cases_of


def outcome_cases(
    rulebook: Rulebook, spec: ModelSpec, lines: Iterable[bytes], settings: Settings,
    done: Callable[[], None] = lambda: None,
) -> list[EvaluationCase]:  # fmt: skip
    """The events that a model is asked about, with what has come of them by the time of the last one. Those count whose
    time is over by then: of the others only one answer could be known."""
    outcome, answers = rulebook.outcomes[spec.outcome or ""], dict[int, Answer]()

    def note(answer: Answer) -> None:
        if answer.outcome == outcome.name:
            answers[answer.identity] = answer

    engine = OfflineEngine(rulebook, settings, learns=False, answered=note)  # what learns is what is examined
    cases = list(cases_of(engine, spec.name, lines, {}, settings, done))
    last_ms, waits_ms = engine.state.clock.now_ms, allowance_ms(settings)
    engine.pass_time(waits_ms + 1)

    def decided(case: EvaluationCase) -> EvaluationCase:
        answer, end_ms = answers.get(case.identity), case.ts_ms + outcome.until_ms
        if answer is None:
            return replace(case, counts=end_ms <= last_ms)
        has_come = answer.answer or answer.ts_ms < end_ms
        known_ms = answer.ts_ms if has_come else end_ms + waits_ms  # when nothing can come any more
        return replace(case, spam=answer.answer, known_ms=known_ms, counts=end_ms <= last_ms)

    return [decided(case) for case in cases]


def weighed(
    cases: Iterable[EvaluationCase], asked: list[EvaluationCase], teacher: ModelSpec, scenario: Scenario
) -> list[EvaluationCase]:
    """The same, with how likely each event was to be answered, as the model of who answers had it at its time; 0 while
    it did not know."""
    learner = _Teacher(teacher)
    evaluate(asked, learner, replace(scenario, presume=teacher.presume, awaits=teacher.awaits), targets=())
    return [replace(case, propensity=learner.propensities.get(case.identity, 0.0)) for case in cases]


def corrected_share(cases: Sequence[EvaluationCase], scores: Sequence[float]) -> float | None:
    """The share of yes among all events of the second half, as their scores have it, set right by the answers among
    them. `scores`: of all cases; None without answers."""
    late = [*zip(cases, scores, strict=True)][len(cases) // 2 :]
    answered = [(case, score) for case, score in late if case.spam is not None and case.counts and case.propensity]
    return corrected(
        [score for _, score in late], [score for _, score in answered],
        [bool(case.spam) for case, _ in answered], [case.propensity for case, _ in answered],
    )  # fmt: skip


_LOOK_AGAIN = 200
"""How likely answers are is found out anew after so many events."""


class _Teacher(EvaluatedModel):
    """The model of who answers. `propensities`: how likely an answer was, by event."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec.river)
        self._min_labels, self._scored = spec.min_labels, 0
        self._known: Propensities | None = None
        self._unscored = set[str]()  # events that came before enough was known
        self.propensities: dict[int, float] = {}

    def learn(self, example: Example) -> None:
        """One answer, or silence."""
        if example.event_id in self._unscored:
            self._unscored.discard(example.event_id)
            example = replace(example, score=None)
        super().learn(example)

    def score(self, case: EvaluationCase) -> float:
        """The probability of an answer."""
        score, model = super().score(case), self.model
        if not model.knows(self._min_labels):
            self._unscored.add(case.event_id)
        elif self._scored % _LOOK_AGAIN == 0:
            self._known = model.judged.propensities(model.labels)
        self._scored += 1
        propensity = self._known.of(score) if self._known is not None else None
        if propensity is not None:
            self.propensities[case.identity] = propensity
        return score
