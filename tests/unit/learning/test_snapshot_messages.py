"""Rows of a model are read as they were written, and nothing else is taken for rows."""

import struct

import msgspec
import numpy as np
import pytest

from engine.learning.linear import ARMS, INDICES, Floats, Indices
from engine.learning.snapshot_messages import PART_ROWS, RANGE, ROUNDS, RiverPart, Rows, RowsHeader, read_rows

ROW_BYTES = 4 + 8 * ARMS
"""An index, and a weight and a squared gradient for each arm."""


def floats(count: int, first: float) -> Floats:
    return np.arange(count * ARMS, dtype=np.float32).reshape(count, ARMS) + np.float32(first)


def some_rows(*indices: int) -> Rows:
    known: Indices = np.array(indices, np.uint32)
    return Rows((3, 14), known, floats(len(indices), -2.5), floats(len(indices), 0.0))


@pytest.mark.parametrize("indices", [(), (0,), (INDICES - 1,), (7, 2, 9)])
def test_rows_read_back(indices: tuple[int, ...]) -> None:
    rows = some_rows(*indices)
    read = read_rows(rows.encode())
    assert read.publication == rows.publication
    assert read.indices.tolist() == list(indices)
    assert read.weights.tolist() == rows.weights.tolist()
    assert read.gradients.tolist() == rows.gradients.tolist()
    assert read.size_bytes == rows.size_bytes == ROW_BYTES * len(indices)


def test_an_index_of_a_larger_model_is_refused() -> None:
    with pytest.raises(ValueError, match="larger model"):
        read_rows(some_rows(3, INDICES).encode())


@pytest.mark.parametrize("change", [-ROW_BYTES, -1, 1, ROW_BYTES])
def test_a_message_of_another_length_than_its_header_says_is_refused(change: int) -> None:
    data = some_rows(3, 4).encode()
    with pytest.raises(ValueError, match="it should hold 2 rows"):
        read_rows(data[:change] if change < 0 else data + b"\0" * change)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("column", ["weights", "gradients"])
def test_numbers_that_no_learner_has_are_refused(column: str, bad: float) -> None:
    rows = some_rows(3, 4)
    getattr(rows, column)[1, 0] = bad
    with pytest.raises(ValueError, match="numbers that no learner has"):
        read_rows(rows.encode())


def test_weights_may_be_below_nothing_and_squared_gradients_may_not() -> None:
    rows = some_rows(3, 4)
    rows.weights[0, 0] = -1.0
    assert read_rows(rows.encode()).weights[0, 0] == -1.0
    rows.gradients[0, 0] = -1e-30
    with pytest.raises(ValueError, match="numbers that no learner has"):
        read_rows(rows.encode())


def test_so_many_rows_a_message_may_have_and_no_more() -> None:
    def said(count: int) -> bytes:
        head = msgspec.json.encode(RowsHeader((3, 14), count))
        return struct.pack("<I", len(head)) + head

    most = RANGE + PART_ROWS
    with pytest.raises(ValueError, match="it should hold"):  # the header is good, only the rows are missing
        read_rows(said(most))
    with pytest.raises(msgspec.ValidationError, match="count"):
        read_rows(said(most + 1))


def test_all_ranges_together_are_all_indices() -> None:
    assert RANGE * ROUNDS == INDICES


def test_a_part_of_a_pipeline_takes_the_room_of_its_bytes() -> None:
    assert RiverPart((1, 0), 0, b"abc").size_bytes == 3
