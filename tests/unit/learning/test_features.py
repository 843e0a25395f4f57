"""What a model reads becomes features."""

import math

import numpy as np

from engine.learning.features import FACTS, Names, featurizer
from tests.unit.learning.inputs import HAM, NAMES, SPAM


def lengths(inputs: object = SPAM) -> list[float]:
    """The lengths of the text's block and of the facts' block."""
    vector = featurizer(NAMES).vector(SPAM)
    grams = int(np.count_nonzero(vector.values == vector.values[0]))
    return [math.sqrt(float((part**2).sum())) for part in (vector.values[:grams], vector.values[grams:])]


def test_a_text_counts_as_much_whether_it_is_short_or_long() -> None:
    assert math.isclose(lengths()[0], 1, rel_tol=1e-6)
    long = featurizer(NAMES).vector(SPAM._replace(texts=("free crypto now " * 200,)))
    assert math.isclose(float((long.values[:6] ** 2).sum() / 6), float(long.values[0] ** 2), rel_tol=1e-6)
    assert lengths()[1] < 2 * FACTS


def test_case_does_not_matter_and_what_is_missing_is_a_feature() -> None:
    shout = featurizer(NAMES).vector(SPAM._replace(texts=("FREE Crypto NOW",)))
    assert shout.indices.tolist() == featurizer(NAMES).vector(SPAM).indices.tolist()
    without = featurizer(NAMES).vector(HAM._replace(numbers=(None, None)))
    assert len(without.indices) == len(featurizer(NAMES).vector(HAM).indices) - 1


def test_a_category_tells_where_it_belongs() -> None:
    names = Names((), ("from", "ip"), ())
    first, second = ({*featurizer(names).tokens(values)} for values in (("a@x.org", "1.2.3.4"), ("b@x.org", "1.2.3.9")))
    assert len(first) == 1 + 2 + 3
    assert len(first & second) == 4  # the constant, the domain, two networks
    assert featurizer(names).crosses(("a", "1.2.3.4")) != featurizer(names).crosses(("b", "1.2.3.4"))
    assert featurizer(names).crosses(("a", None)) == ()


def test_the_same_value_under_two_names_is_two_features() -> None:
    one, other = (featurizer(Names(("a",), ("b",), ("c",) if more else ())) for more in (True, False))
    assert featurizer(Names(("t",), (), ())).texts != featurizer(Names(("u",), (), ())).texts
    assert one.tokens(("x",)) == other.tokens(("x",))
    assert featurizer(Names((), ("z",), ())).tokens(("x",)) != one.tokens(("x",))
