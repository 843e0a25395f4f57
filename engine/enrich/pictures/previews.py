"""Small pictures of pictures, for those who judge them: pixels and nothing else, so that whoever shows one decodes
nothing that a stranger has written (`console/web/previews.py`)."""

from base64 import b64encode
from typing import Any
from zlib import compress

from PIL import Image

MOST_SIDE = 64
"""Their pixels have 12 kB then, which noise fills."""

_MOST_BYTES = 24_000
"""So long may those of one event be together: what an enricher adds is bounded."""


def preview_of(frame: Image.Image, side: int) -> dict[str, Any]:
    """A frame so small that neither side is longer."""
    small = frame.copy()
    small.thumbnail((side, side), Image.Resampling.BOX)
    return {"width": small.width, "height": small.height, "rgb": b64encode(compress(small.tobytes())).decode()}


def within(previews: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of them, as far as there is room."""
    kept, left = [], _MOST_BYTES
    for preview in previews:
        left -= len(preview["rgb"])
        if left < 0:
            break
        kept.append(preview)
    return kept
