"""Labels meet features as scored; models learn from them once and survive as snapshots."""

import math

import pytest

from engine.core.rules import ModelInputs, ModelSpec
from engine.errors import SnapshotError, StateError
from engine.learning.features import Featurizer, decode_features
from engine.learning.labels import Example, Label, ScoredEvent, ScoredModel, decode_scored, join
from engine.learning.models import LearnedModel, ModelScorer, restore_model
from engine.learning.trainer import Quality, Trainer

SPEC = ModelSpec("spam", ("age", "n"), ("text",), ("ip",), min_labels=4, learning_rate=0.3)
SPAM = ModelInputs((1.0, 9.0), ("free crypto now",), ("10.0.0.1",))
HAM = ModelInputs((500.0, None), ("see you at lunch",), (None,))


def example(inputs: ModelInputs, spam: bool, offset: int, partition: int = 0) -> Example:
    return Example("spam", f"e{offset}", spam, None, Featurizer(SPEC)(inputs).encode(), (partition, offset))


def trained(count: int = 20) -> Trainer:
    trainer = Trainer()
    for offset in range(count):
        trainer.learn(example(SPAM if offset % 2 else HAM, bool(offset % 2), offset), SPEC, offset)
    return trainer


def test_features_read_back_as_they_were_written() -> None:
    features = Featurizer(SPEC)(HAM)
    assert decode_features(features.encode()) == features
    for damaged in (b"", b"\x01", features.encode()[:-1], features.encode() + b"x"):
        with pytest.raises(StateError):
            decode_features(damaged)


def test_words_share_one_weight_and_missing_numbers_are_features() -> None:
    featurize = Featurizer(SPEC)
    vector = featurize(SPAM).vector()
    assert len(vector) == 4 + 2
    assert math.isclose(sum(value**2 for index, value in vector.items() if index in featurize(SPAM).indices), 1)
    assert featurize.describe(featurize(HAM))["n missing"] == 1.0


def test_a_label_meets_what_was_scored() -> None:
    stored = ScoredEvent((ScoredModel("spam", 0.75, b"xyz"),)).encode()
    outcome, renewed, examples = join(Label("e", "spam", 5), stored, (2, 9))
    assert outcome == "matched"
    assert examples == [Example("spam", "e", True, 0.75, b"xyz", (2, 9))]
    assert renewed is not None
    assert join(Label("e", "spam", 6), renewed, (2, 10))[0] == "duplicate"
    changed, again, examples = join(Label("e", "ham", 7), renewed, (2, 11))
    assert (changed, [one.spam for one in examples]) == ("changed", [False])
    assert again is not None
    assert join(Label("e", "retracted", 8), again, (2, 12))[0::2] == ("retracted", [])
    assert join(Label("e", "spam", 5), None, (2, 9)) == ("unmatched", None, [])


def test_an_unknown_score_stays_unknown_in_the_state() -> None:
    event = ScoredEvent((ScoredModel("spam", None, b"x"), ScoredModel("other", 0.0, b"")))
    assert decode_scored(event.encode()) == event
    for damaged in (b"", b"\x09\x00\x01", event.encode()[:-2]):
        with pytest.raises(StateError):
            decode_scored(damaged)


def test_a_model_does_not_know_before_it_has_seen_enough_of_both_kinds() -> None:
    model = LearnedModel("spam", 0.3)
    features = Featurizer(SPEC)(SPAM)
    for _ in range(10):
        model.learn(features, True)
    assert ModelScorer(SPEC, model).score(features) is None
    assert ModelScorer(SPEC, None).score(features) is None
    model.learn(Featurizer(SPEC)(HAM), False)
    score = ModelScorer(SPEC, model).score(features)
    assert score is not None
    assert score > 0.5


def test_it_learns() -> None:
    model = trained().models["spam"]
    assert model.predict(Featurizer(SPEC)(SPAM)) > 0.8
    assert model.predict(Featurizer(SPEC)(HAM)) < 0.2


def test_a_snapshot_restores_a_model_that_scores_and_learns_alike() -> None:
    one = trained().models["spam"]
    two = restore_model(one.snapshot())
    assert two.snapshot() == one.snapshot()
    for model in (one, two):
        model.learn(Featurizer(SPEC)(SPAM), True)
    assert two.predict(Featurizer(SPEC)(HAM)) == pytest.approx(one.predict(Featurizer(SPEC)(HAM)))
    assert two.version == "spam-21"


def test_a_trainer_that_starts_from_a_snapshot_goes_on_exactly_behind_it() -> None:
    examples = [example(SPAM if offset % 3 else HAM, bool(offset % 3), offset) for offset in range(30)]
    undisturbed, crashed = Trainer(), Trainer()
    for offset, one in enumerate(examples):
        undisturbed.learn(one, SPEC, offset)
    for offset, one in enumerate(examples[:17]):
        crashed.learn(one, SPEC, offset)
    restarted = Trainer()
    assert restarted.restore(crashed.snapshots()) == 17
    for offset, one in enumerate(examples):
        assert restarted.learn(one, SPEC, offset) == (offset >= 17)
    assert restarted.models["spam"].labels == undisturbed.models["spam"].labels


def test_an_example_sent_twice_is_learned_once() -> None:
    trainer = trained(10)
    assert not trainer.learn(example(SPAM, True, 3), SPEC, 10)
    assert trainer.learn(example(SPAM, True, 3, partition=1), SPEC, 11)
    assert trainer.models["spam"].labels == 11


@pytest.mark.parametrize("damage", [b"", b"nothing", b"FGM1\xff\xff\xff\xff", b"FGM1\x02\x00\x00\x00{}"])
def test_damaged_snapshots_are_refused(damage: bytes) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        restore_model(damage)


def test_quality_is_the_chance_that_spam_ranks_above_ham() -> None:
    quality = Quality()
    assert quality.roc_auc() is None
    for score, spam in ((0.9, True), (0.8, False), (0.7, True), (0.1, False), (None, True)):
        quality.add(score, spam)
    assert quality.roc_auc() == pytest.approx(0.75)
    tied = Quality()
    tied.add(0.5, True)
    tied.add(0.5, False)
    assert tied.roc_auc() == pytest.approx(0.5)
