"""What a setting may be, said where it is declared: `partitions: Annotated[int, at_least(1)] = 8`."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_type_hints


class Limit(NamedTuple):
    """`says`: goes on the sentence that begins with the setting's name."""

    holds: Callable[[Any], bool]
    says: str


def at_least(least: int, why: str = "") -> Limit:
    """A number that is no smaller."""
    return Limit(lambda value: value >= least, f"is at least {least}{why}")


def between(least: int, most: int) -> Limit:
    """A number within two others, themselves included."""
    return Limit(lambda value: least <= value <= most, f"is {least} to {most}")


def matching(pattern: str, says: str) -> Limit:
    """A text that a pattern matches as a whole."""
    matches = re.compile(pattern).fullmatch
    return Limit(lambda value: matches(value) is not None, says)


def one_of(*values: str) -> Limit:
    """One of these texts."""
    *others, last = values
    return Limit(lambda value: value in values, f"is {', '.join(others)} or {last}")


SHARE = Limit(lambda value: 0 <= value <= 1, "is a share between 0 and 1")
PORT = Limit(lambda value: 0 < value < 65_536, "is a port number")


def check_limits(settings: object, group: str = "") -> None:
    """Raise ValueError, which names the setting, where one is not what it may be. `group`: what stands before names."""
    kind: Any = type(settings)
    for name, limit in _limits(kind):
        value = getattr(settings, name)
        if not limit.holds(value):
            raise ValueError(f"`{group}{name}` {limit.says}, not {value!r}")


@cache
def _limits(kind: Any) -> tuple[tuple[str, Limit], ...]:
    return tuple(_declared(kind))


def _declared(kind: type) -> Iterator[tuple[str, Limit]]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        yield from ((name, limit) for limit in getattr(hint, "__metadata__", ()) if isinstance(limit, Limit))
