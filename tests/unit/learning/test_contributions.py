"""Which parts of an event have made its score."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from engine.learning.contributions import contributions
from engine.learning.features import Inputs, Names, featurizer
from engine.learning.kernel import gram_indices
from engine.learning.linear import table
from engine.learning.ngrams import HashedNgrams
from engine.learning.scorers import ModelScorer
from tests.unit.learning.inputs import HAM, NAMES, SPAM, SPEC, trained


def test_what_speaks_for_spam_and_what_against_it_is_told_in_words() -> None:
    learner = trained(40).models["spam"].ngrams
    mixed = Inputs(("see you at lunch, free crypto now",), ("10.0.0.1",), (1.0, None))
    parts = dict(contributions(learner, NAMES, mixed))
    assert next(logit for part, logit in parts.items() if "crypto" in part) > 0
    assert next(logit for part, logit in parts.items() if "lunch" in part) < 0
    assert any(part.startswith("age = 1") for part in parts)


@pytest.mark.parametrize(
    "inputs", [SPAM, HAM, Inputs((None,), (None,), (None, float("inf"))), Inputs(("ü",), ("x",), (1, 2))]
)
def test_they_add_up_to_the_logit_but_for_the_constant(inputs: Inputs) -> None:
    learner = trained(40).models["spam"].ngrams
    vector = featurizer(NAMES).vector(inputs)
    total = sum(logit for _, logit in contributions(learner, NAMES, inputs, most=100))
    assert total == pytest.approx(learner.logit(vector), abs=0.4)


HINTED = msgspec.structs.replace(NAMES, hints=(0.5, -1.0))


def test_hints_are_told_as_far_as_they_count() -> None:
    inputs = Inputs(*SPAM[:2], (2.0, 1.0))
    assert dict(contributions(None, HINTED, inputs)) == {"hint: age": 1.0, "hint: n": -1.0}
    assert dict(contributions(None, HINTED, Inputs(*SPAM[:2], (2.0, None)))) == {"hint: age": 1.0}
    learner = trained(40).models["spam"].ngrams
    told = dict(contributions(learner, HINTED, inputs, most=100))
    assert told["hint: age"] == pytest.approx(learner.fading(), abs=0.001)
    assert 0 < told["hint: age"] < 1


def test_a_scorer_tells_of_hints_before_there_is_a_label() -> None:
    scorer = ModelScorer(replace(SPEC, hints=(0.5, -1.0)), None)
    scorer.prepare([SPAM[:2]])
    assert scorer.contributions(0, (2.0, 1.0)) == [("hint: age", 1.0), ("hint: n", -1.0)]


def test_what_is_small_is_left_out_and_the_largest_comes_first() -> None:
    names = Names((), (), ("a", "b", "c", "d"), hints=(0.01, -3.0, 2.0, 0.0099))
    inputs = Inputs((), (), (1.0, 1.0, 1.0, 1.0))
    assert contributions(None, names, inputs) == [("hint: b", -3.0), ("hint: c", 2.0), ("hint: a", 0.01)]
    assert contributions(None, names, inputs, most=1) == [("hint: b", -3.0)]


@pytest.mark.parametrize(("number", "told"), [(2.0, 5.0), (-2.0, -5.0), (0.5, 1.5)])
def test_a_hint_counts_up_to_a_limit_on_either_side(number: float, told: float) -> None:
    assert contributions(None, Names((), (), ("a",), hints=(3.0,)), Inputs((), (), (number,))) == [("hint: a", told)]


def weighted(names: Names) -> HashedNgrams:
    """A learner with a weight for everything but the constant."""
    learner = HashedNgrams()
    weights = table(learner.weights)
    weights[:] = np.random.default_rng(1).uniform(-200, 200, len(weights))[:, None]
    weights[featurizer(names).tokens(("x",) * len(names.categories))[0]] = 0
    return learner


@pytest.mark.parametrize(
    ("number", "told"),
    [(None, "n is missing"), (float("inf"), "n is missing"), (3.0, "n = 3"), (-40.0, "n = -40")],
)
def test_a_number_is_told_with_what_it_counts(number: float | None, told: str) -> None:
    names, inputs = Names((), (), ("n",)), Inputs((), (), (number,))
    learner = weighted(names)
    logit = learner.logit(featurizer(names).vector(inputs))
    ((part, counted),) = contributions(learner, names, inputs)
    assert part == told
    assert counted == pytest.approx(logit, abs=0.001)


@pytest.mark.parametrize(("value", "told"), [("x", "ip = x"), (None, "ip is missing")])
def test_a_category_is_told_with_what_it_counts(value: str | None, told: str) -> None:
    names, inputs = Names((), ("ip",), ()), Inputs((), (value,), ())
    learner = weighted(names)
    logit = learner.logit(featurizer(names).vector(inputs))
    ((part, counted),) = contributions(learner, names, inputs)
    assert part == told
    assert counted == pytest.approx(logit, abs=0.001)


def test_only_the_stretch_that_counts_is_told_to_its_last_letter() -> None:
    names, text = Names(("text",), (), ()), "one two crypto six ten"
    learner, seed = HashedNgrams(), featurizer(Names(("text",), (), ())).texts[0]
    known = set(gram_indices(text, seed).tolist())
    table(learner.weights)[list(known - set(gram_indices("one two  six ten", seed).tolist()))] = 1
    told = [part for part, _ in contributions(learner, names, Inputs((text,), (), ()))]
    assert told == ["text: 'two crypto six'"]  # its grams reach over the words next to it


def test_durations_and_sizes_are_told_as_people_write_them() -> None:
    learner = trained(40).models["spam"].ngrams
    inputs = Inputs(*SPAM[:2], (1.728e10, 20_000.0))
    plain = {part for part, _ in contributions(learner, NAMES, inputs, most=100)}
    assert {"age = 17,280,000,000", "n = 20,000"} <= plain
    told = {part for part, _ in contributions(learner, NAMES, inputs, most=100, units={"age": "duration", "n": "size"})}
    assert {"age = 200d", "n = 20KB"} <= told
