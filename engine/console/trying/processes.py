"""Processes that run what somebody has written: begun afresh, bounded in memory, and gone with whoever began them."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

_MAX_MEMORY_BYTES = 3 << 30
_NICE = 10

Serve = Callable[[Connection], None]
"""What a process does, with the connection to whoever began it. A function of a module."""


class Child:
    """A process that runs `serve`. It ends with its connection, or when it is killed."""

    def __init__(self, serve: Serve) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self.connection = Connection(ours.detach())
        self.connection.send(serve)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()


def main(file_number: int) -> None:
    """Run what comes first over the connection. Only then it gives way to others: somebody waits until it has begun."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    with Connection(file_number) as connection:
        serve = connection.recv()
        os.nice(_NICE)
        try:
            serve(connection)
        except (EOFError, OSError):  # whoever began it has gone
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
