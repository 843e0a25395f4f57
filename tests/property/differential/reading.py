"""What an event says: when it counts, what stands where, at which entity, and what can be read of it."""

from typing import Any

from tests.property.differential.description import UNITS_BYTES, UNITS_MS, Book, Counter, Memory

TOLERANCE_MS = 120_000
TEXTS = ("ip", "device_id", "target_id", "text")
CLASSES: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "number": (int, float), "text": (str,), "list": (list,), "duration": (int, float),
    "size": (int, float),
}  # fmt: skip
Fields = dict[str, Any]


def claimed_time(fields: Fields, arrived_ms: int) -> int:
    """When an event counts: at its own time if that is near its arrival."""
    claimed = fields.get("ts")
    if type(claimed) is not int:
        fields["clock_skew"] = None
        return arrived_ms
    fields["clock_skew"] = claimed - arrived_ms
    return claimed if abs(claimed - arrived_ms) <= TOLERANCE_MS else arrived_ms


def invalid_fields(book: Book, fields: Fields) -> list[str]:
    """The fields that cannot be what they should be."""
    found = [name for name in TEXTS if fields.get(name) is not None and not isinstance(fields[name], str)]
    if type(fields.get("ts")) is not int:
        found.append("ts")
    for name, one in book.fields.items():
        value, wanted = at(fields, one.path), CLASSES[one.type]
        if value is None and "." in one.path:
            value, wanted = fields.get(one.path.split(".")[0]), (dict,)
        if value is not None and type(value) not in wanted:
            found.append(name)
    return found


def at(fields: Fields, path: str) -> Any:
    """What an event has at a dotted path, or under the path as a name."""
    value: Any = fields
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if value is not None else fields.get(path)


def raw(book: Book, fields: Fields, name: str) -> Any:
    """What stands in an event under a name of the rulebook, whatever its type."""
    declared = book.fields.get(name)
    return at(fields, declared.path if declared is not None else name.removeprefix("event."))


def _told_apart(value: Any) -> str | None:
    """By what values are told apart; None for what can be no entity and no value."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))  # 123.0 is 123
    return repr(value) if isinstance(value, int | float) else None


def key_of(counter: Counter | Memory, book: Book, fields: Fields) -> tuple[str, ...] | None:
    """The entity at which an event counts; None when it names none, or one that is left out."""
    found = [_told_apart(raw(book, fields, part)) for part in counter.by]
    key = tuple(one for one in found if one)
    left_out = book.lists[counter.excluded] if counter.excluded is not None else ()
    return key if len(key) == len(found) and not set(key) & set(left_out) else None


def subject(counter: Counter, book: Book, fields: Fields) -> tuple[Any, bool]:
    """What a counter takes of an event, and whether that can be read. Nothing at all is no doubt."""
    if counter.field is None:
        return None, True
    value = raw(book, fields, counter.field)
    if value is None or (value == "" and counter.kind == "distinct"):
        return None, True
    if counter.kind == "distinct":
        told = _told_apart(value)
        return told, told is not None  # (c)
    if type(value) not in (int, float) or abs(value) >= 1e15:
        return None, False  # (b)
    return float(value) * factor(book, counter.field), True


def factor(book: Book, name: str) -> int:
    unit = book.fields[name].unit if name in book.fields else None
    return {**UNITS_MS, **UNITS_BYTES}[unit] if unit is not None else 1
