"""Questions over time windows: what is counted, of which events, at which entities."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from engine.core.domain.kinds import reading_kind

CounterKind = Literal["count", "distinct", "sum", "max", "min", "mean", "stdev", "median", "quantile"]
SeriesKind = Literal["count", "distinct", "sum", "occurrence"]
STATISTICS: tuple[CounterKind, ...] = ("max", "min", "mean", "stdev", "median", "quantile")
"""Of the amounts in a field, or of the gaps between events."""

MEDIAN = 0.5

Having = tuple[int, int | None]


def series_of(kind: CounterKind, field: str | None, having: Having | None) -> SeriesKind:
    """The kind of series that answers: statistics read those of sums and counts."""
    if kind in STATISTICS:
        return "sum" if field is not None else "count"
    return "occurrence" if having is not None else kind  # type: ignore[return-value]  # one of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterTerms:
    """A question over a time window.

    `by`: the kind of entity that it hangs on, "user_id" or for example "url_domain" or "user_id+target_id"; `type`: of
    the answer; `at`: which quantile; `at_least`: of fewer values a statistic is unknown; `before`: without the event at
    hand; `having`: how often at least, and at most, a distinct value has to occur; `read_by`: the fields that name the
    entity where it is read, in the order of those of `by`, if not these. A statistic without a `field` is one of gaps.
    """

    name: str
    kind: CounterKind
    field: str | None
    of: tuple[str, ...]
    by: str
    over_ms: int
    approx: bool = False
    max_keys: int | None = None
    type: str = "number"
    at: float = MEDIAN
    at_least: int = 0
    before: bool = False
    having: Having | None = None
    read_by: str | None = None

    @property
    def series(self) -> SeriesKind:
        """The kind of series that it reads."""
        return series_of(self.kind, self.field, self.having)

    @property
    def read_at(self) -> str:
        """The kind at which events read it."""
        return reading_kind(self.by, self.read_by)

    def terms(self) -> dict[str, Any]:
        """What stands in every counter, by name."""
        return {each.name: getattr(self, each.name) for each in fields(CounterTerms)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(CounterTerms):
    """A question as it is asked of stored entries. Counters that differ in `over_ms` alone share one series."""

    where: str | None
    series_key: int
    cap: int

    @property
    def counts_entries(self) -> bool:
        """Whether it is a number of entries of an exact series, or of their values, with the event at hand."""
        return self.series == self.kind != "sum" and not self.approx and not self.before
