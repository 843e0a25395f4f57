"""Whatever is certain of a number of which only a lower bound is known is true of every number that it may be."""

import operator
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.domain.decisions import Value
from engine.core.values.bounds import AtLeast, at_least, differs, equals, least_of
from engine.rulebook.codegen.runtime import RUNTIME, ratio

numbers = st.integers(-100, 100) | st.floats(-1e6, 1e6).map(lambda one: round(one, 3))
larger = st.integers(0, 1_000) | st.floats(0, 1e6).map(lambda one: round(one, 3))
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": equals, "!=": differs,
}  # fmt: skip
PLAIN: dict[str, Callable[[Any, Any], bool]] = {**COMPARED, "==": operator.eq, "!=": operator.ne}
CALLED = {**RUNTIME["__builtins__"], **RUNTIME}
"""What the generated functions call by these names."""
CALCULATED: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "min": CALLED["min"], "max": CALLED["max"],
}  # fmt: skip


def holds_for(answer: Any, true: float) -> bool:
    """Whether what has been calculated may stand for a number."""
    return bool(true >= answer.least) if isinstance(answer, AtLeast) else bool(answer == true)


@given(st.sampled_from(sorted(COMPARED)), numbers, larger, numbers)
def test_a_comparison_that_holds_with_a_bound_holds_with_every_number(
    op: str, least: float, more: float, other: float
) -> None:
    number = least + more
    if COMPARED[op](AtLeast(least), other):
        assert PLAIN[op](number, other)
    if COMPARED[op](other, AtLeast(least)):
        assert PLAIN[op](other, number)


@given(st.sampled_from(sorted(COMPARED)), numbers, larger, numbers, larger)
def test_two_bounds_are_compared_for_every_pair_of_numbers(
    op: str, least: float, more: float, other: float, other_more: float
) -> None:
    if COMPARED[op](AtLeast(least), AtLeast(other)):
        assert PLAIN[op](least + more, other + other_more)


@pytest.mark.parametrize(
    ("holds", "op", "one", "other"),
    [
        (True, ">", AtLeast(31), 10), (False, ">", AtLeast(31), 31), (True, ">=", AtLeast(31), 31),
        (False, "<", AtLeast(3), 10), (False, "<=", AtLeast(3), 10), (True, "!=", AtLeast(31), 10),
        (False, "==", AtLeast(31), 31), (False, "==", AtLeast(31), AtLeast(31)), (False, "!=", AtLeast(3), 10),
        (True, "<", 10, AtLeast(31)), (True, "<=", 31, AtLeast(31)), (False, ">", 10, AtLeast(3)),
        (True, "!=", 10, AtLeast(31)), (False, "==", 31, AtLeast(31)), (True, "==", 5, 5.0), (True, "!=", "a", "b"),
    ],
)  # fmt: skip
def test_a_bound_decides_what_it_can(holds: bool, op: str, one: Any, other: Any) -> None:
    assert COMPARED[op](one, other) is holds


@given(st.sampled_from(sorted(CALCULATED)), numbers, larger, numbers)
def test_what_is_calculated_with_a_bound_stands_for_what_every_number_gives(
    op: str, least: float, more: float, other: float
) -> None:
    number = least + more
    if op != "/" or other != 0:
        assert holds_for(CALCULATED[op](AtLeast(least), other), CALCULATED[op](number, other))
    if op != "/" or (number != 0 and least > 0):
        assert holds_for(CALCULATED[op](other, AtLeast(least)), CALCULATED[op](other, number))


@given(st.sampled_from(sorted(CALCULATED)), numbers, larger, numbers, larger)
def test_two_bounds_give_one_for_every_pair(
    op: str, least: float, more: float, other: float, other_more: float
) -> None:
    if op != "/" or other > 0:
        answer = CALCULATED[op](AtLeast(least), AtLeast(other))
        assert holds_for(answer, CALCULATED[op](least + more, other + other_more))


@given(numbers, larger)
def test_an_absolute_value_stands_for_that_of_every_number(least: float, more: float) -> None:
    assert holds_for(abs(AtLeast(least)), abs(least + more))


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (AtLeast(31) + 2, AtLeast(33)), (2 + AtLeast(31), AtLeast(33)), (AtLeast(31) + AtLeast(2), AtLeast(33)),
        (AtLeast(31) - 1, AtLeast(30)), (AtLeast(31) * 2, AtLeast(62)), (2 * AtLeast(31), AtLeast(62)),
        (AtLeast(31) / 2, AtLeast(15.5)), (AtLeast(3) * AtLeast(5), AtLeast(15)), (abs(AtLeast(3)), AtLeast(3)),
        (abs(AtLeast(-3)), AtLeast(0)),
    ],
)  # fmt: skip
def test_as_much_is_known_as_can_be(answer: AtLeast, wanted: AtLeast) -> None:
    assert answer == wanted


@pytest.mark.parametrize(
    "answer",
    [5 - AtLeast(3), AtLeast(5) - AtLeast(3), AtLeast(3) * -1, AtLeast(-3) * AtLeast(2), 5 / AtLeast(3),
     AtLeast(5) / AtLeast(3), AtLeast(5) / -1, AtLeast(5) % 3, 5 % AtLeast(3), AtLeast(5) % AtLeast(3)],
)  # fmt: skip
def test_where_nothing_is_known_nothing_holds(answer: AtLeast) -> None:
    for other in (-1e300, 0, 1e300):
        assert not any(COMPARED[op](answer, other) or COMPARED[op](other, answer) for op in COMPARED)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 40), st.booleans())
def test_a_ratio_of_a_bound_is_at_most_the_true_one(
    least: int, more: int, denominator: int, minimum: int, wilson: bool
) -> None:
    true, told = (ratio(one, denominator, minimum, wilson) for one in (least + more, AtLeast(least)))
    if told is None:
        assert true is None
    else:
        assert true is not None
        assert isinstance(told, AtLeast)
        assert not isinstance(true, AtLeast)
        assert true >= told.least - 1e-12


def test_a_ratio_to_a_bound_is_unknown() -> None:
    assert ratio(5, AtLeast(10), 0, False) is None
    assert ratio(AtLeast(5), AtLeast(10), 0, True) is None


def test_what_was_found_is_a_bound_unless_it_is_nothing() -> None:
    assert at_least(3) == AtLeast(3)
    assert at_least(0) is None
    assert (least_of(AtLeast(3)), least_of(3), least_of(None)) == (3, 3, None)


def test_people_read_at_least() -> None:
    assert (str(AtLeast(31)), str(AtLeast(0.125))) == ("at least 31", "at least 0.125")


@given(st.integers(-(2**40), 2**40) | st.floats(allow_nan=False))
def test_it_travels_between_workers(least: float) -> None:
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(dict[str, Value]).decode
    values: dict[str, Value] = {"a": AtLeast(least), "b": least, "c": None, "d": True, "e": "at least"}
    found = decode(encode(values))
    assert found == values
    assert {name: type(value) for name, value in found.items()} == {name: type(one) for name, one in values.items()}
