"""Whatever crashes in a worker, the worker ends."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from engine.settings import Settings
from engine.stream import app as composition
from engine.stream.app import FloodgateApp


@pytest.mark.parametrize("which", ["follower", "recovery"])
def test_a_crash_of_any_service_ends_the_worker_and_notes_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(composition, "end_soon", lambda: ended.append(True))

    async def crash_twice() -> FloodgateApp:
        app = FloodgateApp(Settings(data_dir=str(tmp_path)))
        parts = [
            *map(app.add_dependency, app.on_init_dependencies()),
            cast(Any, app.tables).recovery,
        ]  # as when it starts
        service = next(part for part in parts if which in type(part).__name__.lower())
        await service.crash(OSError("Corruption: a block"))
        await service.crash(OSError("Corruption: a block"))
        return app

    app = asyncio.run(crash_twice())
    assert ended == [True]
    assert (tmp_path / "corrupted.txt").exists()
    assert app.should_stop
