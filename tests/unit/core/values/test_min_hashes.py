"""The smallest hashes of runs: the same in Python and compiled."""

from array import array
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.kernel import smallest_hashes as chosen
from engine.core.values.min_hashes import FACTORS, RUN, smallest_hashes

factors = st.lists(st.integers(0, 2**63 - 1).map(lambda half: 2 * half + 1), min_size=FACTORS, max_size=FACTORS)


@given(st.binary(min_size=RUN, max_size=600), factors)
def test_both_find_the_same(data: bytes, drawn: list[int]) -> None:
    assert chosen(data, array("Q", drawn)) == smallest_hashes(data, array("Q", drawn))


@pytest.mark.parametrize("smallest", [smallest_hashes, chosen])
def test_a_run_more_counts_where_its_hash_is_smaller(
    smallest: Callable[[bytes, "array[int]"], tuple[int, int]],
) -> None:
    drawn = array("Q", [3, 5, 7, 9])
    shorter, longer = smallest(b"abcdefghijkl", drawn), smallest(b"abcdefghijklm", drawn)
    alone = smallest(b"bcdefghijklm", drawn)
    assert longer == (min(shorter[0], alone[0]), min(shorter[1], alone[1]))
