"""The enricher `pictures`: hashes that copies share, and what QR and bar codes say."""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Annotated, Any

import orjson

from engine.enrich.enricher import Surroundings
from engine.enrich.pictures.options import PictureOptions, read_options
from engine.enrich.pictures.previews import MOST_SIDE, within
from engine.enrich.pictures.reader import PictureReader, need
from engine.keys.images import MOST_HASHES
from engine.limits import between

need("PIL", "zxingcpp")

_MOST_CODE_BYTES = 16_384
"""So long may the codes of an event be together, as JSON."""


class LookOptions(PictureOptions, frozen=True, forbid_unknown_fields=True):
    """`codes`: whether QR and bar codes are read; `preview`: how many pixels wide or high small pictures for moderators
    are, 0 for none."""

    codes: bool = True
    preview: Annotated[int, between(0, MOST_SIDE)] = 0


class Pictures(PictureReader):
    """Looks at the pictures of events, in processes of its own."""

    target = "engine.enrich.pictures.looking:looks"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(dict(options), LookOptions)
        super().__init__(self._options)

    def given(self, surroundings: Surroundings) -> Mapping[str, Any]:
        """Limits, and whether to read codes."""
        own = self._options
        return {"max_pixels": own.max_pixels, "max_frames": own.max_frames, "codes": own.codes, "preview": own.preview}

    def put_together(self, seen: list[dict[str, Any]]) -> dict[str, Any]:
        """Hashes and codes of the pictures, each once, and what pictures they are. The first of each picture come
        before any second: the engine looks at the first ones, and no picture is to hide another."""
        hashes = _in_turns(one["hashes"] for one in seen)
        turned = _in_turns(_frames_in_turns(one["turned"] for one in seen))
        codes = _in_turns(one["codes"] for one in seen)
        kept = _short(codes)
        unread = ["too_many_hashes"] if len(hashes) > MOST_HASHES else []
        unread += ["too_many_codes"] if len(kept) < len(codes) or any(one["has_more"] for one in seen) else []
        previews = within([one["preview"] for one in seen if one["preview"] is not None])
        return {
            **({"previews": previews} if self._options.preview else {}),
            "images": [{name: one[name] for name in ("format", "width", "height")} for one in seen],
            "hashes": hashes, "turned": turned, "codes": kept, "unread": unread,
        }  # fmt: skip


def _frames_in_turns(of_pictures: Iterable[list[list[str]]]) -> list[list[str]]:
    return [frame for rank in zip_longest(*of_pictures) for frame in rank if frame is not None]


def _in_turns(several: Iterable[Iterable[str]]) -> list[str]:
    """The first of each, the second of each, and so on; what is the same once."""
    return list(dict.fromkeys(one for rank in zip_longest(*several) for one in rank if one is not None))


def _short(codes: list[str]) -> list[str]:
    """Of codes that say very much those that say the least: links are short, and an answer that is too long is none."""
    left, kept = _MOST_CODE_BYTES, set()
    for code in sorted(codes, key=len):
        left -= len(orjson.dumps(code))
        if left < 0:
            break
        kept.add(code)
    return [code for code in codes if code in kept]
