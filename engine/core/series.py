"""The series of one entity by key: what the functions generated from a rulebook call."""

from engine.core.windows import CountSeries, DistinctSeries, SeriesByKey, SumSeries


def add_count(series: SeriesByKey, key: int, now: int, cap: int, retention_ms: int) -> None:
    """Enter an event into the count series `key`, which begins here if it is new."""
    found = series.get(key)
    if found is None:
        found = series[key] = CountSeries(retention_ms)
    found.retain(retention_ms)
    found.add(now, cap)


def add_distinct(series: SeriesByKey, key: int, now: int, value: int, cap: int, retention_ms: int) -> None:
    """Enter an event and its value's hash into the distinct series `key`."""
    found = series.get(key)
    if not isinstance(found, DistinctSeries):
        found = series[key] = DistinctSeries(retention_ms)
    found.retain(retention_ms)
    found.add_value(now, value, cap)


def add_amount(series: SeriesByKey, key: int, now: int, amount: float, cap: int, retention_ms: int) -> None:
    """Enter an event and its amount into the sum series `key`."""
    found = series.get(key)
    if not isinstance(found, SumSeries):
        found = series[key] = SumSeries(retention_ms)
    found.retain(retention_ms)
    found.add_amount(now, amount, cap)


def read_count(series: SeriesByKey | None, key: int, now: int, over_ms: int, cap: int) -> int | None:
    """A count; None (unknown) without a series map, which is how late events are decided."""
    if series is None:
        return None
    found = series.get(key)
    return 0 if found is None else found.count(now, over_ms, cap)


def read_distinct(series: SeriesByKey | None, key: int, now: int, over_ms: int, cap: int) -> int | None:
    """A distinct count, as `read_count`."""
    if series is None:
        return None
    found = series.get(key)
    return found.distinct(now, over_ms, cap) if isinstance(found, DistinctSeries) else 0


def read_total(series: SeriesByKey | None, key: int, now: int, over_ms: int, cap: int) -> float | None:
    """A sum, as `read_count`; `cap` only bounds memory here."""
    if series is None:
        return None
    found = series.get(key)
    return found.total(now, over_ms) if isinstance(found, SumSeries) else 0.0
