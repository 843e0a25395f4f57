"""What every score and every label goes through: compiled where that has been built, else in Python with numpy.

`make compiled` builds `_linear.pyx`; `PURE_PYTHON=1` in the environment leaves it out again.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.core.kernel import compiled
from engine.learning import linear
from engine.learning.linear import Floats, Indices, Marks

if TYPE_CHECKING:
    from array import array

_kernel = compiled("engine.learning._linear")

new_rows: "Callable[[int], array[float]]" = (_kernel or linear).new_rows
index_of: "Callable[[int], int]" = (_kernel or linear).index_of
gram_indices: "Callable[[str, int], Indices]" = (_kernel or linear).gram_indices
features: (
    "Callable[[tuple[str | None, ...], Sequence[int], tuple[int, ...], float, tuple[int, ...], float,"
    "tuple[float | None, ...], array[int]], tuple[Indices, Floats]]"
) = (_kernel or linear).features
weigh_texts: "Callable[[Sequence[str | None], int, array[float], array[float]], None]" = (_kernel or linear).weigh_texts
weigh_indices: "Callable[[tuple[int, ...], float, array[float], array[float], int], None]" = (
    _kernel or linear
).weigh_indices
read_numbers: "Callable[[tuple[float | None, ...], array[float]], None]" = (_kernel or linear).read_numbers
weigh_numbers: "Callable[[array[float], array[int], float, array[float], array[float], int, array[float]], float]" = (
    _kernel or linear
).weigh_numbers
logits: "Callable[[Indices, Floats, array[float]], array[float]]" = (_kernel or linear).logits
learn: "Callable[[Indices, Floats, array[float], array[float], array[float], float, float, Marks], array[float]]" = (
    _kernel or linear
).learn
