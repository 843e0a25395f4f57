"""What the exporter tells of a failure."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from engine.export.exporter import Exporter
from engine.settings import Settings
from engine.stream.kafka import interruptions

SINCE = "floodgate_export_failing_since_timestamp_seconds"


def test_since_when_it_fails_is_told_and_not_when_it_tried_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[float | None]()

    async def run() -> None:
        stopping = asyncio.Event()
        settings = msgspec.convert({"export": {"to": str(tmp_path)}}, Settings)
        exporter = Exporter(settings, stopping, is_once=False)

        async def follow() -> None:
            told.append(exporter.metrics.registry.get_sample_value(SINCE))
            if len(told) == 4:
                stopping.set()
            raise OSError("the disk is full")

        async def no_pause(_: asyncio.Event, __: float) -> None:
            await asyncio.sleep(0)

        monkeypatch.setattr(exporter, "_follow", follow)
        monkeypatch.setattr(interruptions, "pause", no_pause)
        await exporter.run()

    asyncio.run(run())
    assert told[0] == 0
    assert told[1]
    assert told[1] == told[2] == told[3]
