"""What a picture's bytes say: runs in a confined process, where one bad picture costs one picture.

Its header tells how large it becomes before anything is decoded.
"""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import zxingcpp
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.enrich.answers import Missing
from engine.enrich.pictures.pdq import LEAST_QUALITY, frequencies, hash_of

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_HASHED_SIDE, _READ_SIDE = 512, 1_600
_MOST_CODES, _MOST_CHARS = 8, 2_000


def looks(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What looks at pictures. `given`: `max_pixels`, `max_frames`, and whether to read `codes`."""
    Image.MAX_IMAGE_PIXELS = None  # we look ourselves
    warnings.simplefilter("ignore")

    def look(data: bytes) -> dict[str, Any]:
        return _look(data, given["max_pixels"], given["max_frames"], given["codes"])

    for kind in FORMATS:  # afterwards no module can be loaded any more
        sample = io.BytesIO()
        Image.new("RGB", (64, 64)).save(sample, kind)
        look(sample.getvalue())
    return look


def _look(data: bytes, max_pixels: int, max_frames: int, reads_codes: bool) -> dict[str, Any]:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > max_pixels:
                raise Missing("too_many_pixels")
            kind, size = str(picture.format), picture.size
            picture.draft("RGB", (_READ_SIDE, _READ_SIDE))
            hashes: dict[str, int] = {}
            codes: dict[str, None] = {}
            for frame in _frames(picture, max_frames):
                _note(frame, hashes, codes if reads_codes else None)
    except UnidentifiedImageError:
        raise Missing("no_picture") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, OverflowError):
        raise Missing("damaged_picture") from None  # what Pillow raises on damaged files has no common root
    return {"format": kind, "width": size[0], "height": size[1], "hashes": hashes, "codes": list(codes)[:_MOST_CODES]}


def _frames(picture: Image.Image, most: int) -> Iterator[Image.Image]:
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


def _note(frame: Image.Image, hashes: dict[str, int], codes: dict[str, None] | None) -> None:
    frame.thumbnail((_READ_SIDE, _READ_SIDE), Image.Resampling.BOX)
    if codes is not None:
        for code in zxingcpp.read_barcodes(np.asarray(frame.convert("L"))):
            codes.setdefault(code.text[:_MOST_CHARS])
    frame.thumbnail((_HASHED_SIDE, _HASHED_SIDE), Image.Resampling.BOX)
    found, quality = frequencies(np.asarray(frame))
    if quality >= LEAST_QUALITY:
        hashes.setdefault(hash_of(found).hex(), quality)
