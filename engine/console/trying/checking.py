"""Checks what somebody writes in the editor, in a process of its own: nothing in it can stop or fill the console."""

import multiprocessing
import os
import resource
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import msgspec

from engine.console.trying.findings import Checked, check
from engine.errors import RequestError

MAX_BYTES = 2_000_000
MAX_FILES = 500
_MAX_MEMORY_BYTES = 3 << 30
_ANSWER_S = 20.0
_STARTS_S = 30.0
_IDLE_S = 120.0
_READY = b"ready"


class Checker:
    """Checks rulebooks one after the other. Its process starts with the first, and ends when nobody asks for a while.
    `answer_s`: so long a check may take."""

    def __init__(self, answer_s: float = _ANSWER_S) -> None:
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def check(self, sources: Mapping[str, str]) -> Checked:
        """What the engine says of a rulebook. Raises RequestError where it is too long, or takes too long to check."""
        raise_if_large(sources)
        if not self._lock.acquire(timeout=2 * self._answer_s):
            raise RequestError("others' rulebooks are being checked: try again in a moment", 503)
        try:
            connection = self._running()
            connection.send_bytes(msgspec.json.encode(dict(sources)))
            if not connection.poll(self._answer_s):
                raise RequestError(
                    f"the check took longer than {self._answer_s:g} s and was stopped: simplify the rulebook"
                )
            return msgspec.json.decode(connection.recv_bytes(), type=Checked)
        except RequestError:
            self._stop()
            raise
        except (EOFError, OSError, UnicodeEncodeError) as error:
            self._stop()
            raise RequestError(f"the check was stopped, as it took too much memory or failed: {error!r}") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """End its process."""
        with self._lock:
            self._stop()

    def _running(self) -> Connection:
        if self._process is not None and self._process.is_alive() and self._connection is not None:
            return self._connection
        self._stop()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="rulebook checker", daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(_STARTS_S) or self._connection.recv_bytes() != _READY:
            raise RequestError("the check could not be started: try again in a moment", 503)
        return self._connection

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


def raise_if_large(sources: Mapping[str, str]) -> None:
    """Raise RequestError for a rulebook that nobody has written by hand."""
    if len(sources) > MAX_FILES or sum(map(len, sources.values())) > MAX_BYTES:
        raise RequestError(f"a rulebook has at most {MAX_FILES} files and {MAX_BYTES:,} characters", 413)


def limit_process() -> None:
    """Let this process give way to others, and take no more memory than there is for it."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))


def _serve(connection: Connection) -> None:
    limit_process()
    connection.send_bytes(_READY)
    try:
        while connection.poll(_IDLE_S):
            sources = msgspec.json.decode(connection.recv_bytes(), type=dict[str, str])
            connection.send_bytes(msgspec.json.encode(check(sources)))
    except (EOFError, OSError):  # the console has gone
        return
