"""Stable hashes: the same on every machine and in every process of a deployment, unlike Python's `hash`."""

from array import array
from hashlib import blake2b
from zlib import crc32

_key = b""


def set_hash_key(key: bytes) -> None:
    """Key `hash64` and `hash_bytes` from now on, for the whole process; at most 64 bytes, none for no key. Called once,
    where a process is put together, before anything is hashed: with another key, stored hashes mean nothing."""
    global _key  # noqa: PLW0603  # one key for a process, as hashes meet in its state
    _key = key


def hash_bytes(data: bytes) -> int:
    """64 bits of keyed BLAKE2b. For what an adversary chooses: without the key nobody can tell what a value hashes to,
    so none can be chosen by its hash. `_kernel.pyx` has it for a compiler."""
    return int.from_bytes(blake2b(data, digest_size=8, key=_key).digest(), "little")


def hash64(text: str) -> int:
    """The same of a text."""
    return hash_bytes(text.encode())


def hash_all(texts: list[str]) -> "array[int]":
    """The same of several texts."""
    return array("Q", map(hash64, texts))


def hash32(text: str) -> int:
    """CRC-32. For names that we choose ourselves: rules, series."""
    return crc32(text.encode())


def digest(*parts: str) -> str:
    """A 128-bit hex identifier of a sequence of strings; the boundaries count. Not keyed: others may compute it."""
    framed = "".join([f"{len(part)}:{part}" for part in parts])
    return blake2b(framed.encode(), digest_size=16).hexdigest()
