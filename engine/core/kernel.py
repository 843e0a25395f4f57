"""What every event goes through: compiled where that has been built, else in Python.

`make compiled` builds `_kernel.pyx`; `PURE_PYTHON=1` in the environment leaves it out again.
"""

import os
import sys
from array import array
from collections.abc import Callable
from hashlib import blake2b
from importlib import import_module
from typing import Any

from engine.core.series import counts, distincts, packing, recent
from engine.core.series.packed import Packed
from engine.core.values import hashing, identity, min_hashes, paths, shapes
from engine.core.values.bounds import AtLeast


def compiled(name: str) -> Any:
    """A compiled module, or None where Python's functions are to serve."""
    if os.environ.get("PURE_PYTHON") or sys.byteorder == "big":  # they read numbers as they stand in memory
        return None
    try:
        return import_module(name)
    except ImportError:
        return None  # it has not been built: no compiler was at hand


_kernel = compiled("engine.core._kernel")
COMPILED = _kernel is not None

add_count: "Callable[[Packed[int], int, int, int, int], None]" = (_kernel or counts).add_count
read_count: "Callable[[Packed[int] | None, int, int, int], int | AtLeast | None]" = (_kernel or counts).read_count
read_counts: "Callable[[Packed[int] | None, int, array[int]], list[int | AtLeast | None]]" = (
    _kernel or counts
).read_counts
trim_counts: "Callable[[Packed[int], int], int]" = (_kernel or counts).trim_counts
add_distinct: "Callable[[Packed[int], int, int, int, int, int], None]" = (_kernel or distincts).add_distinct
read_distinct: "Callable[[Packed[int] | None, int, int, int], int | AtLeast | None]" = (
    _kernel or distincts
).read_distinct
read_count_at: "Callable[[Packed[int], int, list[int], int], list[int | AtLeast | None]]" = (
    _kernel or counts
).read_count_at
read_distinct_at: "Callable[[Packed[int], int, list[int], int], list[int | AtLeast | None]]" = (
    _kernel or distincts
).read_distinct_at
times_between: "Callable[[Packed[int], int, int], list[int]]" = (_kernel or counts).times_between
distinct_times_between: "Callable[[Packed[int], int, int], list[int]]" = (_kernel or distincts).distinct_times_between
first_time: "Callable[[Packed[int], int, int, int, int], int | None]" = (_kernel or distincts).first_time
count_lost_until: "Callable[[Packed[int], int], int | None]" = (_kernel or counts).count_lost_until
distinct_lost_until: "Callable[[Packed[int], int], int | None]" = (_kernel or distincts).distinct_lost_until
count_entries: "Callable[[Packed[int], int, int, int], int]" = (_kernel or counts).count_entries
distinct_entries: "Callable[[Packed[int], int, int, int], int]" = (_kernel or distincts).distinct_entries
trim_distincts: "Callable[[Packed[int], int], int]" = (_kernel or distincts).trim_distincts
hash64: "Callable[[str], int]" = (_kernel or hashing).hash64
hash_all: "Callable[[list[str]], array[int]]" = (_kernel or hashing).hash_all
hash_bytes: "Callable[[bytes], int]" = (_kernel or hashing).hash_bytes
smallest_hashes: "Callable[[bytes, array[int]], tuple[int, int]]" = (_kernel or min_hashes).smallest_hashes
identity_of: "Callable[[str, str, str], int]" = (_kernel or identity).identity_of
remember: "Callable[[array[int], int, int, int], int]" = (_kernel or recent).remember
plain_identity: "Callable[[dict[str, Any]], tuple[str, str, str, int] | None]" = (_kernel or identity).plain_identity
lookup: "Callable[[dict[str, Any], str], Any]" = (_kernel or paths).lookup
is_usual: "Callable[[dict[str, Any], shapes.Usual], bool]" = (_kernel or shapes).is_usual
pack_record: "Callable[..., bytes]" = (_kernel or packing).pack_record
unpack_record: "Callable[[bytes], tuple[Any, ...]]" = (_kernel or packing).unpack_record
pack_note: "Callable[[int, int, int, tuple[str, str, str, str]], bytes]" = (_kernel or packing).pack_note


def set_hash_key(secret: str) -> None:
    """Key all hashes of this process with a deployment's secret; none without one."""
    key = blake2b(secret.encode(), digest_size=32).digest() if secret else b""
    hashing.set_hash_key(key)
    if _kernel is not None:
        _kernel.set_hash_key(key)
