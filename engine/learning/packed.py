"""Keys, numbers and lists as MessagePack can hold them, and back, with every bound checked before anything is made.

numbers    ["q" or "d", the numbers as little-endian int64 or float64]
keys       [types, lengths, texts]: UTF-8, one after the other; `lengths`, uint32, in bytes; `types`, a byte for
           each key: 0 text, 1 whole number, 2 truth, 3 number, 4 None, 8 + n: n texts; empty when all are texts
"""

from collections.abc import Collection, Iterable
from itertools import accumulate, pairwise
from math import inf
from typing import Any

import numpy as np

MAX_BYTES = 64_000_000
MAX_ENTRIES = 2_000_000
"""Values and keys in all: they take some hundred bytes each in memory."""
MAX_NESTING = 40

_TEXT, _WHOLE, _TRUTH, _REAL, _SEVERAL = 0, 1, 2, 3, 8
_MAX_DIGITS = 30
_HEADS = {
    0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0),
    0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2),
}  # fmt: skip
"""Bytes, texts, lists and maps: how many bytes tell their size, and how many values go with each of it."""


class Room:
    """How many entries may still be made."""

    def __init__(self, entries: int) -> None:
        self._left = entries

    def take(self, entries: int) -> None:
        """So many are made. Raises ValueError when they are too many."""
        self._left -= entries
        if self._left < 0:
            raise ValueError("it has too many entries")


def keys_out(keys: Iterable[Any]) -> list[bytes]:
    """Keys, as the head of this module tells. Raises ValueError for another kind of key."""
    types, texts = bytearray(), list[str]()
    for key in keys:
        if type(key) is tuple and 0 < len(key) < 256 - _SEVERAL and all(type(part) is str for part in key):
            types.append(_SEVERAL + len(key))
            texts += key
            continue
        known = (str, int, bool, float, type(None))
        if type(key) not in known:
            raise ValueError(f"{key!r:.50} is no name of a feature")
        types.append(known.index(type(key)))
        texts.append(key if type(key) is str else repr(key))
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.fromiter(map(len, encoded), "<u4", len(encoded))
    return [bytes(types) if any(types) else b"", lengths.tobytes(), b"".join(encoded)]


def keys_in(data: Any, room: Room) -> list[Any]:
    """What `keys_out` gave. Raises ValueError."""
    types, lengths, joined = items_of(data, 3)
    if type(types) is not bytes or type(joined) is not bytes:
        raise ValueError("its keys are not bytes")
    ends = ends_of(lengths)
    room.take(len(ends) + len(types))
    if ends[-1] != len(joined):
        raise ValueError("its keys are not as long as they should be")
    texts = [joined[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(ends)]
    if not types:
        return texts
    each, keys = iter(texts), list[Any]()
    for kind in types:
        if kind > _SEVERAL:
            keys.append(tuple(next(each, "") for _ in range(kind - _SEVERAL)))
        else:
            keys.append(_key(kind, next(each, "")))
    if next(each, None) is not None or keys_out(keys)[:2] != [types, lengths]:
        raise ValueError("its keys are not written as they should be")
    return keys


def _key(kind: int, text: str) -> Any:
    if kind == _TEXT:
        return text
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number has too many digits")
    value: Any = {"True": True, "False": False, "None": None}.get(text)
    if kind == _WHOLE:
        value = int(text)
    elif kind == _REAL:
        value = float(text)
    if repr(value) != text or type(value) is not {_WHOLE: int, _TRUTH: bool, _REAL: float}.get(kind, type(None)):
        raise ValueError(f"{text!r} is no key of its kind")
    return value


def numbers_out(values: Collection[Any], least: float = -inf) -> list[Any]:
    """Numbers, as the head of this module tells. Raises ValueError for anything else."""
    kinds = set(map(type, values))
    if not all(issubclass(kind, int | float | np.floating | np.integer) for kind in kinds):
        raise ValueError("it has texts where numbers belong")
    code = "q" if all(issubclass(kind, int | np.integer) for kind in kinds) else "d"
    data = [code, np.array(values, f"<{code}").tobytes()]
    numbers_in(data, Room(len(values)), least)
    return data


def numbers_in(data: Any, room: Room, least: float = -inf) -> list[Any]:
    """What `numbers_out` gave. Raises ValueError, also for numbers that are not finite, or too small."""
    code, packed = items_of(data, 2)
    if code not in ("q", "d"):
        raise ValueError("its numbers are of no known kind")
    numbers = array_of(packed, f"<{code}")
    room.take(len(numbers))
    if not (np.isfinite(numbers).all() and (numbers >= least).all()):
        raise ValueError("it has numbers that no learner has")
    items: list[Any] = numbers.tolist()
    return items


def measure(data: bytes) -> None:
    """Look at the outline of MessagePack, before anything is made of it. Raises ValueError when it is too long, has
    too many values, is nested too deeply, or is not MessagePack."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data)} bytes, the limit is {MAX_BYTES}")
    at, entries, missing = 0, 0, [1]
    while missing:
        if not missing[-1]:
            missing.pop()
            continue
        missing[-1] -= 1
        entries += 1
        if entries > MAX_ENTRIES or at >= len(data) or len(missing) > MAX_NESTING:
            raise ValueError("it is cut off, has too many entries, or is nested too deeply")
        at, inside = _after(data, at)
        if inside:
            missing.append(inside)
    if at != len(data):
        raise ValueError("it does not end where it should")


def _after(data: bytes, at: int) -> tuple[int, int]:
    """Where the next value begins behind this one's head and bytes, and how many values are inside of it."""
    tag, at = data[at], at + 1
    if tag <= 0x7F or tag >= 0xE0 or tag in (0xC0, 0xC2, 0xC3):
        return at, 0
    if tag < 0xC0:
        size = tag & 0x1F if tag >= 0xA0 else tag & 0x0F
        return (at + size, 0) if tag >= 0xA0 else (at, size if tag >= 0x90 else 2 * size)
    if 0xCA <= tag <= 0xD3:
        return at + (4, 8, 1, 2, 4, 8, 1, 2, 4, 8)[tag - 0xCA], 0
    if tag not in _HEADS:
        raise ValueError("it has values of an unknown kind")
    width, factor = _HEADS[tag]
    size = int.from_bytes(data[at : at + width], "big")
    return (at + width, factor * size) if factor else (at + width + size, 0)


def distinct(keys: list[Any]) -> list[Any]:
    if len(set(keys)) != len(keys):
        raise ValueError("it has a key twice")
    return keys


def items_of(data: Any, count: int) -> list[Any]:
    if type(data) is not list or len(data) != count:
        raise ValueError(f"it has no list of {count}")
    return data


def array_of(data: Any, code: str) -> Any:
    if type(data) is not bytes:
        raise ValueError("its numbers are not bytes")
    return np.frombuffer(data, code)


def ends_of(sizes: Any) -> list[int]:
    """Where each of these, one after the other, ends; 0 comes first."""
    return list(accumulate(array_of(sizes, "<u4").tolist(), initial=0))
