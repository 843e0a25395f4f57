"""All workers run, and all end: by a signal, by a second one, by force, or since none can start."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.dev.pages import free_port
from engine.settings import Settings
from engine.stream.supervisor import supervisor as module
from engine.stream.supervisor.own_settings import own_settings
from engine.stream.supervisor.supervisor import Supervisor, supervise
from tests.unit.stream.supervisor.programs import IGNORES, WAITS, program, until, written

pytestmark = pytest.mark.usefixtures("restored_logging")


def exit_code(directory: Path, body: str, then: Callable[[Supervisor], None], count: int = 2) -> int:
    """Of a supervisor of some programs; `then`: what happens to it when all have begun."""
    settings = Settings(web_port=free_port(), stop_timeout_s=1)

    async def run() -> int:
        supervisor = Supervisor(settings, own_settings(settings, count), program(directory, body))
        running = asyncio.create_task(supervisor.run())
        await until(lambda: running.done() or len(written(directory)) == count)
        then(supervisor)
        return await running

    return asyncio.run(run())


def told(*signals: signal.Signals) -> Callable[[Supervisor], None]:
    """Signals come."""

    def come(supervisor: Supervisor) -> None:
        for number in signals:
            supervisor.on_signal(number)

    return come


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_all_end(tmp_path: Path, number: signal.Signals) -> None:
    body = f"signal.signal(signal.SIGTERM, lambda *_: sys.exit(started('ended'))); started(); {WAITS}"
    assert exit_code(tmp_path, body, told(number)) == 0
    assert written(tmp_path, "ended") == "xx"


def test_a_worker_that_ends_badly_is_told_by_the_exit_code(tmp_path: Path) -> None:
    body = f"signal.signal(signal.SIGTERM, lambda *_: sys.exit(number - 1)); started(); {WAITS}"
    assert exit_code(tmp_path, body, told(signal.SIGTERM)) == 1


def test_a_second_signal_kills(tmp_path: Path) -> None:
    assert exit_code(tmp_path, IGNORES, told(signal.SIGINT, signal.SIGINT)) == 1


def test_one_that_does_not_end_in_time_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEYOND_S", -0.9)
    assert exit_code(tmp_path, IGNORES, told(signal.SIGTERM)) == 1


def test_when_none_can_start_it_ends_as_they_do(tmp_path: Path) -> None:
    assert exit_code(tmp_path, "sys.exit(2)", told()) == 2


def test_while_one_runs_it_goes_on(tmp_path: Path) -> None:
    body = f"sys.exit(2) if number == 1 else started(); {WAITS}"

    async def run() -> int:
        settings = Settings(web_port=free_port())
        supervisor = Supervisor(settings, own_settings(settings, 2), program(tmp_path, body))
        running = asyncio.create_task(supervisor.run())
        await until(lambda: supervisor.workers[0].exit_code == 2 and written(tmp_path) == "x")
        assert not running.done()
        supervisor.on_signal(signal.SIGTERM)
        return await running

    assert asyncio.run(run()) == 0


def test_a_port_that_is_taken_is_an_error_before_any_worker_starts(tmp_path: Path) -> None:
    async def run() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with server:
            settings = Settings(web_port=server.sockets[0].getsockname()[1])
            with pytest.raises(OSError, match="in use"):
                await Supervisor(settings, own_settings(settings, 2), program(tmp_path, "started()")).run()

    asyncio.run(run())
    assert written(tmp_path) == ""


@pytest.mark.parametrize(("partitions", "is_said"), [(1, True), (2, False)])
def test_more_processes_than_partitions_are_told(
    tmp_path: Path, partitions: int, is_said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(web_port=free_port(), partitions=partitions)
    assert supervise(settings, own_settings(settings, 2), program(tmp_path, "sys.exit(2)")) == 2
    assert ("more worker processes than partitions" in capsys.readouterr().err) is is_said
