"""What generated functions call."""

from collections.abc import Callable

import pytest

from engine.core.evaluation.choice import MOST, MOST_LINKED
from engine.core.evaluation.routing import PART_SEPARATOR
from engine.core.state.entities import MAX_KEY_CHARS
from engine.core.values.bounds import AtLeast
from engine.rulebook.codegen.runtime import (
    MAX_KEYS,
    MAX_LOOKED_AT,
    MAX_MEMBERS,
    addresses,
    among,
    amount,
    domains,
    items_text,
    keys,
    left_in,
    member_tokens,
    members,
    pairs,
    ratio,
    scaled,
    spelt,
    tokens,
)


def test_only_a_key_that_is_too_long_is_hashed() -> None:
    longest = "k" * MAX_KEY_CHARS
    assert keys((longest,)) == (longest,)
    (hashed,) = keys((longest + "k",))
    assert len(hashed) < MAX_KEY_CHARS
    assert hashed != keys((longest + "l",))[0]


def test_an_event_names_no_more_entities_than_there_may_be() -> None:
    parts = tuple(map(str, range(MAX_KEYS)))
    assert len(keys(parts, ("x",))) == MAX_KEYS
    assert len(keys(parts, parts)) == MOST_LINKED**2
    assert len(keys(parts, parts, parts)) == MOST**3
    assert keys(parts, ("x",))[0] == keys(("0",), ("x",))[0]


@pytest.mark.parametrize("named", [keys, pairs])
def test_of_too_many_combinations_the_order_of_lists_does_not_choose(named: Callable[..., tuple[str, ...]]) -> None:
    ones, others = [tuple(f"{one}{at}" for at in range(MAX_KEYS)) for one in "ab"]
    assert set(named(ones, others)) == set(named(ones[::-1], others[::-1])) == set(named(ones, others[::-1]))
    assert len({key.partition(PART_SEPARATOR)[0] for key in named(ones, others)}) == MOST_LINKED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0), (2.5, 2.5), (-3, -3.0), (999_999_999_999_999, 999_999_999_999_999.0), (10**15, False),
        (-(10**15), False), (None, None), (True, False), ("1", False), ([], False),
    ],
)  # fmt: skip
def test_an_amount_is_a_number_that_adds_exactly_enough(value: object, expected: object) -> None:
    assert amount(value) == expected
    assert type(amount(value)) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60.00", 60.0),
        ("+5", 5.0),
        ("-" + "1" * 15 + "." + "5" * 15, -111_111_111_111_111.56),
        ("1" * 16, "1" * 16),
        ("0." + "1" * 16, "0." + "1" * 16),
        ("1e5", "1e5"),
        ("", ""),
        (5, 5),
    ],
)
def test_a_number_that_is_spelt_is_read_as_far_as_it_is_one(text: object, expected: object) -> None:
    assert spelt(text) == expected


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (None, None),
        ([], ""),
        (["a", 1, 2.5, True], "a, 1, 2.5, True"),
        (["a", {"b": 1}, [2], None, "e"], "a, …, …, … and 1 more"),
        (["x" * 50], "x" * 40),
        (list("abcdef"), "a, b, c, d and 2 more"),
    ],
)
def test_a_list_is_told_by_its_first_plain_items(items: list[object] | None, told: str | None) -> None:
    assert items_text(items) == told


@pytest.mark.parametrize(
    ("numerator", "denominator", "at_least", "expected"),
    [
        (1, 2, 0, 0.5),
        (1, 2, 2, 0.5),
        (1, 2, 3, None),
        (1, 0, 0, None),
        (1, -1, -2, None),
        (None, 2, 0, None),
        (1, None, 0, None),
        (1, AtLeast(2), 0, None),
        (AtLeast(1), 2, 0, AtLeast(0.5)),
        (AtLeast(1), 2, 3, None),
        (AtLeast(1), AtLeast(2), 0, None),
    ],
)
def test_a_ratio_is_known_where_its_parts_are(
    numerator: float | AtLeast | None, denominator: float | AtLeast | None, at_least: float, expected: object
) -> None:
    found = ratio(numerator, denominator, at_least, False)
    assert getattr(found, "least", found) == getattr(expected, "least", expected)
    assert isinstance(found, AtLeast) is isinstance(expected, AtLeast)


@pytest.mark.parametrize(
    ("of", "lower"), [((0, 10), 0.0), ((5, 10), 0.236593), ((10, 10), 0.722467), ((12, 10), 0.722467)]
)
def test_the_lower_end_of_an_interval_is_wilsons(of: tuple[int, int], lower: float) -> None:
    assert ratio(*of, 0, True) == pytest.approx(lower, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", ("a",)), (5, ("5",)), (5.0, ("5",)), (5.5, ("5.5",)), (True, ("True",)), ("", ()), (None, ()), ([], ())],
)
def test_an_entity_is_known_by_what_its_key_is_worth(value: object, expected: tuple[str, ...]) -> None:
    assert tokens(value) == expected
    assert addresses(value) == expected


def test_an_address_has_one_writing_and_a_unit_one_amount() -> None:
    assert addresses("::ffff:10.0.0.1") == ("10.0.0.1",)
    assert scaled(2, 1_000) == 2_000
    assert scaled(0.5, 1_000) == 500
    assert scaled("2", 1_000) is None
    assert scaled(True, 1_000) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ((), False)), ("a", ((), True)), ([], ((), False)), (["a", "b", "a"], (("a", "b"), False)),
        ([1, 1.0, True, ""], (("1", "True"), False)), (["a", {"b": 1}], (("a",), True)), (("a",), (("a",), False)),
        ([None, "a"], (("a",), False)),
    ],
)  # fmt: skip
def test_the_items_of_a_list_are_told_apart(value: object, expected: tuple[tuple[str, ...], bool]) -> None:
    assert members(value) == expected
    assert member_tokens(value) == expected[0]


def test_of_many_items_the_sender_does_not_choose() -> None:
    many = [str(number) for number in range(5 * MAX_MEMBERS)]
    found, more = members(many)
    assert (len(found), more) == (MAX_MEMBERS, True)
    assert set(members(many[::-1])[0]) == set(found)


def test_of_a_list_of_any_length_so_many_items_are_looked_at() -> None:
    many = [str(number) for number in range(3 * MAX_LOOKED_AT)]
    half = MAX_LOOKED_AT // 2
    assert members(many) == (members([*many[:half], *many[-half:]])[0], True)
    assert members(["a"] * (MAX_LOOKED_AT + 1)) == (("a",), True)
    assert members(["a"] * MAX_LOOKED_AT) == (("a",), False)


def test_a_nested_item_is_in_no_list() -> None:
    assert not among([["a"], {"a": 1}, None], frozenset(("a",)))
    assert among([["a"], "a"], frozenset(("a",)))


def test_links_are_found_in_texts_and_lists() -> None:
    assert domains("see www.shop.example and http://b.example/x") == ("shop.example", "b.example")
    assert domains(["http://b.example", 5, None]) == ("b.example",)
    assert domains([]) == ()


def test_a_key_is_left_out_where_no_counter_counts_at_it() -> None:
    assert left_in(("a", "b", "c"), (frozenset("ab"), frozenset("bc"))) == ("a", "c")
