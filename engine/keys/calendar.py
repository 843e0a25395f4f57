"""Times as people write them, and the day, the hour and the day of the week at which something happens there."""

import re
from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

MAX_MS = 4_102_444_800_000
"""The year 2100: what lies outside of 1970 and this is no time of an event."""

_WRITTEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def time_ms(text: str) -> int | None:
    """Epoch milliseconds of `2026-10-01T09:30:00Z`, or of `2026-10-01`, when it begins; in UTC where no offset is
    written. None where it is no such time."""
    if not _WRITTEN.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def date(ts_ms: float, zone: str = "UTC") -> str | None:
    """The day, as `2026-10-01`. None where there is no such zone or time."""
    moment = _local(ts_ms, zone)
    return moment.date().isoformat() if moment is not None else None


def hour(ts_ms: float, zone: str = "UTC") -> int | None:
    """From 0 to 23. None where there is no such zone or time."""
    moment = _local(ts_ms, zone)
    return moment.hour if moment is not None else None


def weekday(ts_ms: float, zone: str = "UTC") -> int | None:
    """From 1, a Monday, to 7. None where there is no such zone or time."""
    moment = _local(ts_ms, zone)
    return moment.isoweekday() if moment is not None else None


def zone_names() -> frozenset[str]:
    """The zones that there are: `Europe/Berlin`, `UTC`."""
    return _names()


def _local(ts_ms: float, zone: str) -> datetime | None:
    if not 0 <= ts_ms < MAX_MS:
        return None
    place = _place(zone) if zone == "UTC" or zone in _names() else None
    return datetime.fromtimestamp(ts_ms / 1000, place) if place is not None else None


@cache
def _names() -> frozenset[str]:
    return frozenset({"UTC", *available_timezones()})


@cache
def _place(zone: str) -> tzinfo:
    return UTC if zone == "UTC" else ZoneInfo(zone)
