"""The enricher `onnx`: what a model of one's own says of pictures."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import msgspec

from engine.enrich.enricher import Surroundings
from engine.enrich.pictures.embedding import pooled
from engine.enrich.pictures.options import PictureOptions, read_options
from engine.enrich.pictures.reader import PictureReader, need
from engine.limits import between, check_limits, matching, one_of

need("PIL", "onnxruntime")

_PACKAGE = "package:"


class EmbeddingOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`tensor`: what a model gives out, or has within; `name`: what it is called in events; `dimensions`: so many
    numbers are made of it."""

    tensor: str
    name: Annotated[str, matching(r"[a-z_][a-z0-9_]*", "is small letters, digits and _")] = "look"
    dimensions: Annotated[int, between(2, 256)] = 32

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "embedding.")


class OnnxOptions(PictureOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`model`: its file, or `package:NAME/FILE` in a package; `sha256`: of that file; `labels`: what its outputs mean,
    in their order, empty where one is left out. Pictures become what it was trained on: scaled to `resize`, cut to
    `size` around the middle (width and height), `colours` in the order `layout`, less `mean`, times `scale`. `apply`:
    what makes shares of its outputs, where these are none; `embedding`: what events get beside the labels, or in their
    place."""

    model: str
    sha256: Annotated[str, matching(r"[0-9a-f]{64}", "is 64 hexadecimal digits in small letters")]
    labels: tuple[str, ...] = ()
    embedding: EmbeddingOptions | None = None
    size: tuple[int, int]
    resize: tuple[int, int] | None = None
    colours: Annotated[str, one_of("rgb", "bgr")] = "rgb"
    layout: Annotated[str, one_of("nchw", "nhwc")] = "nchw"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    apply: Annotated[str, one_of("none", "softmax", "sigmoid")] = "none"
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    max_frames: Annotated[int, between(1, 64)] = 2

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        super().__post_init__()
        check_limits(self)
        sides = (*self.size, *(self.resize or self.size))
        if not all(1 <= side <= 4_096 for side in sides) or sides[2] < sides[0] or sides[3] < sides[1]:
            raise ValueError("`size` and `resize` are widths and heights from 1 to 4096; `resize` is no smaller")
        named = [label for label in self.labels if label]
        says_nothing = not named and self.embedding is None
        if says_nothing or len(named) != len(set(named)) or any(not label.isidentifier() for label in named):
            raise ValueError("`labels` are different names of letters, digits and _, one at least")


class Onnx(PictureReader):
    """Scores the pictures of events by a model in a file, in processes of its own."""

    target = "engine.enrich.pictures.scoring:scores"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(dict(options), OnnxOptions)
        self._path = _path_of(self._options.model)
        super().__init__(self._options)

    def given(self, surroundings: Surroundings) -> Mapping[str, Any]:
        """The model, and what becomes of pictures before it sees them."""
        own = self._options
        return {
            "path": str(self._path), "max_pixels": own.max_pixels, "max_frames": own.max_frames, "sha256": own.sha256,
            "labels": own.labels, "size": own.size, "resize": own.resize or own.size, "colours": own.colours,
            "layout": own.layout, "mean": own.mean, "scale": own.scale, "apply": own.apply, "providers": own.providers,
            "embedding": msgspec.to_builtins(own.embedding),
        }  # fmt: skip

    def put_together(self, seen: list[dict[str, Any]]) -> dict[str, Any]:
        """The highest score of each label in any of the pictures, and what stands out in them."""
        found: dict[str, Any] = {}
        if any(self._options.labels):
            named = [label for label in self._options.labels if label]
            found["score"] = {label: max(one["score"][label] for one in seen) for label in named}
        if self._options.embedding is not None:
            found["embedding"] = {self._options.embedding.name: pooled([one["embedding"] for one in seen])}
        return found


def _path_of(model: str) -> Path:
    """Where a model is. Raises ValueError."""
    path = Path(model)
    if model.startswith(_PACKAGE):
        package, _, file = model.removeprefix(_PACKAGE).partition("/")
        found = find_spec(package) if package.isidentifier() else None
        if found is None or found.origin is None:
            raise ValueError(f"`model`: the package {package} is not installed")
        path = Path(found.origin).parent / file
    if not path.is_file():
        raise ValueError(f"`model`: there is no file {path}")
    return path.resolve()
