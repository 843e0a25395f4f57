"""What a picture's bytes say: runs in a confined process, where one bad picture costs one picture."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import zxingcpp
from PIL import Image

from engine.enrich.pictures.decoding import begin, frames, opened
from engine.enrich.pictures.views import hashes_of

_HASHED_SIDE, _READ_SIDE = 512, 1_600
_MOST_CODES, _MOST_CHARS = 8, 2_000


def looks(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What looks at pictures. `given`: `max_pixels`, `max_frames`, and whether to read `codes`."""

    def look(data: bytes) -> Iterator[dict[str, Any]]:
        return _look(data, given["max_pixels"], given["max_frames"], given["codes"])

    begin(lambda data: list(look(data)))
    return look


def _look(data: bytes, max_pixels: int, max_frames: int, reads_codes: bool) -> Iterator[dict[str, Any]]:
    """What the picture says: first what each further frame adds, then the codes, which take the longest."""
    greys: list[Any] = []
    found: dict[str, Any] = {"hashes": {}, "turned": [], "codes": [], "has_more": False, "unread": []}
    with opened(data, max_pixels) as picture:
        found |= {"format": str(picture.format), "width": picture.width, "height": picture.height}
        picture.draft("RGB", (_READ_SIDE, _READ_SIDE))
        for frame in frames(picture, data, max_frames, max_pixels, found["unread"]):
            greys.append(_hashed(frame, found["hashes"], found["turned"]))
            yield found
    yield found
    if reads_codes:
        codes = dict.fromkeys(code.text[:_MOST_CHARS] for grey in greys for code in zxingcpp.read_barcodes(grey))
        yield {**found, "codes": list(codes)[:_MOST_CODES], "has_more": len(codes) > _MOST_CODES}


def _hashed(frame: Image.Image, hashes: dict[str, int], turned: list[list[str]]) -> Any:
    """Note the hashes of a frame. Returns what its codes are read of."""
    frame.thumbnail((_READ_SIDE, _READ_SIDE), Image.Resampling.BOX)
    grey = np.asarray(frame.convert("L"))
    frame.thumbnail((_HASHED_SIDE, _HASHED_SIDE), Image.Resampling.BOX)
    found = hashes_of(np.asarray(frame))
    hashes.update(found.upright)
    turned.append(found.turned)
    return grey
