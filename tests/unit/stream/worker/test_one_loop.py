"""A service that Faust takes for a thread runs as a task of the loop it was made in."""

import asyncio
import threading
from typing import Any

import pytest
from mode.threads import QueueServiceThread

from engine.stream.worker.one_loop import ConsumerOnLoop, LoopWorker


class Service(QueueServiceThread):
    """Does nothing, or fails as soon as it has started."""

    Worker: Any = LoopWorker
    error: Exception | None = None
    seen_in: threading.Thread | None = None
    _gather_remaining_tasks = ConsumerOnLoop._gather_remaining_tasks

    async def on_thread_started(self) -> None:
        self.seen_in = threading.current_thread()
        await super().on_thread_started()
        if self.error is not None:
            raise self.error


async def doubled(number: int) -> int:
    return 2 * number


def test_it_is_called_and_stopped_where_everything_else_runs() -> None:
    async def run() -> Service:
        loop = asyncio.get_running_loop()
        service = Service(loop=loop, thread_loop=loop)
        others = asyncio.ensure_future(asyncio.Event().wait())
        await service.start()
        assert await service.call_thread(doubled, 21) == 42
        await service.stop()
        assert not others.done(), "what else is on the loop goes on"
        others.cancel()
        return service

    threads = threading.active_count()
    service = asyncio.run(run())
    assert service.seen_in is threading.main_thread()
    assert service.crashed is False
    assert threading.active_count() == threads


def test_one_that_fails_says_so_to_whoever_started_it(capsys: pytest.CaptureFixture[str]) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        service = Service(loop=loop, thread_loop=loop)
        service.error = OSError("the port is taken")
        with pytest.raises(OSError, match="the port is taken"):
            await service.start()
        assert service.crashed
        await service.stop()

    asyncio.run(run())
    assert "the port is taken" in capsys.readouterr().err
