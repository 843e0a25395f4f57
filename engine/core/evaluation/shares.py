"""Two counts of one entity, where a full series has forgotten a part of their window: over what both still know.

A ratio of them goes on then: of a busy entity it is that of its newest thousand events, not unknown.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.core.kernel import count_lost_until, distinct_lost_until, read_count, read_distinct
from engine.core.series.entity_series import EntitySeries
from engine.core.values.bounds import AtLeast

LEAST_SHARED = 500
"""Of fewer that both know, a ratio says little about the window: it stays a bound, or unknown."""


class Part(NamedTuple):
    """A counter that is a part of a ratio: exact, and over the same window as the other part."""

    name: str
    kind: str
    series_key: int
    over_ms: int


class Share(NamedTuple):
    """A ratio of two counters, by its name."""

    name: str
    numerator: Part
    denominator: Part


def with_shares(values: dict[str, Any], series: EntitySeries, now: int, shares: Sequence[Share]) -> dict[str, Any]:
    """What has been read of an entity, and both parts of each ratio that would be unknown without."""
    if AtLeast not in map(type, values.values()):  # the usual case
        return values
    for share in shares:
        _, one, other = share
        if isinstance(values[one.name], AtLeast) or isinstance(values[other.name], AtLeast):
            pair = _pair(series, now, share)
            if pair is not None:
                values |= zip(_names(share.name), pair, strict=True)
    return values


def aligned(
    numerator: Any, denominator: Any, readings: EntitySeries | Mapping[str, Any], now: int, share: Share
) -> Any:
    """The parts of a ratio as they are, or over what both know where one is a bound alone."""
    if not isinstance(numerator, AtLeast) and not isinstance(denominator, AtLeast):
        return numerator, denominator
    if isinstance(readings, EntitySeries):
        return _pair(readings, now, share) or (numerator, denominator)
    counts = [readings.get(name) for name in _names(share.name)]
    return counts if None not in counts else (numerator, denominator)


def _names(name: str) -> tuple[str, str]:
    return f"{name}/1", f"{name}/2"


def _pair(series: EntitySeries, now: int, share: Share) -> tuple[int, int] | None:
    _, one, other = share
    over_ms = now - max(_known_from(series, one, now), _known_from(series, other, now))
    if over_ms <= 0:
        return None
    numerator, denominator = _read(series, one, now, over_ms), _read(series, other, now, over_ms)
    is_known = type(numerator) is int and type(denominator) is int and denominator >= LEAST_SHARED
    return (numerator, denominator) if is_known else None


def _known_from(series: EntitySeries, part: Part, now: int) -> int:
    """From when on a counter knows everything of its window."""
    start = now - part.over_ms
    if part.kind == "count":
        lost = count_lost_until(series.counts, part.series_key)
    else:
        lost = distinct_lost_until(series.distincts, part.series_key)
    return start if lost is None else max(start, lost)


def _read(series: EntitySeries, part: Part, now: int, over_ms: int) -> Any:
    if part.kind == "count":
        return read_count(series.counts, part.series_key, now, over_ms)
    return read_distinct(series.distincts, part.series_key, now, over_ms)
