"""Functions of texts and times, written plainly for the reference: nothing here is the engine's."""

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby
from typing import Any

MOST_MATCHES = 250
_ZONES = {"UTC": 0, "Asia/Kolkata": 330, "America/Bogota": -300}
"""Zones without summer time, and how many minutes they are ahead."""


def function(name: str, values: list[Any]) -> Any:
    """What a function of a text or a time gives; None where it knows no answer."""
    first, *rest = values
    match name:
        case "number":
            return float(first) if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?", first) else None
        case "len":
            return len(first)
        case "lower":
            return first.lower()
        case "repeats":
            return max([len(list(run)) for _, run in groupby(first)], default=0)
        case "similarity":
            return 1 - _edits(first[:64], rest[0][:64]) / max(len(first[:64]), len(rest[0][:64]), 1)
        case "mailbox":
            return _mailbox(first)
        case "hour" | "weekday" | "date":
            zone = rest[0] if rest else "UTC"
            if zone not in _ZONES:
                return None
            there = timezone(timedelta(minutes=_ZONES[zone]))
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=first)
            local = moment.astimezone(there)
            return {"hour": local.hour, "weekday": local.weekday() + 1, "date": local.strftime("%Y-%m-%d")}[name]
    raise AssertionError(f"no function: {name}")


def search(name: str, text: str, patterns: list[str]) -> float | str:
    """How many matches, which share of the characters, or what is found first."""
    if name == "extract":
        found = re.search(patterns[0], text)
        return (found[min(1, len(found.groups()))] or "") if found else ""
    if name == "count":
        return len(re.findall(patterns[0], text))
    if len(patterns) > 1:
        text = "".join(character for character in text if re.fullmatch(patterns[1], character))
    return sum(1 for character in text if re.fullmatch(patterns[0], character)) / len(text) if text else 0.0


def test(name: str, text: str, part: str) -> bool:
    """Whether a text begins or ends with another one."""
    return text[: len(part)] == part if name == "starts_with" else text[len(text) - len(part) :] == part


def stands_alone(entry: str, text: str) -> bool:
    """Whether an entry stands in a text of letters, digits and blanks with nothing beside it that goes on."""
    return f" {entry} " in f" {text} "


def moment(value: Any) -> float | None:
    """A time as epoch milliseconds: a number, or a date in UTC."""
    if not isinstance(value, str):
        return value if type(value) in (int, float) else None
    written = f"{value}T00:00:00" if len(value) == 10 else value.removesuffix("Z")
    try:
        day = datetime.strptime(f"{written}+0000", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
    return (day - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)


def _mailbox(address: str) -> str:
    """Of the addresses that random streams have."""
    name, sign, host = address.lower().rpartition("@")
    if not sign or not name or not host:
        return ""
    name = name.split("+")[0]
    if host in ("gmail.com", "googlemail.com"):
        return name.replace(".", "") + "@gmail.com"
    return f"{name}@{host}"


def _edits(left: str, right: str) -> int:
    """How many letters to add, drop or replace, by trying all ways."""
    ways = {(0, 0): 0}
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            if (i, j) != (0, 0):
                ways[i, j] = min(
                    ways.get((i - 1, j), 999) + 1,
                    ways.get((i, j - 1), 999) + 1,
                    ways.get((i - 1, j - 1), 999) + (left[i - 1 : i] != right[j - 1 : j]),
                )
    return ways[len(left), len(right)]
