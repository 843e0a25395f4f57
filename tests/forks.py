"""Processes that are forked from one that has imported the engine: an import costs a second of CPU, a fork hardly any.

They are processes like any other: killed, stopped, told apart by their ids, ended by the interpreter's own end. Forked
ones share the seed of their hashes with the process that they come from. So there are two of these, which take turns:
what one worker has written is read by one that hashes otherwise, as on real machines.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import inspect
import itertools
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

_MOST_BYTES = 1 << 20
"""Of a request: a whole environment is in it."""

_NUMBER = struct.Struct("!q")
"""What is told of a process: its id, its exit code."""

_IMPORTED_LATE = (
    "river.drift",
    "engine.console.serving",
    "engine.enrich.worker.app",
    "engine.export.process",
    "engine.intake.process",
    "engine.learning.learner_state",
    "engine.learning.pipelines",
)
"""What commands import once they need it, the first of them for a second."""


class Forked:
    """A process, as `subprocess.Popen` has them. `status`: tells its id, and later its exit code."""

    def __init__(self, status: int, command: str) -> None:
        self._status, self._command = status, command
        self._code: int | None = None
        self.pid = self._told()

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises TimeoutExpired."""
        if self._code is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._command, timeout or 0)
            self._code = self._told()
            os.close(self._status)
        return self._code

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _told(self) -> int:
        told = os.read(self._status, _NUMBER.size)
        if not told:
            raise RuntimeError(f"nothing is known of `{self._command}`: what forks it has ended")
        (number,) = _NUMBER.unpack(told)
        return int(number)


class Origin:
    """The process that forks."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.forks", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[1],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        atexit.register(self._end)

    def start(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], out: IO[bytes], err: IO[bytes],
        directory: Path | None = None,
    ) -> Forked:  # fmt: skip
        """As `python -m MODULE ARGUMENTS`, in this directory if in no other."""
        status, theirs = os.pipe()
        request = [module, list(arguments), dict(environment), str(directory or Path.cwd())]
        socket.send_fds(self._socket, [json.dumps(request).encode()], [out.fileno(), err.fileno(), theirs])
        os.close(theirs)
        return Forked(status, f"{module} {' '.join(arguments)}")

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def origins() -> Iterator[Origin]:
    """In turn."""
    return itertools.cycle([Origin(), Origin()])


def start(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], out: IO[bytes], err: IO[bytes],
    directory: Path | None = None,
) -> Forked:  # fmt: skip
    """As `python -m MODULE ARGUMENTS`, from the origin whose turn it is."""
    return next(origins()).start(module, arguments, environment, out, err, directory)


def run(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], check: bool = False,
    directory: Path | None = None,
) -> "subprocess.CompletedProcess[str]":  # fmt: skip
    """The same until it ends, and what it has said. `check`: raises CalledProcessError where it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = start(module, arguments, environment, out, err, directory).wait()
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    done = subprocess.CompletedProcess([module, *arguments], code, *said)
    if check:
        done.check_returncode()
    return done


def _import_engine() -> None:
    """Every command, the worker, the broker, and what these import once they need it, where it is installed."""
    for name in ("engine.cli", "engine.dev"):
        for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for late in _IMPORTED_LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(late)
    inspect.getmodule(sys._getframe())  # it keeps the files of all modules: Faust asks for them as a worker starts


def _fork_for(requests: socket.socket) -> list[str] | None:
    """Fork at each request. Returns in what is forked: its module and arguments; here at the end: None."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 3)
        if not data:
            return None
        if os.fork() == 0:
            break
        for one in descriptors:
            os.close(one)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    module, arguments, environment, directory = json.loads(data)
    out, err, status = descriptors
    if pid := os.fork():  # this one stays, and tells what comes of it
        os.close(out)
        os.close(err)
        os.write(status, _NUMBER.pack(pid))
        _, ended = os.waitpid(pid, 0)
        os.write(status, _NUMBER.pack(os.waitstatus_to_exitcode(ended)))
        os._exit(0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    for one in (*descriptors, requests.fileno()):
        os.close(one)
    requests.detach()
    os.chdir(directory)
    own = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [directory, *(path for path in own if path and path not in sys.path)]
    os.environ.clear()
    os.environ.update(environment)
    return [module, *arguments]


def _run(module: str) -> int:
    """Its exit code."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)  # noqa: T201  # as Python does
        return int(ended.code or 0) if not isinstance(ended.code, str) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """As Python ends, but for freeing one object after the other: this would copy each page that is shared."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """`python -m tests.forks SOCKET`."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    _import_engine()
    gc.collect()
    gc.freeze()  # what is forked does not look through what it shares
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    wanted = _fork_for(requests)
    if wanted is not None:
        sys.argv = wanted
        _end(_run(wanted[0]))


if __name__ == "__main__":
    main()
