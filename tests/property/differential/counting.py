"""Counts, distinct values and sums from plain lists of entries, and what is certain to be kept of them."""

import math
from typing import Any, NamedTuple

from tests.property.differential.description import Counter
from tests.property.differential.values import Least, Number

USUAL_CAP = 32


class Entry(NamedTuple):
    """What one event is to one counter. `certain`: its `where` is true; if not, it is unknown. `value`: of a distinct
    or a sum, None where the event has none; `readable`: it can be counted or added up; `is_taken_back`: it was there,
    and has been taken out again."""

    time: int
    key: tuple[str, ...]
    certain: bool
    value: Any
    readable: bool
    is_taken_back: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether there is no doubt about it."""
        return self.certain and self.readable


def number(inside: list[Entry], kind: str, strict: bool) -> Number | None:
    """How many entries, or how many distinct values; a bound where some are in doubt. `strict`: also a doubt that can
    change nothing is one, and of nothing but doubts nothing is known."""
    certain = [one for one in inside if one.certain]
    if kind == "count":
        found, doubtful = len(certain), len(inside) > len(certain)
    else:
        values = {one.value for one in certain if one.value is not None}
        found = len(values)
        doubtful = any(
            not one.readable or (not one.certain and (strict or one.value not in (None, *values))) for one in inside
        )
    if not doubtful:
        return found
    return None if strict and not found else Least(found)


def total(inside: list[Entry], strict: bool) -> Number | None:
    """What the entries add up to; where one is in doubt, at least the others, if none of them is negative. `strict`: as
    above."""
    doubtful = [one for one in inside if not one.readable or not one.certain]
    if not strict:  # a doubt about nothing is none
        doubtful = [one for one in doubtful if not one.readable or one.value is not None]
    values = [one.value for one in inside if one.value is not None and one.certain]
    if not doubtful:
        return math.fsum(values)
    return Least(math.fsum(values)) if values and min(values) >= 0 else None


def what_is_kept(
    counter: Counter, own: list[Entry], start: int, now: int, late: bool, found: Number | None
) -> Number | None:
    """What is certain to be left of a number. `own`: also what has been taken back, as others may have had to go for
    it."""
    cap, is_whole = counter.cap or USUAL_CAP, not any(one.is_taken_back for one in own)
    if len(own) <= cap or (counter.cap is None and not late and is_whole):
        return found
    if counter.kind == "distinct":
        least = min(found.bound if isinstance(found, Least) else found, cap) if found is not None else 0
        return Least(least) if least and not late and is_whole else None
    by_time = sorted(own, key=lambda one: (one.time, one.is_taken_back))
    left = [one for one in by_time[-cap:] if start < one.time <= now and not one.is_taken_back]
    if start >= by_time[-cap - 1].time:
        return found
    return Least(len(left)) if left else None
