"""Steps in an order: what is found, what breaks it, and what is unknown where series have given something up."""

import pytest

from engine.core.series.counts import add_count, doubt_count, new_counts
from engine.core.series.sequences import Plan, completed

FIRST, SECOND, BREAK = 1, 2, 3
PLAN = Plan(((FIRST, 2), (SECOND, 1)), BREAK, 100)


def found(
    first: list[int],
    second: list[int],
    breaks: list[int],
    now: int = 1_000,
    cap: int = 8,
    doubts: dict[int, int] | None = None,
) -> bool | None:
    words = new_counts()
    for key, times in ((FIRST, first), (SECOND, second), (BREAK, breaks)):
        for time in times:
            add_count(words, key, time, cap, 500)
    for key, time in (doubts or {}).items():
        doubt_count(words, key, time, 500)
    return completed(words, now, PLAN)


@pytest.mark.parametrize(
    ("first", "second", "breaks", "expected"),
    [
        ([950, 960], [970], [], True),
        ([950, 950], [970], [], True),  # two of one step have no order
        ([950, 970], [970], [], False),  # at the same time is not later
        ([960], [970], [], False),
        ([900, 960], [970], [], False),  # the first lies before the window
        ([901, 960], [1_000], [], True),
        ([950, 960], [1_001], [], False),  # it has not come yet
        ([950, 960], [970], [955], False),
        ([950, 960], [970], [970], False),  # at the same time counts as in between
        ([950, 960], [970], [949, 971], True),
        ([910, 950, 960], [970], [920], True),
        ([910, 920, 950, 960], [930, 970], [925, 955], False),
        ([910, 920, 950, 960], [930, 970], [955], True),
        ([910, 920, 950, 960], [930, 970], [925], True),
    ],
)
def test_steps_are_found_in_their_order(first: list[int], second: list[int], breaks: list[int], expected: bool) -> None:
    assert found(first, second, breaks) is expected
    assert found(first[::-1], second[::-1], breaks[::-1]) is expected


def test_without_series_nothing_is_known() -> None:
    assert completed(None, 1_000, PLAN) is None
    assert completed(new_counts(), 1_000, PLAN) is False


def test_what_a_step_has_given_up_makes_it_unknown_unless_it_is_found() -> None:
    many = [950 + number for number in range(10)]
    assert found(many, [970], [], cap=4) is True
    assert found(many, [950], [], cap=4) is None
    assert found([950], [970], [], doubts={FIRST: 960}) is None
    assert found([950], [970], [], doubts={FIRST: 800}) is False


def test_what_may_lie_in_between_makes_it_unknown() -> None:
    assert found([950, 960], [970], [], doubts={BREAK: 955}) is None
    assert found([950, 960], [970], [], doubts={BREAK: 945}) is True
    assert found([950], [970], [], doubts={BREAK: 955}) is False  # it is none in any case
