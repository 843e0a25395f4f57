"""Stable hashes: the same on every machine and in every process, unlike Python's `hash`."""

from hashlib import blake2b
from zlib import crc32


def hash64(text: str) -> int:
    """64 bits of BLAKE2b. For values that an adversary chooses: collisions cannot be crafted cheaply.
    `_kernel.pyx` has it for a compiler."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def hash32(text: str) -> int:
    """CRC-32. For names that we choose ourselves (rules, series) and for sampling."""
    return crc32(text.encode())


def digest(*parts: str) -> str:
    """A 128-bit hex identifier of a sequence of strings; the boundaries count."""
    return blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()
