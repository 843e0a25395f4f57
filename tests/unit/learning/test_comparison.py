"""A model and its challenger on the same labels."""

import random
from dataclasses import replace

import pytest

from engine.learning.comparison import EVERY, FEWEST, WINDOW, Comparison
from engine.learning.labels import Label, join
from engine.learning.models import LearnedModel
from engine.learning.trainer import Trainer
from tests.unit.learning.inputs import SPAM, example, seen


def compared(labels: int, own: float, rival: float, comparison: Comparison | None = None) -> Comparison:
    """Both of which are right by so much, a little more or less."""
    comparison, rng = comparison or Comparison(), random.Random(labels)
    for at in range(labels):
        spam = at % 3 == 0
        by = [min(0.99, max(0.01, right + rng.uniform(-0.1, 0.1))) for right in (own, rival)]
        comparison.add(by[0] if spam else 1 - by[0], ("spam2", by[1] if spam else 1 - by[1]), spam)
    return comparison


def test_the_better_one_is_known_once_labels_tell() -> None:
    assert compared(FEWEST - 1, 0.6, 0.9).gain() is None
    better, worse, same = (compared(FEWEST, 0.6, rival).gain() for rival in (0.9, 0.4, 0.6))
    assert better is not None
    assert worse is not None
    assert same is not None
    assert 0 < better.low < better.mean < better.high
    assert worse.high < 0
    assert same.low < 0 < same.high


def test_of_one_kind_alone_nothing_is_known() -> None:
    comparison = Comparison()
    for _ in range(FEWEST):
        comparison.add(0.5, ("spam2", 0.1), spam=False)
    assert comparison.gain() is None


def test_a_label_tells_where_both_had_known() -> None:
    comparison = Comparison()
    comparison.add(None, ("spam2", 0.4), spam=True)
    comparison.add(0.4, None, spam=True)
    assert len(comparison) == comparison.labels == 0


def test_who_is_better_stands_and_sinks_again() -> None:
    comparison = compared(300, 0.6, 0.9)
    assert comparison.judge()
    assert comparison.promoted
    assert not comparison.judge()
    compared(EVERY, 0.7, 0.7, comparison)
    assert not comparison.judge()  # it need not stay better to the last
    compared(WINDOW, 0.9, 0.6, comparison)
    assert comparison.judge()
    assert not comparison.promoted


def test_it_is_looked_at_now_and_then_alone() -> None:
    assert not compared(301, 0.6, 0.9).judge()


def test_another_challenger_begins_anew() -> None:
    comparison = compared(300, 0.6, 0.9)
    comparison.promoted = True
    comparison.add(0.5, ("spam3", 0.5), spam=True)
    assert (comparison.challenger, comparison.promoted, len(comparison)) == ("spam3", False, 1)


def test_what_is_dumped_is_loaded() -> None:
    comparison = compared(WINDOW + 7, 0.6, 0.9)
    loaded = Comparison.load("spam2", True, comparison.labels, comparison.dump())
    assert loaded.standings() == comparison.standings()
    assert (loaded.promoted, loaded.labels) == (True, WINDOW + 7)
    for damaged in (comparison.dump()[:-1], comparison.dump() + bytes(9), b"\xff" * 9):
        with pytest.raises(ValueError, match="scores"):
            Comparison.load("spam2", True, comparison.labels, damaged)


def test_an_example_tells_what_the_challenger_had_said() -> None:
    own, other = replace(seen(SPAM), score=0.3), replace(seen(SPAM), name="spam2", score=0.8)
    label = Label("e", "spam", 5)
    _, examples = join(label, [own, other], None, (0, 1), rivals={"spam": "spam2"})
    assert [(one.model, one.rival) for one in examples] == [("spam", ("spam2", 0.8)), ("spam2", None)]
    _, examples = join(label, [own, replace(other, score=None)], None, (0, 1), rivals={"spam": "spam2"})
    assert examples[0].rival is None


def taught(promotes: bool) -> Trainer:
    trainer = Trainer()
    for at in range(FEWEST + EVERY):
        spam = at % 2 == 0
        one = example(SPAM, "spam" if spam else "ham", at, score=0.5)
        trainer.learn(replace(one, rival=("spam2", 0.9 if spam else 0.1)), at, None, promotes)
    return trainer


def test_a_trainer_promotes_where_it_is_declared() -> None:
    assert not taught(promotes=False).models["spam"].compared.promoted
    trainer = taught(promotes=True)
    assert trainer.models["spam"].compared.promoted
    assert trainer.promoted == [("spam", True)]


def test_a_command_promotes_and_lifts_and_stays_through_learning_anew() -> None:
    trainer = Trainer()
    trainer.models["spam"] = LearnedModel("spam")
    trainer.promote("spam", "spam2", True, 3)
    assert trainer.models["spam"].compared.promoted
    assert trainer.changed == {"spam"}
    trainer.promote("spam", "spam2", False, 3)  # it comes again
    assert trainer.quarantine("eve", True, 4) == 0
    assert trainer.models["spam"].compared.promoted
    trainer.promote("spam", "spam2", False, 5)
    assert not trainer.models["spam"].compared.promoted


def test_who_stands_stays_while_labels_of_an_earlier_challenger_are_learned_anew() -> None:
    trainer = Trainer()
    one = example(SPAM, "spam", 0, score=0.5)
    told = [replace(one, source=(0, at), rival=(f"spam{2 + at}", 0.9)) for at in range(2)]
    for at, each in enumerate(told):
        trainer.learn(each, at)
    trainer.promote("spam", "spam3", True, 2)
    assert trainer.quarantine("eve", True, 3) == 0
    for at, each in enumerate(told):
        assert trainer.learn(each, at)
        assert (trainer.models["spam"].compared.challenger, trainer.models["spam"].compared.promoted) == ("spam3", True)
    assert len(trainer.models["spam"].compared) == 1
    trainer.learn(replace(one, source=(0, 4), rival=("spam4", 0.9)), 4)  # the rules name another one now
    assert (trainer.models["spam"].compared.challenger, trainer.models["spam"].compared.promoted) == ("spam4", False)
