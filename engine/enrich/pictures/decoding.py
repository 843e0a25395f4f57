"""A picture's bytes as pixels, in a confined process.

Its header tells how large it becomes before anything is decoded.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from engine.enrich.answers import Missing

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_SAMPLE_SIDE = 64
_DAMAGES = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, OverflowError)
"""What Pillow raises on damaged files: they have no common root."""


@contextmanager
def opened(data: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """A picture. What is wrong with it, while it is opened or read, is raised as Missing."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > max_pixels:
                raise Missing("too_many_pixels")
            yield picture
    except UnidentifiedImageError:
        raise Missing("no_picture") from None
    except _DAMAGES:
        raise Missing("damaged_picture") from None


def frames(picture: Image.Image, most: int, max_pixels: int, unread: list[str]) -> Iterator[Image.Image]:
    """Its first frames, upright and on white. What is wrong with one behind the first is told in `unread`: the first is
    what people see of such a file."""
    for number in range(most):
        try:
            picture.seek(number)
        except EOFError:
            return
        except (*_DAMAGES, MemoryError):
            unread.append("damaged_picture")
            return
        if picture.width * picture.height > max_pixels:  # a GIF grows with its frames
            unread.append("too_many_pixels")
            return
        try:
            flat = _flat(picture)
        except (*_DAMAGES, MemoryError):
            if not number:
                raise
            unread.append("damaged_picture")
            return
        yield flat


def _flat(picture: Image.Image) -> Image.Image:
    with_alpha = ImageOps.exif_transpose(picture).convert("RGBA")
    flat = Image.new("RGB", with_alpha.size, "white")
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return flat


def begin(look: Callable[[bytes], Any]) -> None:
    """Look at a picture of each format: afterwards no module can be loaded any more."""
    Image.MAX_IMAGE_PIXELS = None  # we look ourselves
    warnings.simplefilter("ignore")
    for kind in FORMATS:
        sample = io.BytesIO()
        Image.new("RGB", (_SAMPLE_SIDE, _SAMPLE_SIDE)).save(sample, kind)
        look(sample.getvalue())
