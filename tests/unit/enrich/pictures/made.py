"""Pictures that tests make."""

import io
from base64 import b64encode
from typing import Any

import numpy as np

pillow = __import__("PIL.Image").Image


def picture(seed: int, width: int = 320, height: int = 240) -> Any:
    """A picture with coarse and fine shapes, of its own for each seed."""
    random = np.random.default_rng(seed)
    layers = [random.integers(0, 256, (side, side, 3), dtype=np.uint8) for side in (3, 6, 12)]
    scaled = [
        np.asarray(pillow.fromarray(layer).resize((width, height), pillow.Resampling.BICUBIC), np.float64)
        for layer in layers
    ]
    mixed = 0.5 * scaled[0] + 0.3 * scaled[1] + 0.2 * scaled[2]
    return pillow.fromarray(np.clip((mixed - 128) * 2 + 128, 0, 255).astype(np.uint8))


def encoded(image: Any, kind: str = "PNG", **options: Any) -> bytes:
    """A picture's file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def text_of(data: bytes) -> str:
    """As events have it."""
    return b64encode(data).decode()


def written(*lines: str, width: int = 480, size: int = 26, ink: str = "black", paper: str = "white") -> Any:
    """A picture with lines of text."""
    page = pillow.new("RGB", (width, 40 + 2 * size * len(lines)), paper)
    draw = __import__("PIL.ImageDraw").ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        draw.text((20, 20 + 2 * size * number), line, fill=ink, font_size=size)
    return page


def _field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer's message."""
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(len(value)) + value
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    head = bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
    return head + _varint(value >> 7) if value > 0x7F else head


def mean_model(*axes: int) -> bytes:
    """A model in ONNX's format: of a picture the mean over these axes, which leaves one number for each colour."""
    attributes = [
        _field(1, b"axes") + b"".join(_field(8, axis) for axis in axes) + _field(20, 7),
        _field(1, b"keepdims") + _field(3, 0) + _field(20, 2),
    ]
    node = _field(1, b"x") + _field(2, b"y") + _field(4, b"ReduceMean")
    node += b"".join(_field(5, attribute) for attribute in attributes)
    named = [_field(1, name) + _field(2, _field(1, _field(1, 1))) for name in (b"x", b"y")]
    graph = _field(1, node) + _field(2, b"means") + _field(11, named[0]) + _field(12, named[1])
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _field(2, 13))
