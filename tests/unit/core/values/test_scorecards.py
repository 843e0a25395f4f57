"""Points are added up exactly, and what is unknown never makes a sum larger."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from engine.core.values.bounds import AtLeast, least_of
from engine.core.values.scorecards import scorecard

POINTS = st.integers(-1_000_000_000, 1_000_000_000).filter(bool).map(lambda thousandths: thousandths / 1_000)


def test_points_of_the_terms_that_hold_are_added_up() -> None:
    card = scorecard([("foreign", 35), ("new device", 40), ("verified", -30)])
    assert card.total((True, True, False)) == 75
    assert card.total((False, False, True)) == -30
    assert card.earned((True, False, True)) == {"foreign": 35, "verified": -30}


def test_decimals_are_added_up_as_people_do() -> None:
    card = scorecard([("a", 0.1), ("b", 0.7), ("c", 0.2)])
    assert card.total((True, True, False)) == 0.8
    assert card.total((True, True, True)) == 1
    assert type(card.total((True, True, True))) is int


def test_an_unknown_term_adds_nothing_and_takes_what_it_may_take() -> None:
    card = scorecard([("foreign", 35), ("new device", 40), ("verified", -30)])
    assert card.total((True, None, False)) == AtLeast(35)
    assert card.total((True, True, None)) == AtLeast(45)
    assert card.earned((True, None, None)) == {"foreign": 35, "verified": -30}


@given(st.lists(st.tuples(POINTS, st.sampled_from((True, False, None))), min_size=1, max_size=6))
def test_a_bound_is_the_least_that_it_may_come_to(terms: list[tuple[float, bool | None]]) -> None:
    card = scorecard([(str(place), points) for place, (points, _) in enumerate(terms)])
    held = [holds for _, holds in terms]
    ways = product(*((True, False) if holds is None else (holds,) for holds in held))
    totals = [least_of(card.total(way)) for way in ways]
    found, least = card.total(held), min(total for total in totals if total is not None)
    assert found == (AtLeast(least) if None in held else least)
    assert round(sum(card.earned(held).values()), 3) == round(least, 3)
