"""A register of an entity's record as bytes, little endian:

u8 kind | u16 n_runs | u16 n_possible | i64 keep_ms | i64 floor
(n_runs + n_possible) x (i64 first | i64 last | u8 tag | its value: nothing, i64, f64, or u16 length and UTF-8)
"""

import struct

from engine.core.series.remembered import MAX_RUNS, Known, Register, Run

_HEAD = struct.Struct("<BHHqq")
_RUN = struct.Struct("<qqB")
_LENGTH = struct.Struct("<H")
_UNKNOWN, _FALSE, _TRUE, _INTEGER, _FLOAT, _TEXT = range(6)
_PLAIN: dict[int, bool | None] = {_UNKNOWN: None, _FALSE: False, _TRUE: True}
_NUMBERS = {_INTEGER: struct.Struct("<q"), _FLOAT: struct.Struct("<d")}
_SURROGATES = "surrogatepass"
"""A text from JSON may have halves of pairs."""


def dump_register(register: Register) -> bytes:
    """As bytes; `load_register` reads them."""
    runs, possible = register.runs, register.possible
    parts = [_HEAD.pack(register.kind, len(runs), len(possible), register.keep_ms, register.floor)]
    for run in (*runs, *possible):
        tag, value = _dump_value(run.value)
        parts += (_RUN.pack(run.first, run.last, tag), value)
    return b"".join(parts)


def load_register(data: bytes, at: int) -> tuple[Register, int]:
    """What `dump_register` wrote, from a place on, and where it ends. Raises ValueError or struct.error."""
    kind, n_runs, n_possible, keep_ms, floor = _HEAD.unpack_from(data, at)
    if kind not in MAX_RUNS:
        raise ValueError(f"there is no register of kind {kind}")
    register = Register(kind, keep_ms)
    register.floor = floor
    at += _HEAD.size
    for runs, many in ((register.runs, n_runs), (register.possible, n_possible)):
        for _ in range(many):
            first, last, tag = _RUN.unpack_from(data, at)
            value, at = _load_value(data, at + _RUN.size, tag)
            runs.append(Run(first, last, value))
    return register, at


def _dump_value(value: Known | None) -> tuple[int, bytes]:
    if isinstance(value, str):
        encoded = value.encode("utf-8", _SURROGATES)
        return _TEXT, _LENGTH.pack(len(encoded)) + encoded
    if type(value) is int or type(value) is float:
        tag = _INTEGER if type(value) is int else _FLOAT
        return tag, _NUMBERS[tag].pack(value)
    return (_UNKNOWN if value is None else _TRUE if value else _FALSE), b""


def _load_value(data: bytes, at: int, tag: int) -> tuple[Known | None, int]:
    if tag in _PLAIN:
        return _PLAIN[tag], at
    if tag in _NUMBERS:
        (number,) = _NUMBERS[tag].unpack_from(data, at)
        return number, at + _NUMBERS[tag].size
    if tag != _TEXT:
        raise ValueError(f"there is no value of kind {tag}")
    (length,) = _LENGTH.unpack_from(data, at)
    at += _LENGTH.size
    if at + length > len(data):
        raise ValueError("it ends too early")
    return data[at : at + length].decode("utf-8", _SURROGATES), at + length
