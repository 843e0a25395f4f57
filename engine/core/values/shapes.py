"""Whether an event looks as most do: of which types what it says is. `_kernel.pyx` has the same function for a
compiler; where that has not been built, this one serves."""

from typing import Any, NamedTuple


class Usual(NamedTuple):
    """Of which types what stands under a name is in most events. `inner`: the same of what is in objects."""

    types: dict[str, frozenset[type]]
    inner: "dict[str, Usual]"


def is_usual(fields: dict[str, Any], usual: Usual) -> bool:
    """Whether all that has a usual type is of one. What nobody has declared may be anything."""
    types = usual.types
    for name, value in fields.items():
        if name in types and type(value) not in types[name]:
            inner = usual.inner.get(name)
            if inner is None or type(value) is not dict or not is_usual(value, inner):
                return False
    return True
