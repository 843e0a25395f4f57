"""The broker as a process of its own."""

import asyncio
import contextlib
import subprocess
import sys
from types import TracebackType

from engine.dev.broker.server import Broker
from engine.dev.broker.topics import BrokerSettings

READY = "ready on "


def run_broker(settings: BrokerSettings) -> None:
    """Run a broker until the process is stopped; says where it listens on its first line."""

    async def run() -> None:
        broker = Broker(settings)
        address = await broker.start()
        print(f"{READY}{address} (embedded broker, in memory: for development, not production)", flush=True)  # noqa: T201  # the contract with BrokerProcess
        await broker.serve()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())


class BrokerProcess:
    """Starts `floodgate broker` as a child process and knows its address. A context manager."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "engine.cli", "broker", "--port", "0", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(READY):
            self._process.kill()
            raise RuntimeError(f"the broker did not start: {line!r}")
        self.address = line.removeprefix(READY).split(" ", 1)[0].strip()

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> "BrokerProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
