"""Writes how counters are read: in the series of the entity at hand, or from what was gathered before."""

from engine.core.domain.counters import STATISTICS, Counter
from engine.rulebook.codegen.conditions import Scope

_READERS = {"count": "read_count", "distinct": "read_distinct", "sum": "read_total", "occurrence": "read_occurrence"}
_SAMPLES = {"sum": "amounts_within", "count": "gaps_within"}


def from_series(_: Scope, counter: Counter) -> str:
    """A counter in the series of the entity at hand. One that leaves the event out was read before it was entered."""
    return f"s.recalled.get({counter.name!r})" if counter.before else reading(counter, "now", str(counter.over_ms))


def from_values(_: Scope, counter: Counter) -> str:
    """A counter as it was gathered."""
    return f"s.get({counter.name!r})"


def reading(counter: Counter, until: str, over_ms: str) -> str:
    """Source text that reads a counter up to a time, over a window's length."""
    window = f"{store_of(counter)}, {counter.series_key}, {until}, {over_ms}"
    if counter.kind in STATISTICS:
        sample = f"{_SAMPLES[counter.series]}({window})"
        return f"measure({counter.kind!r}, {sample}, {counter.at_least}, {counter.at!r})"
    if counter.having is not None:
        return f"{_READERS[counter.series]}({window}, {counter.having[0]}, {counter.having[1]})"
    reader = _READERS[counter.kind].replace("_", "_approx_") if counter.approx else _READERS[counter.kind]
    cap = f", {counter.cap}" if counter.approx or counter.kind == "sum" else ""
    return f"{reader}({window}{cap})"


def store_of(counter: Counter) -> str:
    """Where a counter's series is kept (`EntitySeries`)."""
    packed = {"count": "s.counts", "distinct": "s.distincts"}
    return packed.get(counter.series, "s.others") if not counter.approx else "s.others"
