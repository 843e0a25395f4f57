"""Checks what somebody writes in the editor, in a process of its own: nothing in it can stop or fill the console."""

import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection

import msgspec

from engine.console.trying.findings import Checked, check
from engine.console.trying.processes import Child
from engine.errors import RequestError

MAX_BYTES = 2_000_000
MAX_FILES = 500
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
        self._child: Child | None = None

    def check(self, sources: Mapping[str, str]) -> Checked:
        """What the engine says of a rulebook. Raises RequestError where it is too long, or takes too long to check."""
        raise_if_large(sources)
        if not self._lock.acquire(timeout=2 * self._answer_s):
            raise RequestError("others' rulebooks are being checked: try again in a moment", 503)
        try:
            connection = self._running()
            connection.send_bytes(msgspec.json.encode(dict(sources)))
            if not connection.poll(self._answer_s):
                raise RequestError(f"the check took longer than {self._answer_s:g} s and was stopped: ask for less")
            return msgspec.json.decode(connection.recv_bytes(), type=Checked)
        except RequestError:
            self._stop()
            raise
        except (EOFError, OSError) as error:
            self._stop()
            raise RequestError("the check was stopped, as it took too much memory or failed") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """End its process."""
        with self._lock:
            self._stop()

    def _running(self) -> Connection:
        if self._child is not None and self._child.is_running:
            return self._child.connection
        self._stop()
        self._child = Child(_serve)
        connection = self._child.connection
        if not connection.poll(_STARTS_S) or connection.recv_bytes() != _READY:
            raise RequestError("the check could not be started: try again in a moment", 503)
        return connection

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.connection.close()
        self._child = None


def raise_if_large(sources: Mapping[str, str]) -> None:
    """Raise RequestError for a rulebook that nobody has written by hand, or that is no text."""
    if len(sources) > MAX_FILES or sum(map(len, sources.values())) > MAX_BYTES:
        raise RequestError(f"a rulebook has at most {MAX_FILES} files and {MAX_BYTES:,} characters", 413)
    try:
        for name, text in sources.items():
            (name + text).encode()
    except UnicodeEncodeError:
        raise RequestError("this is not Unicode text: it has half of a pair of surrogates") from None


def _serve(connection: Connection) -> None:
    connection.send_bytes(_READY)
    while connection.poll(_IDLE_S):
        sources = msgspec.json.decode(connection.recv_bytes(), type=dict[str, str])
        connection.send_bytes(msgspec.json.encode(check(sources)))
