"""The start of an entity's record as bytes: what every record has. `records.py` says what stands where."""

import struct
import sys
from array import array
from typing import Any

HEADER = struct.Struct("<BBqqqIIHII")
_BIG_ENDIAN = sys.byteorder == "big"


def pack_record(
    version: int,
    more: int,
    offset: int,
    hops: int,
    base_ms: int,
    newest: int,
    expires_s: int,
    counts: "array[int]",
    distincts: "array[int]",
    recent: "array[int]",
) -> bytes:
    """Header, counts, distincts and recent events."""
    lengths = len(recent), len(counts), len(distincts)
    header = HEADER.pack(version, more, offset, hops, base_ms, newest, expires_s, *lengths)
    return header + to_bytes(counts) + to_bytes(distincts) + to_bytes(recent)


def to_bytes(values: "array[Any]") -> bytes:
    """Little endian."""
    return (_swapped(values) if _BIG_ENDIAN else values).tobytes()


def from_bytes(code: str, data: bytes, at: int, length: int) -> "tuple[array[Any], int]":
    """So many values from a place on, and where they end. Raises ValueError when there are not so many."""
    values: array[Any] = array(code)
    end = at + length * values.itemsize
    if end > len(data):
        raise ValueError("it ends too early")
    values.frombytes(data[at:end])
    return (_swapped(values) if _BIG_ENDIAN else values), end


def _swapped(values: "array[Any]") -> "array[Any]":
    swapped = values[:]
    swapped.byteswap()
    return swapped
