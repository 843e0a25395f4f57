"""Lines of text in a picture: runs in a confined process.

Where text stands is found first, then it is read line by line, the largest first, for as long as there is time. So
nobody keeps a picture from being read by filling it with text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
import rapidocr
from PIL import Image, ImageDraw
from rapidocr.ch_ppocr_rec import TextRecInput

from engine.enrich.pictures.decoding import begin, frames, opened

_MOST_RATIO = 40
"""A line that is longer than so many times its height is squeezed: it would take time and memory."""

_LEAST_SIDE = 32

_SURE = 0.9
"""A line that is read with less is read mirrored too."""


def reads(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What reads pictures. `given`: see `ocr.py`."""
    cv2.setNumThreads(1)
    reader = _Reader(given)
    begin(lambda data: list(reader.read(data)))
    return reader.read


class _Reader:
    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._engine = rapidocr.RapidOCR(params=_parameters(given["side"], given["recognizer"]))
        sample = Image.new("RGB", (320, 96), "white")
        ImageDraw.Draw(sample).text((8, 24), "Sample 12", fill="black", font_size=40)
        if not self._engine(np.asarray(sample)).txts:  # it loads its models as it needs them
            raise RuntimeError("the models for text do not read a sample")

    def read(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The lines of a picture, and whether these are all that it has: after each line, those so far."""
        until, lines, is_whole = monotonic() + self._given["read_s"], dict[str, None](), True
        max_pixels, unread = self._given["max_pixels"], list[str]()
        with opened(data, max_pixels) as picture:
            side = self._given["side"]
            picture.draft("RGB", (side, side))
            for number, frame in enumerate(frames(picture, data, self._given["max_frames"], max_pixels, unread)):
                if number and monotonic() > until:
                    is_whole = False
                    break
                frame.thumbnail((side, side), Image.Resampling.LANCZOS)
                found, is_all = list[str](), True
                pixels = np.ascontiguousarray(np.asarray(frame)[:, :, ::-1])
                for found, is_all in self._lines(pixels, until):  # noqa: B007  # the last one counts
                    yield self._told(lines | dict.fromkeys(found), is_whole=False, unread=unread)
                lines |= dict.fromkeys(found)
                is_whole = is_whole and is_all
        yield self._told(lines, is_whole, unread)

    def _told(self, lines: Mapping[str, None], is_whole: bool, unread: list[str]) -> dict[str, Any]:
        kept = _within(lines, self._given["max_chars"])
        return {"lines": kept, "is_whole": is_whole and len(kept) == len(lines), "unread": unread}

    def _lines(self, pixels: Any, until: float) -> Iterator[tuple[list[str], bool]]:
        """After each line those that have been read, in the order in which a reader finds them, and whether these are
        all."""
        pixels = _padded(pixels)
        boxes = self._engine.text_det(pixels).boxes
        if boxes is None:
            return
        by_size = sorted(range(len(boxes)), key=lambda place: -cv2.contourArea(boxes[place].astype(np.float32)))
        found: dict[int, str] = {}
        for count, place in enumerate(by_size):
            if count == self._given["max_lines"] or (count and monotonic() > until):
                return
            for text, confidence in self._read_line(pixels, boxes[place]):
                if text.strip() and confidence >= self._given["least_confidence"]:
                    found[place] = text.strip()
            yield [found[one] for one in sorted(found)], count + 1 == len(boxes)

    def _read_line(self, pixels: Any, box: Any) -> Iterator[tuple[str, float]]:
        (crop,) = self._engine.crop_text_regions(pixels, box[np.newaxis])
        if not crop.size:
            return
        height, width = crop.shape[:2]
        if width > _MOST_RATIO * height:
            crop = cv2.resize(crop, (_MOST_RATIO * height, height))
        read = self._read_crop(crop)
        if max((confidence for _, confidence in read), default=0.0) < _SURE:
            read = max(read, self._read_crop(cv2.flip(crop, 1)), key=lambda lines: max([0.0, *(c for _, c in lines)]))
        yield from read

    def _read_crop(self, crop: Any) -> list[tuple[str, float]]:
        upright = self._engine.text_cls([crop]).img_list
        read = self._engine.text_rec(TextRecInput(img=upright, return_word_box=False))
        return list(zip(read.txts or (), map(float, read.scores or ()), strict=True))


def _within(lines: Iterable[str], max_chars: int) -> list[str]:
    """The first of them, up to so many characters and one line more."""
    kept, size = [], 0
    for line in lines:
        if size > max_chars:
            break
        kept.append(line)
        size += len(line)
    return kept


def _padded(pixels: Any) -> Any:
    """A small picture, with white around it: no side is shorter than what the models scan at a time."""
    height, width = pixels.shape[:2]
    down, across = max(0, _LEAST_SIDE - height), max(0, _LEAST_SIDE - width)
    if not down and not across:
        return pixels
    return cv2.copyMakeBorder(pixels, 0, down, 0, across, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _parameters(side: int, recognizer: str) -> dict[str, Any]:
    """The models that come with the package, and no others: nothing is downloaded."""
    models = Path(rapidocr.__file__).parent / "models"
    paths = {part: next(iter(sorted(models.glob(f"*_{part}_*.onnx")))) for part in ("det", "rec", "cls")}
    return {
        "Global.log_level": "critical", "Det.model_path": str(paths["det"]), "Cls.model_path": str(paths["cls"]),
        "Rec.model_path": recognizer or str(paths["rec"]), "Det.limit_type": "max", "Det.limit_side_len": side,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }  # fmt: skip
