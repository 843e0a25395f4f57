"""Statistics of amounts and of gaps, and how many values occur how often, from plain lists of entries."""

import math
import statistics
from collections import Counter as Tally
from fractions import Fraction
from itertools import pairwise

from tests.property.differential.counting import Entry
from tests.property.differential.description import STATISTICS, Counter
from tests.property.differential.values import Least, NotToldError, Number

MOST = 1_000


def measured(counter: Counter, own: list[Entry], start: int, now: int, strict: bool) -> Number | None:
    """What a statistic, or a `having`, says of a window. `strict`: a doubt that can change nothing is one too, and so
    is one after the window, and one that has been taken back; a `having` that has had to give entries up knows nothing.
    A statistic is that of what is certain; which entries are left where some had to go is not told: NotToldError."""
    certain = [one for one in own if one.certain and one.readable and (one.value is not None or counter.field is None)]
    taking_room = certain if _is_packed(counter) else [one for one in own if one in certain or not one.is_plain]
    cap = counter.cap or MOST
    if len(taking_room) > cap and counter.having is None and sorted(one.time for one in taking_room)[-cap] > start:
        raise NotToldError
    if strict and len(taking_room) > cap and counter.having is not None:
        return None
    standing = [one for one in certain if not one.is_taken_back]
    inside = sorted((one for one in standing if start < one.time <= now), key=lambda one: one.time)
    doubts = [
        one.time
        for one in own
        if not one.is_plain
        and (strict or not one.is_taken_back)
        and start < one.time
        and (one.time <= now or (strict and _is_packed(counter)))
        and (strict or not one.readable or one.value is not None or counter.field is None)
    ]
    if counter.having is not None:
        return _having(inside, bool(doubts), *counter.having)
    if counter.field is not None:
        return _statistic(counter, [one.value for one in inside], bool(doubts))
    return _statistic(counter, [float(two.time - one.time) for one, two in pairwise(inside)], bool(doubts))


def _is_packed(counter: Counter) -> bool:
    """Whether it notes of doubts no more than the newest one's time; else each takes the place of an entry."""
    return counter.having is not None or counter.field is None


def _having(inside: list[Entry], doubtful: bool, least: int, most: int | None) -> Number | None:
    found = sum(least <= times <= (most or math.inf) for times in Tally(one.value for one in inside).values())
    if not doubtful:
        return found
    return Least(found) if most is None and found else None


def _statistic(counter: Counter, values: list[float], doubtful: bool) -> Number | None:
    if len(values) < max(counter.at_least, 2 if counter.kind == "stdev" else 1):
        return None
    if doubtful and counter.kind == "max":
        return Least(max(values))
    assert counter.kind in STATISTICS
    exact = [Fraction(value) for value in values]
    match counter.kind:
        case "max":
            return max(values)
        case "min":
            return min(values)
        case "mean":
            return float(statistics.mean(exact))
        case "stdev":
            return float(statistics.stdev(exact))
        case "median":
            return float(statistics.median(exact))
    return _quantile(exact, Fraction(counter.at))


def _quantile(exact: list[Fraction], at: Fraction) -> float:
    exact.sort()
    place = at * (len(exact) - 1)
    whole = math.floor(place)
    above = exact[min(whole + 1, len(exact) - 1)]
    return float(exact[whole] * (whole + 1 - place) + above * (place - whole))
