"""What the exporter tells of a failure."""

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from aiokafka import TopicPartition

from engine.export import exporter as exporting
from engine.export.exporter import Exporter
from engine.export.files import Span, Table
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


def test_a_store_that_hangs_is_told_of_before_it_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()
    monkeypatch.setattr(exporting, "_LONG_S", 0.01)
    monkeypatch.setattr(Table, "write", lambda *_: going_on.wait(30))

    async def run() -> None:
        settings = msgspec.convert({"export": {"to": str(tmp_path)}}, Settings)
        exporter = Exporter(settings, asyncio.Event(), is_once=False)
        gathering = SimpleNamespace(is_empty=False, rows=1, take=lambda: (Span(1, 0, 0, 1), b""))
        writing = asyncio.create_task(exporter._write(TopicPartition("actions", 0), gathering))  # type: ignore[arg-type]
        while not exporter.metrics.registry.get_sample_value(SINCE):
            await asyncio.wait([writing], timeout=0.01)
        going_on.set()
        await writing
        assert exporter.metrics.registry.get_sample_value(SINCE) == 0

    asyncio.run(asyncio.wait_for(run(), 30))
