"""A picture's bytes as pixels, in a confined process.

Its header tells how large it becomes before anything is decoded.
"""

import io
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappush, heapreplace
from operator import itemgetter
from typing import Any

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from engine.enrich.answers import Missing
from engine.enrich.pictures.webp import mended

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_SAMPLE_SIDE, _HELD_SIDE = 64, 2_048
_SHORTEST_MS, _INSTEAD_MS = 10, 100.0
"""Browsers show for a tenth of a second what says that it is shown for less than these."""
_DAMAGES = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, OverflowError)
"""What Pillow raises on damaged files: they have no common root."""

_MOSTLY, _LIGHT = 0.7, 200
"""A picture is on black of which less is there, and that is lighter, of 255."""

_LEAST_PIXELS = 50_000
"""A frame takes some time, however small it is."""

_lots = random.Random()


@contextmanager
def opened(data: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """A picture. What is wrong with it, while it is opened or read, is raised as Missing."""
    try:
        with Image.open(io.BytesIO(mended(data)), formats=FORMATS) as picture:
            if picture.width * picture.height > max_pixels:
                raise Missing("too_many_pixels")
            yield picture
    except UnidentifiedImageError:
        raise Missing("no_picture") from None
    except _DAMAGES:
        raise Missing("damaged_picture") from None


def frames(picture: Image.Image, data: bytes, most: int, max_pixels: int, unread: list[str]) -> Iterator[Image.Image]:
    """The first frame of a picture of such bytes, and up to `most` - 1 others, upright and on white, or on black
    where white would hide them. Of a file that has been cut short there is what people see of it, and of one that is
    wrong behind the first frame, that one. `unread` is told what is wrong."""
    if mended(data) is not data:
        unread.append("damaged_picture")
    try:
        first = _flat(picture)
    except _DAMAGES:
        unread[:] = ["damaged_picture"]
        yield _cut_short(data)
        return
    yield first
    yield from _others(picture, most - 1, max_pixels, unread)


def _others(picture: Image.Image, most: int, max_pixels: int, unread: list[str]) -> Iterator[Image.Image]:
    """Frames behind the first, drawn by lot, those that are shown longer the more easily: whoever makes a picture would
    know any other choice, and show what matters between. Those are looked through that have `max_pixels` together."""
    drawn: list[tuple[float, int, Image.Image]] = []
    left = max_pixels if most else 0
    for number in range(1, left + 1):
        try:
            picture.seek(number)
            pixels = picture.width * picture.height
            if pixels > max_pixels:  # a GIF grows with its frames
                unread.append("too_many_pixels")
                break
            left -= max(pixels, _LEAST_PIXELS)
            if left < 0:
                unread.append("too_many_frames")
                break
            picture.load()  # WebP's tells how long it is shown
            lot = _lots.random() ** (1 / _shown_ms(picture))
            if len(drawn) < most:
                heappush(drawn, (lot, number, _held(picture)))
            elif lot > drawn[0][0]:
                heapreplace(drawn, (lot, number, _held(picture)))
        except EOFError:
            break
        except (*_DAMAGES, MemoryError):
            unread.append("damaged_picture")
            break
    for _, _, frame in sorted(drawn, key=itemgetter(1)):
        yield frame


def _shown_ms(picture: Image.Image) -> float:
    """How long browsers show a frame."""
    told = picture.info.get("duration")
    return float(told) if isinstance(told, int | float) and told > _SHORTEST_MS else _INSTEAD_MS


def _held(picture: Image.Image) -> Image.Image:
    """A frame of which several are held at a time."""
    flat = _flat(picture)
    flat.thumbnail((_HELD_SIDE, _HELD_SIDE), Image.Resampling.BOX)
    return flat


def _cut_short(data: bytes) -> Image.Image:
    """The first frame of a file that is not whole, as browsers show it: what is missing is left out."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            return _flat(picture)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _flat(picture: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):  # 16 bits, of which Pillow would keep what is nearly black
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    with_alpha = upright.convert("RGBA")
    flat = Image.new("RGB", with_alpha.size, _page_of(with_alpha))
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return flat


def _page_of(picture: Image.Image) -> str:
    """What a picture with transparent parts stands on: light ink on much that is transparent is seen on dark pages."""
    small = np.asarray(picture.resize((_SAMPLE_SIDE, _SAMPLE_SIDE), Image.Resampling.BOX), np.float64)
    alpha = small[:, :, 3] / 255
    light = (small[:, :, :3].mean(axis=2) * alpha).sum() / max(alpha.sum(), 1e-9)
    return "black" if alpha.mean() < _MOSTLY and light > _LIGHT else "white"


def begin(look: Callable[[bytes], Any]) -> None:
    """Look at a picture of each format: afterwards no module can be loaded any more."""
    Image.MAX_IMAGE_PIXELS = None  # we look ourselves
    warnings.simplefilter("ignore")
    for kind in FORMATS:
        sample = io.BytesIO()
        Image.new("RGB", (_SAMPLE_SIDE, _SAMPLE_SIDE)).save(sample, kind)
        look(sample.getvalue())
