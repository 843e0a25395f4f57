"""Whatever crashes in a worker, the worker ends."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.settings import Settings
from engine.stream.worker import app as composition
from engine.stream.worker import shutdown
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.shutdown import end_soon


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


def test_the_end_by_force_waits_so_long_and_holds_no_worker_that_ends_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class Timer:
        """A timer that waits for nothing."""

        daemon = False

        def __init__(self, within_s: float, end: Callable[[], None]) -> None:
            self.within_s, self.end = within_s, end

        def start(self) -> None:
            timers.append((self.within_s, self.daemon))
            self.end()

    timers: list[tuple[float, bool]] = []
    codes: list[int] = []
    monkeypatch.setattr(shutdown, "threading", SimpleNamespace(Timer=Timer))
    monkeypatch.setattr(shutdown, "os", SimpleNamespace(_exit=codes.append))
    end_soon()
    end_soon(3.5)
    assert (timers, codes) == ([(10.0, True), (3.5, True)], [1, 1])
