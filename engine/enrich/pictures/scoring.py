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
from engine.enrich.pictures.embedding import Reduction, pooled, with_output

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
        self._asked = [output.name for output in self._session.get_outputs()[:1]]
        self._reduction: Reduction | None = None
        if given["embedding"] is not None:
            self._ask_for(given["embedding"], data, options)
        self._input = self._session.get_inputs()[0].name
        self._mean, self._scale = (np.array(given[name], np.float32) for name in ("mean", "scale"))

    def _ask_for(self, embedding: Mapping[str, Any], data: bytes, options: Any) -> None:
        """Have a tensor given out, too."""
        tensor = embedding["tensor"]
        if tensor not in [output.name for output in self._session.get_outputs()]:
            try:
                wider = with_output(data, tensor)
                self._session = onnxruntime.InferenceSession(wider, options, providers=list(self._given["providers"]))
            except Exception as error:  # onnxruntime has many of its own
                raise ValueError(f"the model has no tensor {tensor} of numbers: {error}") from error
        self._asked.append(tensor)
        self._reduction = Reduction(embedding["dimensions"], f"{self._given['sha256']} {tensor}")

    def score(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The score of each label, the highest in any frame so far, and what stands out in them."""
        resize, max_pixels = tuple(self._given["resize"]), self._given["max_pixels"]
        found: _Array | None = None
        looks: list[dict[str, float]] = []
        unread: list[str] = []
        with opened(data, max_pixels) as picture:
            picture.draft("RGB", (2 * resize[0], 2 * resize[1]))
            for frame in frames(picture, data, self._given["max_frames"], max_pixels, unread):
                first, *others = self._session.run(self._asked, {self._input: self._input_of(frame)})
                outputs = self._shares(np.asarray(first, np.float32).ravel())
                seen = [self._reduction.reduced(one) for one in others if self._reduction is not None]
                if not all(np.isfinite(one).all() for one in (outputs, *seen)):
                    raise Missing("no_score")
                found = outputs if found is None else np.maximum(found, outputs)
                looks += [{str(n): round(float(one), _DIGITS) for n, one in enumerate(each)} for each in seen]
                yield self._told(found, looks, unread)
        if found is None:
            raise Missing("damaged_picture")
        yield self._told(found, looks, unread)

    def _told(self, found: _Array, looks: list[dict[str, float]], unread: list[str]) -> dict[str, Any]:
        labelled = zip(self._given["labels"], found, strict=True)
        score = {label: round(float(one), _DIGITS) for label, one in labelled if label}
        return {"score": score, "embedding": pooled(looks), "unread": unread}

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

    def _shares(self, outputs: _Array) -> _Array:
        if not self._given["labels"]:
            return outputs[:0]
        if len(outputs) != len(self._given["labels"]):
            raise RuntimeError(f"the model has {len(outputs)} outputs, not as many as there are labels")
        if self._given["apply"] == "softmax":
            powers = np.exp(outputs - outputs.max())
            outputs = powers / powers.sum()
        elif self._given["apply"] == "sigmoid":
            outputs = 1 / (1 + np.exp(-outputs))
        return outputs
