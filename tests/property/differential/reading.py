"""What an event says: when it counts, what stands where, at which entity, and what can be read of it."""

from typing import Any

from tests.property.differential.description import UNITS_BYTES, UNITS_MS, Book, Counter, Memory, names_within

TOLERANCE_MS = 120_000
TEXTS = ("ip", "device_id", "target_id", "text")
CLASSES: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "number": (int, float), "text": (str,), "list": (list,), "duration": (int, float),
    "size": (int, float), "time": (int, float, str),
}  # fmt: skip
Fields = dict[str, Any]
Values = dict[str, Any]
"""By name, what is computed of an event: None where it cannot be."""

ALWAYS_THERE = ("event_id", "type", "user_id", "ts", "clock_skew", "invalid_fields", "conflicting_ids")


def claimed_time(fields: Fields, arrived_ms: int) -> int:
    """When an event counts: at its own time if that is near its arrival."""
    claimed = fields.get("ts")
    if type(claimed) is not int:
        fields["clock_skew"] = None
        return arrived_ms
    fields["clock_skew"] = claimed - arrived_ms
    return claimed if abs(claimed - arrived_ms) <= TOLERANCE_MS else arrived_ms


def write_ids(fields: Fields) -> None:
    """Ids that are integers become texts."""
    for name in ("device_id", "target_id"):
        if type(fields.get(name)) is int:
            fields[name] = str(fields[name])


def invalid_fields(book: Book, fields: Fields) -> list[str]:
    """The fields that cannot be what they should be."""
    found = [name for name in TEXTS if fields.get(name) is not None and not isinstance(fields[name], str)]
    if isinstance(fields.get("ip"), str) and "," in fields["ip"]:
        found.append("ip")
    if type(fields.get("ts")) is not int:
        found.append("ts")
    for name, one in book.fields.items():
        value, wanted = at(fields, one.path), CLASSES[one.type]
        if value is None and "." in one.path:
            value, wanted = fields.get(one.path.split(".")[0]), (dict,)
        if value is not None and type(value) not in wanted:
            found.append(name)
    return found


def target_of(book: Book, fields: Fields, target: str) -> str | None:
    """Whom or what an action is about; None where the event does not name it."""
    value = fields[f"{target}_id"] if target in ("user", "event") else raw(book, fields, target)
    return value if isinstance(value, str) and value else None


def look_up(book: Book, fields: Fields, arrived_ms: int) -> None:
    """Give an event what tables know; what its sender has put there goes."""
    for name in [one for one in fields if one.split(".")[0] in book.tables]:
        del fields[name]
    for name, table in book.tables.items():
        key = _told_apart(raw(book, fields, table.key))
        document = table.row(key, arrived_ms) if key else {}
        fields |= {f"{name}.{column}": at(document, one.path) for column, one in table.columns.items()}


def at(fields: Fields, path: str) -> Any:
    """What an event has at a dotted path, or under the path as a name."""
    value: Any = fields
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if value is not None else fields.get(path)


def raw(book: Book, fields: Fields, name: str) -> Any:
    """What stands in an event under a name of the rulebook, whatever its type."""
    declared = book.declared(name)
    return at(fields, declared.path if declared is not None else name.removeprefix("event."))


def _told_apart(value: Any) -> str | None:
    """By what values are told apart; None for what can be no entity and no value."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))  # 123.0 is 123
    return repr(value) if isinstance(value, int | float) else None


def key_of(
    counter: Counter | Memory, book: Book, fields: Fields, values: Values, names: tuple[str, ...] | None = None
) -> tuple[str, ...] | None:
    """The entity at which an event counts, or that these fields name; None when they name none, or one that is left
    out."""
    parts = counter.by if names is None else names
    found = [_told_apart(values[part] if part in values else raw(book, fields, part)) for part in parts]
    key = tuple(one for one in found if one)
    left_out = book.lists[counter.excluded] if counter.excluded is not None else ()
    return key if len(key) == len(found) and not set(key) & set(left_out) else None


def subjects(counter: Counter, book: Book, fields: Fields, values: Values) -> list[tuple[Any, bool]]:
    """What a counter takes of an event, and whether that can be read. Nothing at all is no doubt. Of a list, each of
    its items."""
    if counter.field is None:
        return [(None, True)]
    computed = counter.field in values
    value = values[counter.field] if computed else raw(book, fields, counter.field)
    if value is None and computed and _is_anything_there(book, fields, counter.field):
        return [(None, False)]
    if value is None or (value == "" and counter.kind == "distinct"):
        return [(None, True)]
    if counter.kind == "distinct":
        declared = book.declared(counter.field)
        is_list = declared is not None and declared.type == "list"
        if is_list or (counter.field.startswith("event.") and isinstance(value, list)):
            items = value if isinstance(value, list) else [{}]
            told = [_told_apart(item) for item in items if item not in ("", None)]
            return [(one, one is not None) for one in told] or [(None, True)]
        one = _told_apart(value)
        return [(one, one is not None)]  # (c)
    if type(value) not in (int, float) or abs(value) >= 1e15:
        return [(None, False)]  # (b)
    return [(float(value) * (1 if computed else factor(book, counter.field)), True)]


def _is_anything_there(book: Book, fields: Fields, value: str) -> bool:
    """Whether an event has any of the fields that a value is computed of, whatever is in them."""
    names = names_within(book.computed[value])
    return any(
        _is_anything_there(book, fields, name) if name in book.computed else raw(book, fields, name) is not None
        for name in names
        if name not in ALWAYS_THERE
    )


def factor(book: Book, name: str) -> int:
    declared = book.declared(name)
    return {**UNITS_MS, **UNITS_BYTES}[declared.unit] if declared is not None and declared.unit is not None else 1
