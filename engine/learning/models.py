"""One model as it learns: the learner, what it has learned from, and how far that goes."""

from dataclasses import dataclass, field, replace

from engine.learning.comparison import Comparison
from engine.learning.delays import Delays
from engine.learning.estimators import RiverLearner
from engine.learning.labels import Example
from engine.learning.moderator_trust import ModeratorTrust
from engine.learning.ngrams import HashedNgrams
from engine.learning.opinions import campaign_of
from engine.learning.slices import SlicedLabels
from engine.learning.sources import LearnedSources
from engine.learning.thresholds import Thresholds
from engine.learning.waiting import Waiting

TRUSTED = 0.3
"""Labels that count less do not tell how precise scores are."""
MAX_CORRECTION = 10.0
"""What a label of an event that was unlikely to get one counts at most."""


@dataclass(slots=True)
class LearnedModel:
    """A learner and its history. `next_offset`: the first example it has not learned from; `sources`: how far
    it has learned what they come from; `quarantined`: moderators whose labels do not count;
    `command_offset`: of the last model command that has been followed, `command_sequence`: the number of its signature;
    `begins`: the offset of the first example that counts;
    `seeded`: whether it began from a seed rather than from nothing; `pinned`: whether it stays as it is; `delays`: how
    long labels of spam take, and `waiting`: which events are not presumed to be ham yet; `surveys`: its labels are
    answers, which stand for those who have not given one. The rulebook says so: it is no part of a snapshot."""

    name: str
    labels: int = 0
    spam: int = 0
    next_offset: int = 0
    sources: LearnedSources = field(default_factory=LearnedSources)
    quarantined: set[str] = field(default_factory=set)
    command_offset: int = -1
    command_sequence: int = 0
    begins: int = 0
    seeded: bool = False
    pinned: bool = False
    moderator_trust: ModeratorTrust = field(default_factory=ModeratorTrust)
    judged: Thresholds = field(default_factory=Thresholds)
    compared: Comparison = field(default_factory=Comparison)
    sliced: SlicedLabels = field(default_factory=SlicedLabels)
    delays: Delays = field(default_factory=Delays)
    waiting: Waiting = field(default_factory=Waiting)
    learner: HashedNgrams | RiverLearner = field(default_factory=HashedNgrams)
    surveys: bool = False

    @property
    def version(self) -> str:
        """Names what has been learned: the same labels give the same version."""
        return f"{self.name}-{self.labels}"

    @property
    def ngrams(self) -> HashedNgrams:
        """The learner, where it is the default one."""
        assert isinstance(self.learner, HashedNgrams)
        return self.learner

    @property
    def expression(self) -> str | None:
        """The pipeline, where it is one of River's."""
        return self.learner.expression if isinstance(self.learner, RiverLearner) else None

    def knows(self, min_labels: int) -> bool:
        """Whether enough labels of both kinds are behind it."""
        return self.labels >= max(1, min_labels) and 0 < self.spam < self.labels

    def learn(self, example: Example) -> None:
        """One label: a verdict, another verdict than before, or one that is taken back. What is presumed is learned
        when its time is over."""
        if example.awaited is None:
            self._learn(example)
        elif example.presumes:
            for due in self.waiting.pass_time(example.awaited.event_ms):
                self._learn(due)
            if not self.waiting.add(example, self.next_offset - 1):
                self._learn(example)
        elif example.verdict != "retracted" and self.waiting.settle(example.awaited.identity):
            self._learn(replace(example, before=None, before_by=None, presumed=0.0))  # nothing has been presumed yet
        else:
            self._learn(example)

    def read_again(self, example: Example, offset: int) -> None:
        """An example before `next_offset`: what is waited for is made of these again."""
        if example.awaited is not None and not self.pinned and example.moderator not in self.quarantined:
            self.waiting.read_again(example, offset)

    def _learn(self, example: Example) -> None:
        push = 1 / max(example.propensity, 1 / MAX_CORRECTION)
        before = example.before
        if example.before_by is not None and example.before_by in self.quarantined:
            before = "ham" if example.presumed > 0 else None  # his has not been learned
        if example.verdict == "retracted" and (before is None or example.presumed > 0):
            return  # nothing is to be taken back, or only what was presumed anyway
        if example.verdict == "retracted":
            score = example.score if example.score is not None else 0.5
            self.learner.take_back(example.names, example.inputs, score, push)
            self._count(-1, before == "spam")
            return
        spam, campaign = example.verdict == "spam", campaign_of(example)
        weight = self.moderator_trust.weight(example.moderator, campaign)
        if weight >= TRUSTED and not example.presumes and not (example.confirms and before):
            self.judged.add(example.score, spam)
            self.compared.add(example.score, example.rival, spam)
            slices = example.names.sliced_by
            self.sliced.add(example.score, spam, slices, example.inputs.categories[-len(slices) :] if slices else ())
        if spam and example.awaited is not None and example.before_by is None and before != "spam":
            # By the clock of the events: a label says of its own time what it likes.
            self.delays.add(min(example.ts_ms, self.waiting.now_ms) - example.awaited.event_ms, weight)
        if example.verdict == before:  # somebody has said what was presumed, or what somebody else has said
            probability = self.learner.probability(example.names, example.inputs)
        else:
            taken_back = 1 / max(example.presumed, 1 / MAX_CORRECTION) if example.presumed > 0 else push
            was_presumed = before is not None and example.presumed > 0
            other = taken_back / push if was_presumed else 0.0
            undone, again = (other, 0.0) if example.awaited is not None else (0.0, other)
            stands_for = weight * (push if self.surveys else 1.0)
            push += taken_back if before and not was_presumed else 0
            proving_score = None if example.presumes else example.score  # what nobody has said proves nothing
            probability = self.learner.teach(
                example.names, example.inputs, spam, weight * push, proving_score, undone, stands_for, again
            )
            if before:
                self._count(-1, before == "spam")
            self._count(1, spam)
        if not example.presumes:
            self._look_at_moderator_trust(example, spam, campaign, probability)

    def _look_at_moderator_trust(self, example: Example, spam: bool, campaign: int | None, probability: float) -> None:
        """Hold a label against the score that its event was given, and against what colleagues have said."""
        score = probability if example.score is None else example.score
        disagreement = 1 - score if spam else score
        self.moderator_trust.note(example.moderator, campaign, disagreement)
        if example.moderator is None:
            return
        colleagues = (
            self.moderator_trust.opinions.hear(example.moderator, campaign, spam) if campaign is not None else {}
        )
        if example.before_by not in (None, example.moderator) and example.before_by not in self.quarantined:
            colleagues[str(example.before_by)] = example.before == "spam"
        if colleagues:
            self.moderator_trust.compare(example.moderator, spam, disagreement, colleagues)

    def _count(self, labels: int, spam: bool) -> None:
        self.labels = max(0, self.labels + labels)  # what was never learned cannot be taken back
        self.spam = min(max(0, self.spam + labels * spam), self.labels)


def new_learner(expression: str | None) -> HashedNgrams | RiverLearner:
    """The default learner, or the one that an expression describes. Raises PipelineError."""
    return HashedNgrams() if expression is None else RiverLearner(expression)
