"""Whether things have happened in an order: steps, one after the other, within a window, with nothing in between.

Each step is a count series of its own (`counts.py`), so it is found out when it is asked, and what arrives late has its
place in the order all the same.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from engine.core.series.counts import LAYOUT
from engine.core.series.packed import NOTHING_LOST, Packed, bounds, find, holds, horizon, lost_until


class Plan(NamedTuple):
    """`steps`: the key of each step's series, and how many of its entries make the step; `without`: that of the series
    of which nothing may lie from the first entry to the last."""

    steps: tuple[tuple[int, int], ...]
    without: int | None
    within_ms: int


class _Step(NamedTuple):
    """The times of a step's entries in the window, and how many of them make it."""

    times: Sequence[int]
    many: int


def completed(words: "Packed[int] | None", now: int, plan: Plan) -> bool | None:
    """Whether the steps lie one after the other in (now - within_ms, now], each later than all of the one before. None
    (unknown) without series, and where something that a series has given up could decide it."""
    if words is None:
        return None
    start, given_up = now - plan.within_ms, False
    steps: list[_Step] = []
    for key, many in plan.steps:
        times, lost = _known(words, key, start, now)
        steps.append(_Step(times, many))
        given_up = given_up or lost > start
    breaks, unsure_until = _known(words, plan.without, start, now) if plan.without is not None else ([], start)
    if _is_found(steps, breaks, max(start, unsure_until)):
        return True
    return None if given_up or (unsure_until > start and _is_found(steps, breaks, start)) else False


def _known(words: "Packed[int]", key: int, start: int, now: int) -> tuple[Sequence[int], int]:
    """The times of a series in a window as far as they are certain, and until when it may have given up something."""
    place = find(words, key)
    if not holds(words, place, key):
        return (), NOTHING_LOST
    first, end = bounds(words, place, LAYOUT)
    known_from = max(start, horizon(words, place, LAYOUT))  # entries before that may be there still, or not
    times = words[bisect_right(words, known_from, first, end) : bisect_right(words, now, first, end)]
    return times, lost_until(words, place, LAYOUT)


def _is_found(steps: Sequence[_Step], breaks: Sequence[int], after: int) -> bool:
    """Whether all steps lie after a time, and none of the breaks among them. Each try begins behind a later break."""
    while True:
        found = _earliest(steps, after)
        if found is None:
            return False
        first, last = found
        latest = bisect_right(breaks, last) - 1
        if latest < 0 or breaks[latest] < first:
            return True
        after = breaks[latest]


def _earliest(steps: Sequence[_Step], after: int) -> tuple[int, int] | None:
    """When the steps begin and end that are over first, of those that lie after a time and begin with the first entry
    there; None where there are none."""
    first = bisect_right(steps[0].times, after)
    last = after
    for times, many in steps:
        at = bisect_right(times, last) + many - 1
        if at >= len(times):
            return None
        last = times[at]
    return steps[0].times[first], last
