"""How a path of the event is read."""

from engine.core.values.identity import CLOCK_SKEW, CONFLICTING_IDS, INVALID_FIELDS

_NUMBER = ("int", "float")
_TYPES = {
    "bool": ("bool",), "number": _NUMBER, "text": ("str",), "list": ("list",), "duration": _NUMBER, "size": _NUMBER,
    "time": _NUMBER, "text or list": ("str", "list"),
}  # fmt: skip
_COMPUTED = {CLOCK_SKEW: "0", INVALID_FIELDS: "[]", CONFLICTING_IDS: "False"}
"""What an event has of the engine's findings where there is nothing to find."""


def fetch(path: str) -> str:
    """Source text that reads a path of the event."""
    if path in _COMPUTED:
        return f"f.get({path!r}, {_COMPUTED[path]})"
    return f"lookup(f, {path!r})" if "." in path else f"f.get({path!r})"


def guarded(source: str, value_type: str) -> str:
    """Source text of a JSON value, None (unknown) where it is of another type. Written out: a call costs more."""
    if value_type not in _TYPES:
        return source
    fits = " or ".join(f"type(x) is {name}" for name in _TYPES[value_type]).replace(
        "type(x)", f"type(x := {source})", 1
    )
    return f"(x if {fits} else None)"
