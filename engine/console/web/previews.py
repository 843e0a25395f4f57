"""Small pictures for pages: PNG files that are made here, of pixels. Whatever stands in an event, a browser gets a file
that nobody else has written."""

import struct
import zlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, NamedTuple

MOST, MOST_SIDE = 4, 64
_SHOWN_SIDE = 240
_RGB = 2


class Preview(NamedTuple):
    """`source`: what an `img` shows; `width`, `height`: how large."""

    source: str
    width: int
    height: int


def previews_of(media: Mapping[str, Any]) -> list[Preview]:
    """The small pictures of an event, without what is none."""
    found = media.get("previews")
    made = (_preview(one) for one in found[:MOST]) if isinstance(found, list) else ()
    return [one for one in made if one is not None]


def _preview(found: Any) -> Preview | None:
    if not isinstance(found, dict):
        return None
    width, height, packed = (found.get(name) for name in ("width", "height", "rgb"))
    if type(width) is not int or type(height) is not int or not isinstance(packed, str):
        return None
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        return None
    size = 3 * width * height
    try:
        pixels = zlib.decompressobj().decompress(b64decode(packed, validate=True), size + 1)
    except (Base64Error, ValueError, zlib.error):
        return None
    if len(pixels) != size:
        return None
    larger = _SHOWN_SIDE / max(width, height)
    source = f"data:image/png;base64,{b64encode(_png(width, height, pixels)).decode()}"
    return Preview(source, round(width * larger), round(height * larger))


def _png(width: int, height: int, pixels: bytes) -> bytes:
    rows = b"".join(b"\0" + pixels[start : start + 3 * width] for start in range(0, len(pixels), 3 * width))
    head = struct.pack(">IIBBBBB", width, height, 8, _RGB, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
