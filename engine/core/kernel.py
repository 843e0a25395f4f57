"""What every event goes through: compiled where that has been built, else in Python.

`make compiled` builds `_kernel.pyx`; `PURE_PYTHON=1` in the environment leaves it out again.
"""

import os
from array import array
from collections.abc import Callable
from importlib import import_module
from typing import Any

from engine.core import counts, recent, scaling
from engine.core.counts import Counts


def _compiled() -> Any:
    if os.environ.get("PURE_PYTHON"):
        return None
    try:
        return import_module("engine.core._kernel")
    except ImportError:
        return None  # it has not been built: no compiler was at hand


_kernel = _compiled()
COMPILED = _kernel is not None

add_count: "Callable[[Counts[int], int, int, int, int], None]" = (_kernel or counts).add_count
read_count: "Callable[[Counts[int] | None, int, int, int, int], int | None]" = (_kernel or counts).read_count
read_counts: "Callable[[Counts[int] | None, int, array[int]], list[int | None]]" = (_kernel or counts).read_counts
trim_counts: "Callable[[Counts[int], int], int]" = (_kernel or counts).trim_counts
remember: "Callable[[array[int], int, int], bool]" = (_kernel or recent).remember
weigh_numbers: "Callable[[tuple[float | None, ...], array[float], array[float], array[float]], float]" = (
    _kernel or scaling
).weigh_numbers
