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
