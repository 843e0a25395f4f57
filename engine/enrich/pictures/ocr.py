"""The enricher `ocr`: the text that stands in pictures."""

from collections.abc import Mapping
from typing import Annotated, Any

from engine.enrich.enricher import Surroundings
from engine.enrich.pictures.options import PictureOptions, read_options
from engine.enrich.pictures.reader import PictureReader, need
from engine.limits import between

need("PIL", "rapidocr", "onnxruntime")

_SHARE = 0.7
"""So much of a turn goes by before no further line is read: what has been read by then counts."""


class OcrOptions(PictureOptions, frozen=True, forbid_unknown_fields=True):
    """`side`: larger pictures are scaled down to so many pixels; `least_confidence`: what is read with less is left
    out; `max_lines`: so many of a picture are read, the largest first; `max_chars`: so much text an event gets;
    `recognizer`: a file of another alphabet's model."""

    side: Annotated[int, between(128, 2_048)] = 736
    least_confidence: Annotated[float, between(0, 1)] = 0.5
    max_lines: Annotated[int, between(1, 500)] = 64
    max_chars: Annotated[int, between(10, 20_000)] = 4_000
    recognizer: str = ""
    max_frames: Annotated[int, between(1, 64)] = 2


class Ocr(PictureReader):
    """Reads the text in the pictures of events, in processes of its own."""

    target = "engine.enrich.pictures.lines:reads"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(dict(options), OcrOptions)
        super().__init__(self._options)

    def given(self, surroundings: Surroundings) -> Mapping[str, Any]:
        """Limits, and how long it may read in one picture."""
        own = self._options
        return {
            "max_pixels": own.max_pixels, "max_frames": own.max_frames, "side": own.side, "max_lines": own.max_lines,
            "max_chars": own.max_chars, "least_confidence": own.least_confidence, "recognizer": own.recognizer,
            "read_s": _SHARE * surroundings.turn_s,
        }  # fmt: skip

    def put_together(self, seen: list[dict[str, Any]]) -> dict[str, Any]:
        """The text of all pictures, line by line."""
        lines = list(dict.fromkeys(line for one in seen for line in one["lines"]))
        is_whole = all(one["is_whole"] for one in seen)
        text = "\n".join(lines)
        is_whole = is_whole and len(text) <= self._options.max_chars
        return {"text": text[: self._options.max_chars], "unread": [] if is_whole else ["too_much_text"]}
