"""A worker process is started, gets its settings, is started again, and ends when it is told to."""

import asyncio
from pathlib import Path

import msgspec
import pytest
import structlog

from engine.settings import Settings
from engine.stream.supervisor.process import WorkerProcess
from tests.unit.stream.supervisor.programs import IGNORES, WAITS, Steady, program, until, written

FOR_EVER_S = 3_600.0


def process(command: list[str], wait_s: float = 0.0, settings: Settings | None = None) -> WorkerProcess:
    return WorkerProcess(7, settings or Settings(), command, Steady(wait_s))


def nothing() -> None:
    """What is to be done when it ends."""


def test_it_is_given_its_number_and_its_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir="d/7", instance_id="i-7")

    async def run() -> None:
        worker = process(program(tmp_path, f"started('7', settings) if number == 7 else None; {WAITS}"), 0, settings)
        running = asyncio.create_task(worker.keep_running(nothing))
        await until(lambda: written(tmp_path, "7").endswith("\n"))
        worker.kill()
        await running

    asyncio.run(run())
    assert msgspec.json.decode(written(tmp_path, "7"), type=Settings) == settings


@pytest.mark.parametrize("body", ["", "sys.exit(1)", "signal.raise_signal(signal.SIGKILL)"])
def test_however_it_ends_it_is_started_again(tmp_path: Path, body: str) -> None:
    ends: list[int | None] = []

    async def run() -> None:
        worker = process(program(tmp_path, f"started(); {body}"))
        running = asyncio.create_task(worker.keep_running(lambda: ends.append(worker.exit_code)))
        await until(lambda: len(ends) >= 3)
        worker.end()
        await running
        assert worker.starts == len(written(tmp_path)) or worker.has_ended_well  # the last may not have begun

    asyncio.run(run())
    assert len(written(tmp_path)) >= 3
    assert len(set(ends)) == 1


def test_it_is_told_why_it_is_started_again(tmp_path: Path) -> None:
    async def run() -> None:
        worker = process(program(tmp_path, "sys.exit(2) if number else None"), FOR_EVER_S)
        running = asyncio.create_task(worker.keep_running(nothing))
        await until(lambda: worker.exit_code is not None)
        worker.end()
        await running

    with structlog.testing.capture_logs() as lines:
        asyncio.run(run())
    (line,) = lines
    assert line == {
        "event": "a worker process could not start: its error stands above",
        "log_level": "error",
        "worker_process": 7,
        "exit_code": 2,
        "starts_again_in_s": FOR_EVER_S,
    }


def test_one_that_waits_to_be_started_again_ends_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        worker = process(program(tmp_path, ""), FOR_EVER_S)
        ended = asyncio.Event()
        running = asyncio.create_task(worker.keep_running(ended.set))
        await ended.wait()
        assert not worker.is_running
        worker.end()
        await running
        assert (worker.starts, worker.has_ended_well) == (1, True)

    asyncio.run(run())


def test_one_that_is_told_before_it_has_begun_ends_well(tmp_path: Path) -> None:
    async def run() -> None:
        worker = process(program(tmp_path, WAITS))
        running = asyncio.create_task(worker.keep_running(nothing))
        await until(lambda: worker.starts == 1)
        worker.end()
        await running
        assert (worker.starts, worker.has_ended_well) == (1, True)

    asyncio.run(run())


def test_one_that_has_to_be_killed_has_not_ended_well(tmp_path: Path) -> None:
    async def run() -> None:
        worker = process(program(tmp_path, IGNORES))
        running = asyncio.create_task(worker.keep_running(nothing))
        await until(lambda: written(tmp_path) == "x")
        worker.end()
        worker.kill()
        await running
        assert not worker.has_ended_well

    asyncio.run(run())


def test_a_program_that_cannot_be_run_is_tried_again(tmp_path: Path) -> None:
    async def run() -> None:
        worker = process([str(tmp_path / "missing")])
        running = asyncio.create_task(worker.keep_running(nothing))
        await until(lambda: worker.starts >= 3)
        worker.end()
        await running

    with structlog.testing.capture_logs() as lines:
        asyncio.run(run())
    assert "No such file" in lines[0]["error"]
