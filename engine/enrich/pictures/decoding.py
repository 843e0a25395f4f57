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
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, OverflowError):
        raise Missing("damaged_picture") from None  # what Pillow raises on damaged files has no common root


def frames(picture: Image.Image, most: int) -> Iterator[Image.Image]:
    """Its first frames, upright and on white."""
    for number in range(most):
        try:
            picture.seek(number)
        except EOFError:
            return
        upright = ImageOps.exif_transpose(picture)
        with_alpha = upright.convert("RGBA")
        flat = Image.new("RGB", with_alpha.size, "white")
        flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
        yield flat


def begin(look: Callable[[bytes], Any]) -> None:
    """Look at a picture of each format: afterwards no module can be loaded any more."""
    Image.MAX_IMAGE_PIXELS = None  # we look ourselves
    warnings.simplefilter("ignore")
    for kind in FORMATS:
        sample = io.BytesIO()
        Image.new("RGB", (_SAMPLE_SIDE, _SAMPLE_SIDE)).save(sample, kind)
        look(sample.getvalue())
