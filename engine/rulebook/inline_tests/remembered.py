"""What entities remember before a test's first event: `state: {last_country: DE, device_age: 10d}`."""

from typing import Any

from engine.core.domain.rules import Memory
from engine.core.domain.units import duration_ms, duration_text, size_bytes
from engine.core.series.remembered import Registers, memorize

_TYPES: dict[str, tuple[type, ...]] = {"text": (str,), "bool": (bool,), "number": (int, float)}
_UNITS = {"duration": duration_ms, "size": size_bytes}


def wrong_about(memory: Memory, value: Any) -> str | None:
    """Why a test cannot begin with a value as remembered; None when it can."""
    read = _read(memory, value)
    if read is None:
        return f"`{memory.name}` is a {memory.type}, not {value!r}"
    if memory.kind.startswith("age") and not 0 < read <= memory.keep_ms:
        return f"`{memory.name}` remembers {duration_text(memory.keep_ms)}, not {value}"
    return None


def have_remembered(registers: Registers, memory: Memory, value: Any, now: int) -> None:
    """Enter an event before `now` that makes the answer this one."""
    read = _read(memory, value)
    if memory.kind == "new":
        if read is False:
            memorize(registers, memory.key, memory.register, now - 1, True, memory.keep_ms)
    elif memory.field is None:
        memorize(registers, memory.key, memory.register, now - int(read), True, memory.keep_ms)
    else:
        memorize(registers, memory.key, memory.register, now - 1, read, memory.keep_ms)


def _read(memory: Memory, value: Any) -> Any:
    if memory.type in _UNITS:
        return _UNITS[memory.type](value) if type(value) is str else None
    return value if type(value) in _TYPES[memory.type] else None
