"""The compiled arithmetic of learning does what that in Python does, to the last bit."""

from array import array
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.learning import linear
from engine.learning.linear import ARMS, INDICES, MAX_TEXT_BYTES, SHORT_TEXT_BYTES

compiled: ModuleType | Any = pytest.importorskip(
    "engine.learning._linear", reason="the compiled arithmetic has not been built: `make compiled` needs a C compiler"
)

WEIGHTS = array("f", np.random.default_rng(7).normal(size=ARMS * INDICES).astype(np.float32).tobytes())
SHARES = array("d", (0.4, 0.3, 0.2, 0.1))
texts = st.text(max_size=60) | st.text(alphabet="ab\x00 ", max_size=2 * SHORT_TEXT_BYTES)
numbers = st.none() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=True, allow_infinity=True)


@given(texts, st.integers(0, 2**48))
def test_both_read_the_same_grams(text: str, seed: int) -> None:
    assert linear.gram_indices(text, seed).tolist() == compiled.gram_indices(text, seed).tolist()


@given(texts, st.integers(0, 2**48))
def test_the_least_index_is_that_of_a_gram(text: str, seed: int) -> None:
    indices = linear.gram_indices(text, seed).tolist()
    for kernel in (linear, compiled):
        assert kernel.least_index(text, seed) == min(indices, default=-1)


LOGITS = st.lists(st.floats(-1e3, 1e3), min_size=ARMS, max_size=ARMS)


@given(LOGITS, st.lists(st.floats(0, 1e4), min_size=ARMS, max_size=ARMS), st.floats(0, 1), st.booleans())
def test_both_mix_and_lose_alike(said: list[float], losses: list[float], certainty: float, spam: bool) -> None:
    told = []
    for kernel in (linear, compiled):
        lost = losses[:]
        logit = kernel.mixed(array("d", said), lost, certainty)
        kernel.add_losses(lost, array("d", said), spam, 0.99)
        told.append((logit, lost))
    assert told[0] == told[1]


def test_long_texts_are_cut_where_it_does_not_matter_which_letters_they_have() -> None:
    for text in ("x" * 10_000, "İ" * MAX_TEXT_BYTES, "\ud800" * 3, "a" * (MAX_TEXT_BYTES - 1) + "ß"):
        assert linear.gram_indices(text, 1).tolist() == compiled.gram_indices(text, 1).tolist()


@given(
    st.lists(st.none() | texts, max_size=3),
    st.lists(st.integers(0, 2**20 - 1), max_size=4),
    st.lists(numbers, max_size=4),
)
def test_both_make_the_same_features(batch: list[str | None], facts: list[int], read: list[float | None]) -> None:
    made = [
        kernel.features(
            tuple(batch), [5 + at for at in range(len(batch))], tuple(facts), tuple(read),
            array("Q", [7_000_003 * (at + 1) for at in range(len(read))]),
        )
        for kernel in (linear, compiled)
    ]  # fmt: skip
    for column in range(2):
        assert made[0][column].dtype == made[1][column].dtype
        assert made[0][column].tobytes() == made[1][column].tobytes()


def test_rows_begin_at_zero_whatever_was_in_their_place() -> None:
    for kernel in (linear, compiled):
        for count in (0, 1, 1_000, 3 << 20):
            rows = kernel.new_rows(count)
            assert rows == array("f", bytes(4 * count))
            rows[:] = array("f", [1.0]) * count


@given(st.lists(st.none() | texts, max_size=4), st.lists(numbers, max_size=5), st.lists(st.integers(0, 2**20 - 1)))
def test_both_score_alike(batch: list[str | None], read: list[float | None], tokens: list[int]) -> None:
    told = []
    for kernel in (linear, compiled):
        sums, values = array("d", bytes(8 * ARMS * (len(batch) + 1))), array("d")
        squares = array("d", bytes(8 * (len(batch) + 1)))
        kernel.weigh_texts(batch, 5, WEIGHTS, sums, squares)
        kernel.weigh_facts(tuple(tokens), WEIGHTS, sums, squares, len(batch))
        kernel.read_numbers(tuple(read), values)
        seeds = array("Q", [7_000_003 * (at + 1) for at in range(len(read))])
        logit = kernel.weigh_numbers(values, seeds, WEIGHTS, sums, squares, len(batch), SHARES)
        told.append((sums.tobytes(), squares.tobytes(), np.array(values).tobytes(), logit))
    assert told[0] == told[1]


@settings(deadline=None)
@given(st.lists(st.tuples(texts, st.floats(0, 1), st.floats(0.01, 10), st.booleans()), min_size=1, max_size=8))
def test_both_learn_alike(labels: list[tuple[str, float, float, bool]]) -> None:
    states = []
    for kernel in (linear, compiled):
        weights, gradients = WEIGHTS[:], kernel.new_rows(ARMS * INDICES)
        said, touched = [], np.zeros(INDICES, np.uint8)
        for text, target, push, repeated in labels:
            indices = kernel.gram_indices(text, 3)
            if repeated:
                indices = np.concatenate((indices, indices[:2]))
            values = np.full(len(indices), 0.125, np.float32)
            rates = array("d", (0.7, 0.3, 0.1, 0.03))
            said.append(kernel.learn(indices, values, weights, gradients, rates, target, push, touched))
            said.append(kernel.logits(indices, values, weights))
        states.append((said, weights.tobytes(), gradients.tobytes(), touched.tobytes()))
    assert states[0] == states[1]
