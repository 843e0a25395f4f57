"""The default learner's arithmetic as it is written in Python, against sums that are done by hand."""

from array import array
from math import e, isnan, sqrt

import numpy as np
import pytest

from engine.learning import linear
from engine.learning.linear import ARMS, FACT, INDICES, LONG_GRAM, SATURATED, SHORT_GRAM, SHORT_TEXT_BYTES, START

MASK = (1 << 64) - 1


def by_hand(hashed: int) -> int:
    mixed = hashed * 0x9E3779B97F4A7C15 % 2**64
    mixed ^= mixed // 2**29
    return mixed * 0x9E3779B97F4A7C15 % 2**64 // 2**44


def flat(values: dict[int, float] | None = None) -> "array[float]":
    """Zero, but for the first arm of some indices, and ten, a hundred and a thousand times that for the others."""
    found = array("f", bytes(4 * ARMS * INDICES))
    for index, value in (values or {}).items():
        for arm in range(ARMS):
            found[ARMS * index + arm] = value * 10**arm
    return found


@pytest.mark.parametrize("hashed", [0, 1, 2, 12_345, 2**40 + 7, 2**63, MASK])
def test_an_index_is_the_upper_bits_of_a_number_that_has_been_mixed(hashed: int) -> None:
    assert linear.index_of(hashed) == by_hand(hashed)
    assert 0 <= linear.index_of(hashed) < INDICES


@pytest.mark.parametrize("length", [SHORT_GRAM, LONG_GRAM])
@pytest.mark.parametrize("seed", [5, 2**47, MASK])
def test_each_gram_has_the_index_of_its_bytes(length: int, seed: int) -> None:
    data = b"abcdefgh\xff\xfe"
    grams = [data[at : at + length] for at in range(len(data) + 1 - length)]
    wanted = [by_hand(int.from_bytes(gram, "little") ^ (seed + length) % 2**64) for gram in grams]
    assert linear.byte_grams(data, length, seed).tolist() == wanted
    assert linear.byte_grams(data[:length], length, seed).tolist() == wanted[:1]
    assert linear.byte_grams(data[: length - 1], length, seed).tolist() == []
    assert linear.byte_grams(b"", length, seed).tolist() == []


@pytest.mark.parametrize(("size", "shorts"), [(SHORT_TEXT_BYTES - 1, True), (SHORT_TEXT_BYTES, False)])
def test_a_short_text_has_its_short_grams_as_well(size: int, shorts: bool) -> None:
    text = "ab" * (size // 2) + "c" * (size % 2)
    data = text.encode()
    long, short = (linear.byte_grams(data, length, 3) for length in (LONG_GRAM, SHORT_GRAM))
    wanted = list(dict.fromkeys([*long.tolist(), *(short.tolist() if shorts else ())]))
    assert linear.gram_indices(text, 3).tolist() == wanted  # each once, in the order in which they come first


def test_a_texts_weights_are_added_to_what_is_there_over_the_fourth_root_of_their_number() -> None:
    text = "".join(chr(97 + at) for at in range(11))  # 6 long ones and 8 short ones
    indices = linear.gram_indices(text, 3).tolist()
    assert len(indices) == 6 + 8
    weights = flat({indices[0]: 0.5, indices[13]: 1.5})
    sums, squares = array("d", [1.0] * 4 * ARMS), array("d", [1.0] * 4)
    linear.weigh_texts([None, text, "", "abc"], 3, weights, sums, squares)
    each = 14**-0.25
    added = [1 + 2 * 10**arm * each for arm in range(ARMS)]
    assert list(sums) == pytest.approx([1.0] * ARMS + added + [1.0] * 2 * ARMS)
    assert list(squares) == pytest.approx([1.0, 1 + 14 * each**2, 1.0, 1.0])


def test_the_weights_of_facts_are_added_at_their_place() -> None:
    sums, squares = array("d", [1.0] * 3 * ARMS), array("d", [1.0] * 3)
    linear.weigh_facts((7, 9, 9), flat({7: 2.0, 9: 1.0}), sums, squares, 1)
    assert list(sums) == [1.0] * ARMS + [1 + FACT * 4 * 10**arm for arm in range(ARMS)] + [1.0] * ARMS
    assert list(squares) == [1.0, 1 + 3 * FACT**2, 1.0]


def test_features_make_a_vector_of_length_one() -> None:
    seeds = array("Q", [1_000, 2_000])
    indices, values = linear.features(("abcdefgh", None, "some text"), [3, 4, 5], (7, 9), (None, 1 - e), seeds)
    grams = [linear.gram_indices("abcdefgh", 3).tolist(), linear.gram_indices("some text", 5).tolist()]
    numbers = [linear.index_of(999), linear.bucket_index(2_000, -0.2), linear.index_of(2_000)]
    assert indices.tolist() == [*grams[0], *grams[1], 7, 9, *numbers]
    root = sqrt(sqrt(len(grams[0])) + sqrt(len(grams[1])) + 4 * FACT**2)
    wanted = [len(one) ** -0.25 / root for one in grams for _ in one]
    assert values.tolist() == pytest.approx([*wanted, *[FACT / root] * 4, -0.2 * FACT / root])
    assert float((values[:-1] ** 2).sum()) == pytest.approx(1)  # a number's value comes on top


def test_nothing_is_a_vector_of_nothing() -> None:
    indices, values = linear.features(("abc", None), [3, 4], (), (), array("Q"))
    assert len(indices) == len(values) == 0


@pytest.mark.parametrize(("number", "wanted"), [(0.0, 0.0), (e - 1, 0.2), (1 - e, -0.2), (e**5 - 1, 1.0)])
def test_numbers_are_on_a_logarithmic_scale_with_their_sign(number: float, wanted: float) -> None:
    assert linear.scaled(number) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("value", "step"), [(0.0, 1), (0.06, 1), (0.07, 2), (1.0, 16), (-0.01, 0), (-0.06, 0), (-0.07, -1), (-1.0, -14)]
)
def test_there_are_fifteen_steps_to_one_of_the_scale(value: float, step: int) -> None:
    assert linear.bucket_hash(1_000, value) == 1_000 + step
    assert linear.bucket_index(1_000, value) == by_hand(1_000 + step)
    assert linear.bucket_hash(0, -1.0) == 2**64 - 14


def test_what_is_missing_or_endless_is_no_number() -> None:
    values = array("d", [9.0])
    linear.read_numbers((3, None, float("inf"), float("-inf"), float("nan"), -0.5), values)
    assert [None if isnan(value) else value for value in values] == [9.0, 3.0, None, None, None, None, -0.5]


def test_a_number_counts_by_its_step_and_by_its_value_and_a_missing_one_by_itself() -> None:
    seeds, shares = array("Q", [1_000, 2_000, 3_000]), array("d", (0.4, 0.03, 0.002, 0.0001))
    weights = flat(
        {
            linear.index_of(1_000 + 1 + 15): 2.0, linear.index_of(1_000): 3.0,  # the first number is 1 on the scale
            linear.index_of(2_000 - 1): 5.0,
            linear.index_of(3_000 + 1 - 15): 7.0, linear.index_of(3_000): 11.0,
        }
    )  # fmt: skip
    values = array("d", [123.0, e**5 - 1 + 1e-9, float("nan"), 1 - e**5 - 1e-9])  # what was read before stays out
    sums = array("d", [50.0] * ARMS + [1.0, 2.0, 3.0, 4.0])
    step_below = linear.index_of(3_000 + 1 - 16)
    assert weights[ARMS * step_below] == 0  # just beyond -1 the step is one further down
    squares = array("d", [9.0, 8.0])
    logit = linear.weigh_numbers(values, seeds, weights, sums, squares, 1, shares)
    total = FACT * (2.0 + 3.0 + 5.0 + 0.0 - 11.0)
    said = 0.4 * (1 + total) + 0.03 * (2 + 10 * total) + 0.002 * (3 + 100 * total) + 0.0001 * (4 + 1000 * total)
    assert logit == pytest.approx(said / sqrt(8 + 3 * FACT**2))


def test_arms_say_the_sum_of_weights_times_values() -> None:
    indices, values = np.array([7, 9], np.uint32), np.array([0.5, -2.0], np.float32)
    assert list(linear.logits(indices, values, flat({7: 2.0, 9: 1.0}))) == [-1.0, -10.0, -100.0, -1_000.0]
    assert list(linear.logits(indices[:0], values[:0], flat({7: 2.0}))) == [0.0] * ARMS


RATES = array("d", (0.5, 0.25, 0.125, 1.0))


@pytest.mark.parametrize(("target", "sign"), [(1.0, 1), (0.0, -1)])
def test_the_first_step_is_as_long_as_the_rate_towards_the_target(target: float, sign: int) -> None:
    weights, gradients = flat(), flat()
    indices, values = np.array([7, 9], np.uint32), np.array([1.0, 0.001], np.float32)
    touched = np.zeros(INDICES, np.uint8)
    # a push of two makes half an error one
    said = linear.learn(indices, values, weights, gradients, RATES, target, 2.0, touched)
    assert np.flatnonzero(touched).tolist() == [7, 9]
    assert list(said) == [0.0] * ARMS
    assert list(weights[28:32]) == pytest.approx([sign * rate for rate in RATES], rel=1e-5)
    assert list(gradients[28:32]) == [1.0] * ARMS
    # where the gradient is as small as what every index begins with, that shortens the step
    assert START == 1e-6
    assert list(weights[36:40]) == pytest.approx([sign * rate / sqrt(2) for rate in RATES], rel=1e-4)
    assert sum(map(bool, weights)) == 2 * ARMS


def test_later_steps_are_shorter_and_an_index_that_comes_twice_makes_two() -> None:
    indices, values = np.array([7, 7], np.uint32), np.array([1.0, 1.0], np.float32)
    weights, gradients = flat(), flat()
    linear.learn(indices, values, weights, gradients, RATES, 1.0, 2.0, np.zeros(INDICES, np.uint8))
    assert list(weights[28:32]) == pytest.approx([rate * (1 + 1 / sqrt(2)) for rate in RATES], rel=1e-5)
    assert list(gradients[28:32]) == [2.0] * ARMS
    once, squares = flat(), flat()
    for _ in range(2):
        linear.learn(indices[:1], values[:1], once, squares, RATES, 1.0, 2.0, np.zeros(INDICES, np.uint8))
    assert once[28] == pytest.approx(0.5 + 0.5 * 0.755 / sqrt(1 + 0.755**2), rel=1e-3)  # 2 - 2 * sigmoid(.5) is .755


@pytest.mark.parametrize(
    ("logit", "wanted"), [(0.0, 0.5), (1.0, e / (1 + e)), (-1.0, 1 / (1 + e)), (30.0, 1.0), (-29.0, 2.5436656e-13)]
)
def test_a_logit_becomes_a_probability(logit: float, wanted: float) -> None:
    assert linear.sigmoid(logit) == pytest.approx(wanted)


def test_beyond_what_is_sure_there_is_nothing_surer() -> None:
    assert linear.sigmoid(1e6) == linear.sigmoid(SATURATED) < 1
    assert linear.sigmoid(-1e6) == linear.sigmoid(-SATURATED) > 0
    assert linear.sigmoid(29) < linear.sigmoid(SATURATED)
    assert linear.sigmoid(-29) > linear.sigmoid(-SATURATED)
