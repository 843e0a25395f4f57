"""Numbers as a linear model reads them: on a logarithmic scale, and their weighted sum."""

from array import array
from collections.abc import Sequence
from math import copysign, isfinite, log1p, nan


def weigh_numbers(
    numbers: Sequence[float | None], weights: "array[float]", missing: "array[float]", values: "array[float]"
) -> float:
    """The weighted sum of numbers on a logarithmic scale, with their sign. They are appended to `values`; NaN stands
    for one that is missing or not finite, and counts with a weight of its own."""
    total = 0.0
    for number, weight, otherwise in zip(numbers, weights, missing, strict=True):
        value = nan if number is None else float(number)
        if isfinite(value):
            value = copysign(log1p(abs(value)), value) / 5
            total += value * weight
        else:
            value = nan
            total += otherwise
        values.append(value)
    return total
