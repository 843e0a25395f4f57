"""What is too large for its topic is left out, and told."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.stream.durability import Durability
from engine.stream.messages import Message
from engine.stream.metrics import Metrics


@pytest.mark.parametrize(
    ("key", "value_bytes", "left_out"),
    [(None, 488, False), (None, 489, True), (b"k" * 88, 400, False), (b"k" * 88, 401, True)],
)
def test_key_and_value_and_what_surrounds_them_have_to_fit(key: bytes | None, value_bytes: int, left_out: bool) -> None:
    metrics = Metrics()
    durability: Any = SimpleNamespace(_limits={"t": 1_000}, _app=SimpleNamespace(metrics=metrics))
    assert Durability._is_too_large(durability, Message("t", key, b"v" * value_bytes)) is left_out
    assert metrics.registry.get_sample_value("floodgate_undeliverable_total", {"topic": "t"}) == (
        1 if left_out else None
    )
