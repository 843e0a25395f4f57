"""Durations and sizes as people write them: 90s, 10m, 7d; 512KB, 10MB."""

import re
from datetime import UTC, datetime

from engine.core.domain.decisions import Quantity
from engine.core.values.bounds import AtLeast

DURATION_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
SIZE_BYTES = {"B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_UNITS = {"duration": DURATION_MS, "size": SIZE_BYTES}

_FIRST_MS = round(datetime(1, 1, 1, tzinfo=UTC).timestamp() * 1_000)
_LAST_MS = round(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp() * 1_000)

LITERAL = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([A-Za-z]+)")


def duration_ms(text: str) -> int | None:
    """`10m` as 600000; None when it is not a duration."""
    return _amount(text, DURATION_MS)


def size_bytes(text: str) -> int | None:
    """`10KB` as 10000; None when it is not a size."""
    return _amount(text, SIZE_BYTES)


def duration_text(milliseconds: float | AtLeast | None) -> Quantity | None:
    """600000 as `10m`: the largest unit that leaves no long fraction."""
    return _text(milliseconds, DURATION_MS)


def size_text(size: float | AtLeast | None) -> Quantity | None:
    """10000 as `10KB`."""
    return _text(size, SIZE_BYTES)


def number_text(number: float, unit: str = "") -> str:
    """A number for people: `200d` of a duration, `10KB` of a size, else 17,280,000,000 rather than 1.728e+10."""
    if unit in _UNITS:
        return str(_text(number, _UNITS[unit]))
    return f"{number:,.0f}" if 1e4 <= abs(number) < 1e15 else f"{number:g}"


def time_text(ts_ms: int) -> str:
    """Epoch milliseconds in UTC, as `2026-03-02 07:00:01`. What is outside the years 1 to 9999 is their end."""
    return datetime.fromtimestamp(max(_FIRST_MS, min(_LAST_MS, ts_ms)) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment_text(ts_ms: float | None) -> str | None:
    """Epoch milliseconds as `2026-03-02T07:00:01.250Z`; outside the years 1 to 9999 as a number."""
    if ts_ms is None or not _FIRST_MS <= ts_ms <= _LAST_MS:
        return None if ts_ms is None else f"{ts_ms:.0f}"
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_ms(text: str) -> int | None:
    """The same read again."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return None


def _text(amount: float | AtLeast | None, units: dict[str, int]) -> Quantity | None:
    if amount is None:
        return None
    if isinstance(amount, AtLeast):
        return Quantity(f"at least {_text(amount.least, units)}")
    unit = next((name for name, factor in reversed(units.items()) if abs(amount) >= factor and name != "w"), None)
    unit = unit or next(iter(units))
    return Quantity(f"{amount / units[unit]:.4g}{unit}")


def _amount(text: str, units: dict[str, int]) -> int | None:
    match = LITERAL.fullmatch(text)
    if match is None or match.group(2) not in units:
        return None
    return round(float(match.group(1)) * units[match.group(2)])
