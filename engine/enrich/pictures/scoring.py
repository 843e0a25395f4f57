"""What a model says of a picture: runs in a confined process."""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

from engine.enrich.answers import Missing
from engine.enrich.pictures.decoding import begin, frames, opened

_DIGITS = 4
_SEVERE = 3
_Array = np.ndarray[Any, np.dtype[Any]]


def scores(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What scores pictures. `given`: see `onnx.py`."""
    model = _Model(given)
    begin(lambda data: list(model.score(data)))
    return model.score


class _Model:
    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        data = Path(given["path"]).read_bytes()
        if sha256(data).hexdigest() != given["sha256"]:
            raise ValueError(f"{given['path']} has the SHA-256 {sha256(data).hexdigest()}, not the one declared")
        absent = sorted({*given["providers"]}.difference(onnxruntime.get_available_providers()))
        if absent:
            raise ValueError(f"onnxruntime has no {absent[0]} here, only {onnxruntime.get_available_providers()}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _SEVERE
        self._session = onnxruntime.InferenceSession(data, options, providers=list(given["providers"]))
        self._input = self._session.get_inputs()[0].name
        self._mean, self._scale = (np.array(given[name], np.float32) for name in ("mean", "scale"))

    def score(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The score of each label: the highest in any frame so far."""
        resize, max_pixels = tuple(self._given["resize"]), self._given["max_pixels"]
        found: _Array | None = None
        unread: list[str] = []
        with opened(data, max_pixels) as picture:
            picture.draft("RGB", (2 * resize[0], 2 * resize[1]))
            for frame in frames(picture, data, self._given["max_frames"], max_pixels, unread):
                outputs = self._outputs(self._input_of(frame))
                if not np.isfinite(outputs).all():
                    raise Missing("no_score")
                found = outputs if found is None else np.maximum(found, outputs)
                yield self._told(found, unread)
        if found is None:
            raise Missing("damaged_picture")
        yield self._told(found, unread)

    def _told(self, found: _Array, unread: list[str]) -> dict[str, Any]:
        labelled = zip(self._given["labels"], found, strict=True)
        return {"score": {label: round(float(one), _DIGITS) for label, one in labelled if label}, "unread": unread}

    def _input_of(self, frame: Image.Image) -> _Array:
        (across, down), (width, height) = self._given["resize"], self._given["size"]
        small = np.asarray(frame.resize((across, down), Image.Resampling.BILINEAR), np.float32)
        left, top = (across - width) // 2, (down - height) // 2
        pixels = small[top : top + height, left : left + width]
        if self._given["colours"] == "bgr":
            pixels = pixels[:, :, ::-1]
        pixels = (pixels - self._mean) * self._scale
        if self._given["layout"] == "nchw":
            pixels = pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels[np.newaxis])

    def _outputs(self, pixels: _Array) -> _Array:
        outputs: _Array = np.asarray(self._session.run(None, {self._input: pixels})[0], np.float32).ravel()
        if len(outputs) != len(self._given["labels"]):
            raise RuntimeError(f"the model has {len(outputs)} outputs, not as many as there are labels")
        if self._given["apply"] == "softmax":
            powers = np.exp(outputs - outputs.max())
            outputs = powers / powers.sum()
        elif self._given["apply"] == "sigmoid":
            outputs = 1 / (1 + np.exp(-outputs))
        return outputs
