"""The start of an entity's record as bytes: what every record has. `records.py` says what stands where."""

import struct
import sys
from array import array
from typing import Any

from engine.core.series import counts, distincts
from engine.core.series.packed import is_sound

HEADER = struct.Struct("<BBqqqIIHII")
NOTE = struct.Struct("<IIQHHHH")
_BIG_ENDIAN = sys.byteorder == "big"


def pack_record(
    version: int,
    more: int,
    offset: int,
    hops: int,
    base_ms: int,
    newest: int,
    expires_s: int,
    counted: "array[int]",
    distinct: "array[int]",
    recent: "array[int]",
) -> bytes:
    """Header, counts, distincts and recent events."""
    lengths = len(recent), len(counted), len(distinct)
    header = HEADER.pack(version, more, offset, hops, base_ms, newest, expires_s, *lengths)
    return header + to_bytes(counted) + to_bytes(distinct) + to_bytes(recent)


def unpack_record(
    data: bytes,
) -> "tuple[int, int, int, int, int, int, array[int], array[int], array[int], int]":
    """(version, more, offset, hops, base_ms, newest, counts, distincts, recent, end) of the start of a record. Raises
    ValueError."""
    if len(data) < HEADER.size:
        raise ValueError("it ends too early")
    version, more, offset, hops, base_ms, newest, _, *lengths = HEADER.unpack_from(data)
    n_recent, n_counts, n_distincts = lengths
    counted, at = from_bytes("I", data, HEADER.size, n_counts)
    distinct, at = from_bytes("Q", data, at, n_distincts)
    recent, at = from_bytes("Q", data, at, n_recent)
    if not is_sound(counted, counts.LAYOUT) or not is_sound(distinct, distincts.LAYOUT):
        raise ValueError("its series do not fill their room")
    return version, more, offset, hops, base_ms, newest, counted, distinct, recent, at


def pack_note(time: int, user_partition: int, content: int, texts: "tuple[str, str, str, str]") -> bytes:
    """A note of who came before a threshold, as `contributors.py` has it. Raises struct.error."""
    encoded = [text.encode() for text in texts]
    return b"".join([NOTE.pack(time, user_partition, content, *map(len, encoded)), *encoded])


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
