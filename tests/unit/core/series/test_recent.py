"""The last events of an entity: what is there, what is new, what contradicts."""

from array import array
from typing import Any

import pytest

from engine.core.series.recent import CONFLICTING, NEW, SEEN
from tests.kernels import KERNELS

ONE, OTHER = 5 << 32, 6 << 32


@pytest.mark.parametrize("kernel", KERNELS)
def test_of_an_event_half_of_each_hash_is_remembered(kernel: Any) -> None:
    recent = array("Q")
    assert kernel.remember(recent, ONE | 77, 9 << 32 | 3, 10) == NEW
    assert recent.tolist() == [ONE | 3]
    assert kernel.remember(recent, ONE, 3, 10) == SEEN
    assert kernel.remember(recent, OTHER, 3, 10) == NEW
    assert kernel.remember(recent, ONE, 4, 10) == CONFLICTING
    assert kernel.remember(recent, ONE, 4, 10) == SEEN
    assert recent.tolist() == [ONE | 3, OTHER | 3, ONE | 4]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_oldest_beyond_the_limit_are_forgotten(kernel: Any) -> None:
    recent = array("Q")
    for content in range(3):
        kernel.remember(recent, ONE, content, 3)
    assert recent.tolist() == [ONE, ONE | 1, ONE | 2]
    kernel.remember(recent, ONE, 3, 3)
    assert recent.tolist() == [ONE | 1, ONE | 2, ONE | 3]
    kernel.remember(recent, ONE, 4, 2)
    assert recent.tolist() == [ONE | 3, ONE | 4]
