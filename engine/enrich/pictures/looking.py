"""What a picture's bytes say: runs in a confined process, where one bad picture costs one picture."""

from collections.abc import Callable, Iterator, Mapping
from math import cos, pi, sin
from random import Random
from typing import Any

import numpy as np
import zxingcpp
from PIL import Image, ImageFilter

from engine.enrich.pictures.decoding import begin, frames, opened
from engine.enrich.pictures.previews import preview_of
from engine.enrich.pictures.views import hashes_of

_HASHED_SIDE, _READ_SIDE = 512, 1_600
_MOST_CODES, _MOST_CHARS = 8, 2_000
_GAIN, _MIDDLE = 4, 128
_WEIGHTS = (0.299, 0.587, 0.114), (0.5, -0.419, -0.081), (-0.169, -0.331, 0.5)
"""Of red, green and blue: how bright, how red, how blue a colour is (YCbCr)."""

_lots = Random()


def looks(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What looks at pictures. `given`: `max_pixels`, `max_frames`, whether to read `codes`, and how large
    a `preview` is, 0 for none."""

    def look(data: bytes) -> Iterator[dict[str, Any]]:
        return _look(data, given)

    begin(lambda data: list(look(data)))
    return look


def _look(data: bytes, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the picture says: first what each further frame adds, then the codes, which take the longest."""
    max_pixels, side = given["max_pixels"], given["preview"]
    seen: list[Image.Image] = []
    found: dict[str, Any] = {"hashes": {}, "turned": [], "codes": [], "has_more": False, "unread": [], "preview": None}
    with opened(data, max_pixels) as picture:
        found |= {"format": str(picture.format), "width": picture.width, "height": picture.height}
        picture.draft("RGB", (_READ_SIDE, _READ_SIDE))
        for frame in frames(picture, data, given["max_frames"], max_pixels, found["unread"]):
            if side and found["preview"] is None:
                found["preview"] = preview_of(frame, side)
            seen.append(_hashed(frame, found["hashes"], found["turned"]))
            yield found
    yield found
    if given["codes"]:
        codes = dict.fromkeys(code.text[:_MOST_CHARS] for frame in seen for code in _codes_in(frame))
        yield {**found, "codes": list(codes)[:_MOST_CODES], "has_more": len(codes) > _MOST_CODES}


def _hashed(frame: Image.Image, hashes: dict[str, int], turned: list[list[str]]) -> Image.Image:
    """Note the hashes of a frame. Returns what its codes are read of."""
    frame.thumbnail((_READ_SIDE, _READ_SIDE), Image.Resampling.BOX)
    read = frame.copy()
    frame.thumbnail((_HASHED_SIDE, _HASHED_SIDE), Image.Resampling.BOX)
    found = hashes_of(np.asarray(frame))
    hashes.update(found.upright)
    turned.append(found.turned)
    return read


def _codes_in(frame: Image.Image) -> list[Any]:
    """The codes of a frame as it is, and with what hardly differs brought out."""
    return [*zxingcpp.read_barcodes(np.asarray(frame.convert("L"))), *zxingcpp.read_barcodes(_brought_out(frame))]


def _brought_out(frame: Image.Image) -> Any:
    """How each place differs from what is around it. How much colours count beside brightness is drawn by lot: whoever
    knew it could choose two that look alike then. Dots that do not touch become one."""
    way = _lots.uniform(0, 2 * pi)
    weights = [light + cos(way) * red + sin(way) * blue for light, red, blue in zip(*_WEIGHTS, strict=True)]
    grey = frame.convert("L", (*(weight / 2 for weight in weights), _MIDDLE / 2)).filter(ImageFilter.GaussianBlur(1.5))
    around = grey.filter(ImageFilter.BoxBlur(max(frame.size) // 16))
    return np.clip((np.asarray(grey, np.int16) - np.asarray(around)) * _GAIN + _MIDDLE, 0, 255).astype(np.uint8)
