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

    Reals = array[float]

_kernel = compiled("engine.learning._linear")

new_rows: "Callable[[int], Reals]" = (_kernel or linear).new_rows
index_of: "Callable[[int], int]" = (_kernel or linear).index_of
gram_indices: "Callable[[str, int], Indices]" = (_kernel or linear).gram_indices
least_index: "Callable[[str, int], int]" = (_kernel or linear).least_index
features: (
    "Callable[[tuple[str | None, ...], Sequence[int], tuple[int, ...], tuple[float | None, ...], array[int],"
    "Reals | None], tuple[Indices, Floats]]"
) = (_kernel or linear).features
weigh_texts: "Callable[[Sequence[str | None], int, Reals, Reals, Reals], None]" = (_kernel or linear).weigh_texts
weigh_facts: "Callable[[tuple[int, ...], Reals, Reals, Reals, int], None]" = (_kernel or linear).weigh_facts
read_numbers: "Callable[[tuple[float | None, ...], Reals], None]" = (_kernel or linear).read_numbers
weigh_numbers: "Callable[[Reals, array[int], Reals, Reals, Reals, int, Reals], float]" = (
    _kernel or linear
).weigh_numbers
logits: "Callable[[Indices, Floats, Reals], Reals]" = (_kernel or linear).logits
learn: "Callable[[Indices, Floats, Reals, Reals, Reals, float, float, Marks], Reals]" = (_kernel or linear).learn
mixed: "Callable[[Reals, list[float], float], float]" = (_kernel or linear).mixed
add_losses: "Callable[[list[float], Reals, bool, float], None]" = (_kernel or linear).add_losses
