"""What a model reads becomes features."""

import math

import pytest

from engine.learning.features import CONSTANT, Inputs, Names, featurizer, hinted
from engine.learning.kernel import gram_indices
from engine.learning.linear import FACT, index_of
from tests.unit.learning.inputs import HAM, NAMES, SPAM


def squares(inputs: Inputs) -> list[float]:
    """Of the text's block and of the facts' block."""
    vector = featurizer(NAMES).vector(inputs)
    grams = len(gram_indices(inputs.texts[0] or "", featurizer(NAMES).texts[0]))
    return [float((part**2).sum()) for part in (vector.values[:grams], vector.values[grams:])]


def test_a_longer_text_outweighs_facts_by_less_than_it_is_longer() -> None:
    short, long = (
        SPAM._replace(texts=(text,), numbers=(None, None)) for text in ("free crypto", "free crypto now " * 9)
    )
    counts = [len(gram_indices(str(one.texts[0]), featurizer(NAMES).texts[0])) for one in (short, long)]
    (text, facts), (longer, other_facts) = squares(short), squares(long)
    assert text + facts == pytest.approx(1)
    assert longer + other_facts == pytest.approx(1)
    assert longer / other_facts / (text / facts) == pytest.approx(math.sqrt(counts[1] / counts[0]))


def test_the_divisor_is_what_all_features_are_divided_by() -> None:
    vector = featurizer(NAMES).vector(SPAM)
    constant = vector.values[vector.indices.tolist().index(CONSTANT)]
    assert featurizer(NAMES).divisor(SPAM) == pytest.approx(FACT / constant)


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


def test_the_indices_of_facts_are_those_that_published_models_were_learned_with() -> None:
    names = featurizer(Names((), ("from", "ip"), ()))
    assert names.tokens((None, "1.2.3.4")) == (887_415, 591_127, 332_504, 101_519, 419_909)
    assert names.crosses(("a", "b")) == (204_574,)


@pytest.mark.parametrize("value", ["1.2.3", "1.2.3.4.5", "a.b.c.d", "1.2.3.x", "12345", "a"])
def test_what_is_no_ip_address_belongs_to_no_network(value: str) -> None:
    assert len(featurizer(Names((), ("ip",), ())).tokens((value,))) == 2  # the constant and the value


@pytest.mark.parametrize(
    ("hints", "numbers", "logit"),
    [
        ((), (9.0,), 0.0),
        ((2.0, -0.5), (100.0, 1.0, 3.0), 0.5),  # they are about the last numbers
        ((2.0, 1.0), (None, 1.5), 1.5),
        ((2.0, 1.0), (math.inf, 1.5), 1.5),
        ((2.0,), (3.0,), 5.0),
        ((2.0,), (-3.0,), -5.0),
    ],
)
def test_hints_add_what_each_number_counts_and_end_at_a_limit(
    hints: tuple[float, ...], numbers: tuple[float | None, ...], logit: float
) -> None:
    assert hinted(hints, numbers) == logit


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_number_that_is_missing_is_one_feature_of_its_own(missing: float | None) -> None:
    numbers = featurizer(Names((), (), ("n",)))
    found = numbers.vector(Inputs((), (), (missing,)))
    assert found.indices.tolist() == [CONSTANT, index_of(numbers.numbers[0] - 1)]
    assert found.values.tolist() == pytest.approx([1 / math.sqrt(2)] * 2)
