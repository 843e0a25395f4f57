"""Events as models read them, for the tests of learning."""

from collections.abc import Sequence

from engine.core.domain.rules import ModelSpec
from engine.learning.features import Inputs, Names, names_of
from engine.learning.labels import Example
from engine.learning.models import LearnedModel
from engine.learning.scored import ScoredModel, read_scored
from engine.learning.scorers import ModelScorer
from engine.learning.trainer import Trainer
from engine.learning.verdicts import Verdict

SPEC = ModelSpec("spam", ("age", "n"), ("text",), ("ip",), min_labels=4)
NAMES: Names = names_of(SPEC)
SPAM = Inputs(("free crypto now",), ("10.0.0.1",), (1.0, 9.0))
HAM = Inputs(("see you at lunch",), (None,), (500.0, None))


def seen(inputs: Inputs, model: LearnedModel | None = None) -> ScoredModel:
    """What a model sees of an event and says about it."""
    scorer = ModelScorer(SPEC, model)
    scorer.prepare([inputs[:2]])
    scorer.score(0, 1, inputs.numbers)
    rows = scorer.take()
    assert rows is not None
    return next(model for _, model in read_scored(rows.encode(), [1]))


def example(
    inputs: Inputs, verdict: Verdict, offset: int = 0, *, partition: int = 0, before: Verdict | None = None,
    moderator: str | None = None, score: float | None = None, propensity: float = 1.0,
) -> Example:  # fmt: skip
    """A label that has met what was scored."""
    return Example(
        "spam", f"e{offset}", verdict, before, score, NAMES, inputs, (partition, offset), offset, moderator, propensity
    )


def examples(count: int = 20) -> Sequence[Example]:
    """Spam and ham in turn."""
    return [example(SPAM if at % 2 else HAM, "spam" if at % 2 else "ham", at) for at in range(count)]


def trained(count: int = 20) -> Trainer:
    """A trainer that has seen so many examples."""
    trainer = Trainer()
    for offset, one in enumerate(examples(count)):
        trainer.learn(one, offset)
    return trainer


def same(one: LearnedModel, other: LearnedModel) -> bool:
    """Whether two models are equal, to the last bit."""
    return (
        one.ngrams.weights == other.ngrams.weights
        and one.ngrams.gradients == other.ngrams.gradients
        and one.ngrams.losses == other.ngrams.losses
        and (one.ngrams.taught, one.ngrams.proofs) == (other.ngrams.taught, other.ngrams.proofs)
        and (one.labels, one.spam, one.moderator_trust) == (other.labels, other.spam, other.moderator_trust)
        and one.judged.dump() == other.judged.dump()
    )
