"""Messages between a worker and its confined processes: a length, then MessagePack of plain values."""

import struct
from typing import Any, Protocol

import msgspec

MAX_BYTES = 64 << 20
HEAD = struct.Struct(">I")


class Readable(Protocol):
    """A binary file."""

    def read(self, size: int = -1, /) -> bytes | None: ...


def pack(value: Any) -> bytes:
    """A message."""
    data = msgspec.msgpack.encode(value)
    return HEAD.pack(len(data)) + data


def unpack(data: bytes) -> Any:
    """What a message says: plain values, whoever has written it. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(data)


def read(file: Readable) -> Any:
    """The next message of a file. Raises EOFError at its end."""
    (length,) = HEAD.unpack(_exactly(file, HEAD.size))
    return unpack(_exactly(file, length))


def _exactly(file: Readable, size: int) -> bytes:
    parts = []
    while size:
        part = file.read(size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
