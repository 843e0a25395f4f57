"""What a picture's bytes say: runs in a confined process, where one bad picture costs one picture."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import zxingcpp
from PIL import Image

from engine.enrich.pictures.decoding import begin, frames, opened
from engine.enrich.pictures.pdq import LEAST_QUALITY, frequencies, hash_of

_HASHED_SIDE, _READ_SIDE = 512, 1_600
_MOST_CODES, _MOST_CHARS = 8, 2_000


def looks(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What looks at pictures. `given`: `max_pixels`, `max_frames`, and whether to read `codes`."""

    def look(data: bytes) -> dict[str, Any]:
        return _look(data, given["max_pixels"], given["max_frames"], given["codes"])

    begin(look)
    return look


def _look(data: bytes, max_pixels: int, max_frames: int, reads_codes: bool) -> dict[str, Any]:
    hashes: dict[str, int] = {}
    codes: dict[str, None] = {}
    with opened(data, max_pixels) as picture:
        kind, size = str(picture.format), picture.size
        picture.draft("RGB", (_READ_SIDE, _READ_SIDE))
        for frame in frames(picture, max_frames):
            _note(frame, hashes, codes if reads_codes else None)
    return {"format": kind, "width": size[0], "height": size[1], "hashes": hashes, "codes": list(codes)[:_MOST_CODES]}


def _note(frame: Image.Image, hashes: dict[str, int], codes: dict[str, None] | None) -> None:
    frame.thumbnail((_READ_SIDE, _READ_SIDE), Image.Resampling.BOX)
    if codes is not None:
        for code in zxingcpp.read_barcodes(np.asarray(frame.convert("L"))):
            codes.setdefault(code.text[:_MOST_CHARS])
    frame.thumbnail((_HASHED_SIDE, _HASHED_SIDE), Image.Resampling.BOX)
    found, quality = frequencies(np.asarray(frame))
    if quality >= LEAST_QUALITY:
        hashes.setdefault(hash_of(found).hex(), quality)
