"""Progressive validation: each event is scored before its label is learned, as it would have been live.

Labels come when they came (their own times), or so many events late; all of them or a part; right or wrong. An event
counts in the result when its verdict is known, whether or not the learner was shown it.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Protocol

from engine.core.domain.events import LATEST_MS
from engine.core.kernel import hash64
from engine.learning.delays import Delays
from engine.learning.features import Inputs, Names
from engine.learning.labels import Awaited, Example
from engine.learning.metrics import calibration_error, deciles, log_loss, pr_auc, recall_at, roc_auc
from engine.learning.scored import is_presumed
from engine.learning.slices import Slice, late_slices
from engine.learning.thresholds import Thresholds
from engine.learning.verdicts import Verdict
from engine.learning.waiting import Waiting

CURVE_POINTS = 40
TARGETS = (0.9, 0.95, 0.99, 0.995)
"""Precisions that thresholds are chosen for, from the labels known so far."""
MODERATORS = 100
_LOOK_AGAIN = 20
"""Thresholds are chosen anew after so many labels."""


@dataclass(frozen=True, slots=True)
class EvaluationCase:
    """A scored event: what the model read, the truth if it is known, and when that became known. `campaign`: which
    attack it is part of; `propensity`: how likely it was that the truth became known, 0 where the learner is not shown
    it; `counts`: whether it is in the result: what became known before others of its time could would flatter, or
    blacken, the score; `identity`: of the event."""

    event_id: str
    ts_ms: int
    names: Names
    inputs: Inputs
    spam: bool | None
    known_ms: int | None = None
    campaign: str | None = None
    propensity: float = 1.0
    counts: bool = True
    identity: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """How the learner is taught. `delay`: labels come after so many more events; None: at their own times.
    `fraction`: the share of labels that it is shown; `flip`: the share of those that are wrong. `presume`: this
    share of the events is taken for ham as soon as they are scored, and learned again when one turns out to be spam;
    `awaits`: not as soon, but when labels would have come. `audit`: only what looks like spam gets a label, and a share
    of the rest, which counts the more for it. `hostile`: this share of a hundred moderators calls a campaign's events
    ham: they give as many labels as their colleagues, all about it."""

    delay: int | None = None
    fraction: float = 1.0
    flip: float = 0.0
    presume: float = 0.0
    awaits: bool = False
    audit: float | None = None
    hostile: float = 0.0
    campaign: str | None = None
    seed: int = 0


class Evaluated(Protocol):
    """What can be evaluated: a model of ours, or a pipeline of River's."""

    def score(self, case: EvaluationCase) -> float:
        """The probability of spam."""

    def learn(self, example: Example) -> None:
        """One label."""


@dataclass(slots=True)
class Calls:
    """What came of acting on scores above the threshold for a precision. `spam`: of all events that were scored."""

    made: int = 0
    right: int = 0
    spam: int = 0

    def add(self, called: bool, spam: bool) -> None:
        """One event."""
        self.made += called
        self.right += called and spam
        self.spam += spam

    def summary(self) -> dict[str, float | int | None]:
        """As the command prints it; None: nothing was called."""
        return {
            "realised": self.right / self.made if self.made else None,
            "recall": self.right / self.spam if self.spam else None,
            "called": self.made,
        }


@dataclass(slots=True)
class Result:
    """What came out, event by event, for events whose truth is known. `all_scores`: of the others too; `slices`: of
    the second half, when the learner has learned; `delays`: how long labels took."""

    scores: list[float]
    spam: list[bool]
    us_per_score: float
    us_per_learn: float
    labels: int
    calls: dict[float, Calls]
    all_scores: list[float] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    delays: Delays = field(default_factory=Delays)

    def summary(self) -> dict[str, float | int | None]:
        """The figures that the command prints."""
        area = roc_auc(self.scores, self.spam)
        return {
            "roc_auc": area,
            "one_minus_auc_pct": None if area is None else 100 * (1 - area),
            "pr_auc": pr_auc(self.scores, self.spam),
            "recall_at_fpr_0.001": recall_at(self.scores, self.spam, 0.001),
            "recall_at_fpr_0.01": recall_at(self.scores, self.spam, 0.01),
            "log_loss": log_loss(self.scores, self.spam),
            "ece": calibration_error(self.scores, self.spam),
            "us_per_score": self.us_per_score,
            "us_per_learn": self.us_per_learn,
            "n": len(self.scores),
            "spam": sum(self.spam),
            "labels": self.labels,
        }

    def deciles(self) -> list[dict[str, float | int | None]]:
        """How scores and truth go together, a tenth of the events at a time, the highest scores first."""
        return deciles(self.scores, self.spam)

    def mean_score(self) -> float | None:
        """Of all events of the second half."""
        late = self.all_scores[len(self.all_scores) // 2 :]
        return sum(late) / len(late) if late else None

    def curve(self) -> list[tuple[int, float | None]]:
        """ROC AUC of each stretch of events, by the number of its last one."""
        size = max(1, -(-len(self.scores) // CURVE_POINTS))
        stretches = [slice(start, start + size) for start in range(0, len(self.scores), size)]
        return [
            (min(stretch.stop, len(self.scores)), roc_auc(self.scores[stretch], self.spam[stretch]))
            for stretch in stretches
        ]


def evaluate(
    cases: Sequence[EvaluationCase], learner: Evaluated, scenario: Scenario, done: Callable[[], None] = lambda: None,
    targets: Sequence[float] = TARGETS,
) -> Result:  # fmt: skip
    """Teach and examine a learner. `done` is called after each event; `targets`: precisions for thresholds."""
    course = _Course(learner, scenario, cases)
    course.thresholds = dict.fromkeys(targets)
    scores, truth, all_scores, spent = list[float](), list[bool](), list[float](), 0.0
    told, calls = list[Sequence[str | None]](), {target: Calls() for target in targets}
    for case in cases:
        course.hand_out(case)
        started = time.process_time()
        score = learner.score(case)
        spent += time.process_time() - started
        all_scores.append(score)
        if case.spam is not None and case.counts:
            scores.append(score)
            truth.append(case.spam)
            told.append(case.inputs.categories)
            for target, made in calls.items():
                threshold = course.thresholds[target]
                made.add(threshold is not None and score >= threshold, case.spam)
        course.add(case, score)
        done()
    learned = max(1, course.learned)
    return Result(
        scores=scores,
        spam=truth,
        us_per_score=1e6 * spent / max(1, len(cases)),
        us_per_learn=1e6 * course.spent / learned,
        labels=course.learned,
        calls=calls,
        all_scores=all_scores,
        slices=late_slices(cases[0].names.sliced_by if cases else (), scores, truth, told),
        delays=course.delays,
    )


def bootstrap_difference(result: Result, other: Result, rounds: int = 400, seed: int = 0) -> tuple[float, float, float]:
    """How much lower (1 - AUC) % is for `result` than for `other`, on the same events: the difference, and the bounds
    that hold 95 % of the same on events drawn anew."""
    draws = random.Random(seed)
    pairs = list(zip(result.scores, other.scores, result.spam, strict=True))
    differences = []
    for _ in range(rounds):
        drawn = draws.choices(pairs, k=len(pairs))
        first, second, spam = zip(*drawn, strict=True)
        areas = roc_auc(first, spam), roc_auc(second, spam)
        if areas[0] is not None and areas[1] is not None:
            differences.append(100 * (areas[0] - areas[1]))
    if not differences:
        return 0.0, 0.0, 0.0
    differences.sort()
    whole = roc_auc(result.scores, result.spam), roc_auc(other.scores, other.spam)
    difference = 100 * ((whole[0] or 0.0) - (whole[1] or 0.0))
    return difference, differences[int(0.025 * len(differences))], differences[int(0.975 * len(differences))]


class _Course:
    """Which labels the learner is shown, and when."""

    def __init__(self, learner: Evaluated, scenario: Scenario, cases: Sequence[EvaluationCase]) -> None:
        labelled = sum(case.spam is not None for case in cases)
        about = sum(case.spam is not None and case.campaign == scenario.campaign for case in cases)
        self._captured = scenario.hostile * labelled / about if scenario.hostile and about else 0.0
        self._learner, self._scenario = learner, scenario
        # The hostile are drawn apart: without them the same events get labels, from the same others.
        self._random, self._draws = random.Random(scenario.seed), random.Random(scenario.seed)
        self._waiting: list[tuple[int, int, EvaluationCase, float]] = []  # a heap: when due, a number, what about
        self.learned, self.spent, self._seen = 0, 0.0, 0
        self._judged, self._labels, self.delays, self._awaited = Thresholds(), 0, Delays(), Waiting()
        self.thresholds: dict[float, float | None] = {}

    def hand_out(self, case: EvaluationCase) -> None:
        """The labels that are there before this event."""
        now = case.ts_ms if self._scenario.delay is None else self._seen
        while self._waiting and self._waiting[0][0] < now:
            _, _, earlier, score = heappop(self._waiting)
            self._show(earlier, score)

    def add(self, case: EvaluationCase, score: float) -> None:
        """An event has been scored: its label comes later, if at all."""
        for over in self._awaited.pass_time(case.ts_ms):
            self._teach(over)
        if self._is_presumed(case):
            example = self._example(case, score, "ham", None, self._scenario.presume)
            if not self._awaited.add(example, self._seen):
                self._teach(example)
        if case.spam is not None and case.propensity:
            known_ms = case.ts_ms if case.known_ms is None else case.known_ms
            due = known_ms if self._scenario.delay is None else self._seen + self._scenario.delay
            heappush(self._waiting, (due, self._seen, case, score))
        self._seen += 1

    def _show(self, case: EvaluationCase, score: float) -> None:
        scenario, propensity = self._scenario, case.propensity
        if self._random.random() >= scenario.fraction:
            return
        if scenario.audit is not None and score < 0.5:
            if self._random.random() >= scenario.audit:
                return
            propensity *= scenario.audit
        spam = bool(case.spam) != (self._random.random() < scenario.flip)
        moderator = f"moderator {self._random.randrange(MODERATORS)}"
        if case.campaign is not None and case.campaign == scenario.campaign and self._draws.random() < self._captured:
            spam, moderator = False, f"hostile {self._draws.randrange(round(scenario.hostile * MODERATORS))}"
        self._judge(score, spam)
        if spam:
            known_ms = case.known_ms if scenario.delay is None and case.known_ms is not None else LATEST_MS
            self.delays.add(min(known_ms, self._awaited.now_ms) - case.ts_ms)
        presumed = self._is_presumed(case) and not self._awaited.settle(hash64(case.event_id))
        if presumed and not spam:
            return  # it is learned as ham already
        verdicts: tuple[Verdict, Verdict | None] = ("spam" if spam else "ham", "ham" if presumed else None)
        self._teach(self._example(case, score, *verdicts, propensity, moderator, presumed))

    def _is_presumed(self, case: EvaluationCase) -> bool:
        return is_presumed(hash64(case.event_id), self._scenario.presume)

    def _judge(self, score: float, spam: bool) -> None:
        self._judged.add(score, spam)
        self._labels += 1
        if self._labels % _LOOK_AGAIN == 0:
            self.thresholds = {target: self._judged.lowest(target) for target in self.thresholds}

    def _example(
        self, case: EvaluationCase, score: float, verdict: Verdict, before: Verdict | None,
        propensity: float, moderator: str | None = None, presumed: bool = True,
    ) -> Example:  # fmt: skip
        awaited = Awaited(key := hash64(case.event_id), case.ts_ms, case.ts_ms + self.delays.wait_ms(key))
        return Example(
            "model", case.event_id, verdict, before, score, case.names, case.inputs, (0, self.learned), case.ts_ms,
            moderator, propensity, presumed=self._scenario.presume if presumed else 0.0,
            awaited=awaited if self._scenario.awaits else None,
        )  # fmt: skip

    def _teach(self, example: Example) -> None:
        if example.awaited is not None:  # it has been waited for here
            example = replace(example, awaited=example.awaited._replace(due_ms=0))
        started = time.process_time()
        self._learner.learn(example)
        self.spent += time.process_time() - started
        self.learned += 1
