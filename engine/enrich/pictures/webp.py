"""WebP files whose end is missing, mended: browsers show them as far as they go, and libwebp's decoder of whole files,
which is Pillow's, shows nothing at all.

A file is chunks with their lengths before them. The one that was cut off gets zeros for what is missing. Both codings
take zeros for pixels like those before, so the rows that are there are as they were, and nothing is made up below them.
Of a file that moves, a frame that is not whole goes, unless it is the first.
"""

from collections.abc import Iterator

_FILE, _CHUNK, _FRAME = 12, 8, 16
"""Bytes before the first chunk, before what a chunk holds, and before what a frame holds."""
_CODED = (b"VP8 ", b"VP8L")
_MOVING = b"ANMF"
_MOST_CHUNKS = 4_096
_MOST_ZEROS = 1 << 20
"""The length that a file tells may be any: so many are enough for what is left of a picture, nearly always."""


def mended(data: bytes) -> bytes:
    """The same bytes where nothing is missing; else a file that is whole, with what is there of the picture."""
    is_cut = data[:4] == b"RIFF" and data[8:_FILE] == b"WEBP" and _number(data, 4) + _CHUNK > len(data)
    if not is_cut:
        return data
    inside = b"WEBP" + b"".join(_whole(data, _FILE, (*_CODED, _MOVING)))
    return b"RIFF" + len(inside).to_bytes(4, "little") + inside


def _whole(data: bytes, at: int, pictures: tuple[bytes, ...]) -> Iterator[bytes]:
    """The chunks from here on, the last of them filled up where it is one of these: no frame is in a frame."""
    has_picture = False
    for _ in range(_MOST_CHUNKS):
        name, length = data[at : at + 4], _number(data, at + 4)
        held = data[at + _CHUNK : at + _CHUNK + length]
        missing = length - len(held)
        if missing and (has_picture or name not in pictures):
            return
        if missing and name == _MOVING:
            held = held[:_FRAME] + b"".join(_whole(held, _FRAME, _CODED))
        elif missing:
            held += bytes(min(missing, _MOST_ZEROS))
        if name:
            yield name + len(held).to_bytes(4, "little") + held + bytes(len(held) % 2)
        has_picture |= name in pictures
        at += _CHUNK + length + length % 2
        if at >= len(data):
            return


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
