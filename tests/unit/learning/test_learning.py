"""Labels meet features as scored; models learn from them once and survive as snapshots."""

import math
from dataclasses import replace

import pytest

from engine.core.rules import ModelNumbers, ModelSpec, ModelTexts
from engine.errors import SnapshotError, StateError
from engine.learning.features import decode_features
from engine.learning.labels import Example, Label, join
from engine.learning.models import LearnedModel, restore_model
from engine.learning.scored import ScoredModel, read_scored
from engine.learning.scorers import ModelScorer
from engine.learning.trainer import Quality, Trainer

SPEC = ModelSpec("spam", ("age", "n"), ("text",), ("ip",), min_labels=4, learning_rate=0.3)
Inputs = tuple[ModelNumbers, ModelTexts]
SPAM: Inputs = ((1.0, 9.0), (("free crypto now",), ("10.0.0.1",)))
HAM: Inputs = ((500.0, None), (("see you at lunch",), (None,)))


def seen(inputs: Inputs, model: LearnedModel | None = None) -> ScoredModel:
    """What a model sees of an event and says about it."""
    scorer = ModelScorer(SPEC, model)
    scorer.prepare([inputs[1]])
    scorer.score(0, 1, inputs[0])
    rows = scorer.take()
    assert rows is not None
    return next(model for _, model in read_scored(rows.encode(), [1]))


def example(inputs: Inputs, spam: bool, offset: int, partition: int = 0) -> Example:
    return Example("spam", f"e{offset}", spam, None, seen(inputs).features.encode(), (partition, offset))


def trained(count: int = 20) -> Trainer:
    trainer = Trainer()
    for offset in range(count):
        trainer.learn(example(SPAM if offset % 2 else HAM, bool(offset % 2), offset), SPEC, offset)
    return trainer


def test_features_read_back_as_they_were_written() -> None:
    features = seen(HAM).features
    assert decode_features(features.encode()) == features
    for damaged in (b"", b"\x01", features.encode()[:-1], features.encode() + b"x"):
        with pytest.raises(StateError):
            decode_features(damaged)


def test_words_share_one_weight_and_missing_numbers_are_features() -> None:
    features = seen(SPAM).features
    vector = features.vector()
    assert len(vector) == 4 + 2
    assert math.isclose(sum(value**2 for index, value in vector.items() if index in features.indices), 1)
    scorer = ModelScorer(SPEC, None)
    scorer.prepare([HAM[1]])
    assert scorer.describe(0, HAM[0]) == {"words": 4, "age": 500.0, "n": None}


def test_what_was_scored_is_found_by_event_and_only_whole() -> None:
    scorer = ModelScorer(SPEC, trained().models["spam"])
    batch = [SPAM, HAM, SPAM, HAM, SPAM]
    scorer.prepare([texts if place != 1 else None for place, (_, texts) in enumerate(batch)])
    scores = {place: scorer.score(place, 100 + place, batch[place][0]) for place in (0, 2, 3, 4)}
    rows = scorer.take()
    assert rows is not None
    assert scorer.take() is None
    pieces = list(rows.pieces(3))
    assert [piece.keys.tolist() for piece in pieces] == [[100, 102, 103], [104]]
    for place, score in scores.items():
        [(_, found)] = [one for piece in pieces for one in read_scored(piece.encode(), [100 + place, 99])]
        assert found.score == score
        assert found.features == seen(batch[place]).features
    encoded = pieces[0].encode()
    for damaged in (encoded[:-1], encoded[:9], b"\x04spa"):
        with pytest.raises(StateError):
            list(read_scored(damaged, [100]))


def test_a_label_meets_what_was_scored() -> None:
    scored = [seen(SPAM)]
    outcome, examples = join(Label("e", "spam", 5), scored, None, (2, 9))
    assert outcome == "matched"
    assert examples == [Example("spam", "e", True, None, scored[0].features.encode(), (2, 9))]
    assert join(Label("e", "spam", 6), scored, "spam", (2, 10)) == ("duplicate", [])
    changed, examples = join(Label("e", "ham", 7), scored, "spam", (2, 11))
    assert (changed, [one.spam for one in examples]) == ("changed", [False])
    assert join(Label("e", "retracted", 8), scored, "ham", (2, 12)) == ("retracted", [])
    assert join(Label("e", "spam", 5), [], None, (2, 9)) == ("unmatched", [])


def test_a_model_does_not_know_before_it_has_seen_enough_of_both_kinds() -> None:
    model = LearnedModel("spam", 0.3)
    for _ in range(10):
        model.learn(seen(SPAM).features, True)
    assert seen(SPAM, model).score is None
    assert seen(SPAM).score is None
    model.learn(seen(HAM).features, False)
    score = seen(SPAM, model).score
    assert score is not None
    assert score > 0.5


def test_scores_are_those_of_the_river_model_in_any_batch() -> None:
    model = trained().models["spam"]
    texts = ["free crypto now", "see YOU at lunch", "", "free\x00lunch", "Überraschung 🎉 jetzt", "a b c d e f g"]
    inputs = [((float(index), None), ((text,), ("10.0.0.1",))) for index, text in enumerate(texts)]
    scorer = ModelScorer(SPEC, model)
    scorer.prepare([texts for _, texts in inputs])
    for place, one in enumerate(inputs):
        score = scorer.score(place, place, one[0])
        assert score == seen(one, model).score  # to the last bit: a batch's size must never show
        assert score == pytest.approx(model.predict(seen(one).features))


def test_a_model_that_does_not_learn_keeps_nothing() -> None:
    scorer = ModelScorer(replace(SPEC, learns=False), trained().models["spam"])
    scorer.prepare([SPAM[1]])
    assert scorer.score(0, 1, SPAM[0]) is not None
    assert scorer.take() is None


def test_it_learns() -> None:
    model = trained().models["spam"]
    assert model.predict(seen(SPAM).features) > 0.8
    assert model.predict(seen(HAM).features) < 0.2


def test_a_snapshot_restores_a_model_that_scores_and_learns_alike() -> None:
    one = trained().models["spam"]
    two = restore_model(one.snapshot())
    assert two.snapshot() == one.snapshot()
    for model in (one, two):
        model.learn(seen(SPAM).features, True)
    assert two.predict(seen(HAM).features) == pytest.approx(one.predict(seen(HAM).features))
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
