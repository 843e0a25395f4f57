"""A batch of `raw_events`."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from engine.enrich.handler import EnrichHandler, Forwarding
from engine.enrich.metrics import EnrichMetrics
from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.settings import Settings

SETTINGS = Settings(enrichment=EnrichmentSettings({"given": EnricherSettings()}, max_message_bytes=1_000))


class Slow:
    """A stage whose answers come in the wrong order, and that stumbles."""

    async def enrich(self, data: bytes) -> bytes:
        """The first last."""
        await asyncio.sleep(0.02 if data == b"0" else 0)
        if data == b"stumble":
            raise RuntimeError("a fault of ours")
        return data * 700 if data == b"long" else data


def record(offset: int, value: bytes | None) -> Any:
    headers = [("h", b"1" * 1_500 if value == b"headers" else b"1")]
    return SimpleNamespace(
        topic="raw-events", partition=3, offset=offset, key=b"u", value=value, timestamp=offset, headers=headers
    )


async def reached(_: int) -> int | None:
    return 41


def run(*values: bytes | None) -> tuple[list[Any], list[Any]]:
    async def go() -> tuple[list[Any], list[Any]]:
        stage: Any = Slow()
        handler = EnrichHandler(SETTINGS, stage, reached, EnrichMetrics(), 2_000)
        outcome = handler.process(3, [record(offset, value) for offset, value in enumerate(values)])
        assert isinstance(outcome, Forwarding)
        assert outcome.work is not None
        return await outcome.work, outcome.messages

    return asyncio.run(go())


def test_messages_go_on_in_their_order_with_key_time_and_headers() -> None:
    forwards, letters = run(b"0", b"1", b"stumble")
    assert [(one.source, one.key, one.value, one.arrived_ms, one.headers) for one in forwards] == [
        (offset, b"u", value, offset, [("h", b"1")]) for offset, value in enumerate((b"0", b"1", b"stumble"))
    ]
    assert letters == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, b"empty"), (b"x" * 1_001, b"too_large"), (b"long", b"too_large"), (b"headers", b"too_large")],
)
def test_what_cannot_go_on_is_a_dead_letter(value: bytes | None, reason: bytes) -> None:
    forwards, (letter,) = run(b"1", value)
    assert [one.value for one in forwards] == [b"1"]
    assert dict(letter.headers)["reason"] == reason


def test_a_partition_is_read_on_behind_what_has_gone_on() -> None:
    stage: Any = Slow()
    assert asyncio.run(EnrichHandler(SETTINGS, stage, reached, EnrichMetrics(), 1).on_assigned(0)) == 42
