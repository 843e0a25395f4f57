"""Moderators' labels on pictures teach a model what an image model was never asked: from pictures to scores."""

from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

pytest.importorskip("PIL", reason="NOT TESTED: the extra `onnx` is not installed")
pytest.importorskip("onnxruntime", reason="NOT TESTED: the extra `onnx` is not installed")

from PIL import Image

from engine.cli import cli
from engine.enrich.offline import enrich_offline
from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.settings import Settings
from tests.events import START_MS
from tests.unit.enrich.pictures.made import encoded, mean_model, text_of

RULES = """
version: 1
models:
  pictures: {numbers: [event.media.score.green, READ], of: post, min_labels: 10}
"""


def test_labels_train_the_head_that_reads_scores_and_an_embedding(tmp_path: Path) -> None:
    model, random = mean_model(1, 2), Random(1)
    (tmp_path / "means.onnx").write_bytes(model)
    options = {
        "model": str(tmp_path / "means.onnx"), "sha256": sha256(model).hexdigest(), "labels": ["", "green", ""],
        "embedding": {"tensor": "y", "name": "colours", "dimensions": 3}, "size": [8, 8], "layout": "nhwc",
        "scale": [0.01, 0.01, 0.01],
    }  # fmt: skip
    messages, labels = [], []
    for number in range(120):
        red, green, blue = (random.randrange(256) for _ in range(3))
        named = {"event_id": f"e{number}", "user_id": f"u{number}", "ts": START_MS + 1_000 * number}
        picture = text_of(encoded(Image.new("RGB", (12, 9), (red, green, blue))))
        messages.append(orjson.dumps({**named, "type": "post", "picture": picture}))
        labels.append(orjson.dumps({**named, "label": "spam" if red > blue else "ham", "moderator": "ann"}))
    enricher = EnricherSettings(kind="onnx", limit_ms=60_000, turn_ms=20_000, options=options)
    events = enrich_offline(Settings(enrichment=EnrichmentSettings(enrichers={"colours": enricher})), messages)
    assert {*orjson.loads(events[0])["media"]["embedding"]["colours"]} == {"0", "1", "2"}
    assert len(events[0]) < 300
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(events))
    (tmp_path / "labels.jsonl").write_bytes(b"\n".join(labels))

    def quality(read: str) -> Any:
        (tmp_path / "rules.yaml").write_text(RULES.replace("READ", read))
        files = [
            f"--{name}={tmp_path / file}" for name, file in (("events", "events.jsonl"), ("labels", "labels.jsonl"))
        ]
        result = CliRunner().invoke(cli, ["learn", "evaluate", *files, f"--rules={tmp_path / 'rules.yaml'}", "--json"])
        assert result.exit_code == 0, result.output
        return orjson.loads(result.stdout)["roc_auc"]

    assert quality("event.nothing") < 0.65
    assert quality("event.media.embedding.colours.0..2") > 0.85
