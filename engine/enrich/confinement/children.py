"""Confined processes, seen from the worker that asks them."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog

from engine.enrich.answers import Missing
from engine.enrich.confinement import frames
from engine.errors import SettingsError

_START_S = 60.0
_MAX_ANSWER_BYTES = 1 << 20
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "LANG": "C.UTF-8"}
"""All that they know of the worker's: secrets are in its environment. One thread each: there are several of them."""

_log = structlog.stdlib.get_logger("floodgate")


class Children:
    """So many processes, each of which answers one request at a time. One that takes longer than `turn_s`, or has
    ended, costs the request that it was asked; another one takes its place. `target`: see `child.py`."""

    def __init__(self, target: str, given: Mapping[str, Any], count: int, turn_s: float, memory_mb: int) -> None:
        self._begin = {"target": target, "given": dict(given), "memory_mb": memory_mb}
        self._count, self._turn_s = count, turn_s
        self._idle: asyncio.Queue[Process] = asyncio.Queue()
        self._all: set[Process] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.started = 0
        """So many have been started, since the beginning."""
        self.are_filtered = False
        """Whether their system calls are filtered."""

    async def start(self) -> None:
        """Start them. Raises SettingsError where one cannot start: what is missing would be missing for ever."""
        for child in await asyncio.gather(*(self._start() for _ in range(self._count))):
            self._idle.put_nowait(child)

    async def ask(self, request: Any) -> Any:
        """What one of them answers; waits for one. Raises Missing, with what it has found so far. Whoever is cancelled
        here ends the process that was asked."""
        child, so_far = await self._idle.get(), None
        try:
            async with asyncio.timeout(self._turn_s):
                await self._send(child, frames.pack(request))
                answer = await self._read(child)
                while isinstance(answer, dict) and "so_far" in answer:
                    so_far = answer["so_far"]
                    answer = await self._read(child)
        except BaseException as error:
            self._replace(child)
            if isinstance(error, TimeoutError):
                raise Missing("timeout", so_far) from error
            if isinstance(error, (OSError, asyncio.IncompleteReadError, msgspec.DecodeError)):
                raise Missing("crashed", so_far) from error
            raise
        self._idle.put_nowait(child)
        if not isinstance(answer, dict):  # it may be what was read there that answers
            raise Missing("failed")
        if "found" not in answer:
            if "error" in answer:
                _log.warning("a confined process has failed", target=self._begin["target"], error=str(answer["error"]))
            raise Missing(str(answer.get("missing")), so_far)
        return answer["found"]

    async def stop(self) -> None:
        """End all of them."""
        self._is_stopping = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for child in list(self._all):
            await self._end(child)

    async def _send(self, child: Process, request: bytes) -> None:
        assert child.stdin is not None
        child.stdin.write(request)
        await child.stdin.drain()

    async def _read(self, child: Process) -> Any:
        assert child.stdout is not None
        (length,) = frames.HEAD.unpack(await child.stdout.readexactly(frames.HEAD.size))
        if length > _MAX_ANSWER_BYTES:
            raise Missing("too_much_found")
        return frames.unpack(await child.stdout.readexactly(length))

    def _replace(self, child: Process) -> None:
        if not self._is_stopping:
            task = asyncio.ensure_future(self._start_again(child))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start_again(self, child: Process) -> None:
        await self._end(child)
        pause_s = 0.1
        while True:
            try:
                self._idle.put_nowait(await self._start())
                return
            except (OSError, SettingsError) as error:  # no memory, no more processes
                _log.error("a confined process cannot be started", error=str(error), again_in_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 10.0)

    async def _start(self) -> Process:
        self.started += 1
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "engine.enrich.confinement.child", stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/",
            env={**_ENVIRONMENT, "PYTHONPATH": ":".join(_absolute(sys.path))}, start_new_session=True,
        )  # fmt: skip
        self._all.add(child)
        try:
            async with asyncio.timeout(_START_S):
                await self._send(child, frames.pack(self._begin))
                ready = await self._read(child)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, msgspec.DecodeError) as error:
            await self._end(child)
            raise SettingsError(f"{self._begin['target']} cannot start in a process of its own: {error!r}") from error
        except BaseException:
            await self._end(child)
            raise
        if "ready" not in ready:
            await self._end(child)
            raise SettingsError(f"{self._begin['target']} cannot start in a process of its own: {ready.get('error')}")
        self.are_filtered = bool(ready["ready"])
        return child

    async def _end(self, child: Process) -> None:
        with suppress(ProcessLookupError):
            child.kill()
        with suppress(OSError):  # asyncio/base_subprocess.py: `wait` waits for the end of a pipe, which is not read on
            while child.stdout is not None and await child.stdout.read(_MAX_ANSWER_BYTES):  # once much is in it
                pass
        await child.wait()
        self._all.discard(child)  # whoever is cut off here leaves it to `stop`
        if child.stdin is not None:
            child.stdin.close()


def _absolute(paths: list[str]) -> list[str]:
    return [str(Path(path).absolute()) for path in paths]
