"""Where a field stands in a message: at a dotted path. `_kernel.pyx` has the same function for a compiler; where that
has not been built, this one serves."""

from functools import lru_cache
from typing import Any


def lookup(document: dict[str, Any], path: str) -> Any:
    """The value at a dotted path, or None. A key that contains the dots itself is looked at where there is nothing at
    the path: it may be the sender's."""
    if "." not in path:  # the usual case
        return document.get(path)
    value: Any = document
    for part in parts_of(path):
        if type(value) is not dict:
            value = None
            break
        value = value.get(part)
    return value if value is not None else document.get(path)


@lru_cache(4_096)
def parts_of(path: str) -> tuple[str, ...]:
    """The parts of a path. Paths are a rulebook's or the settings'."""
    return tuple(path.split("."))
