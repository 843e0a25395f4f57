"""What a worker owes to the supervisor that has started it: its settings, and its end."""

import os
import signal
import sys
import threading

import msgspec

from engine.settings import Settings
from engine.stream.worker.shutdown import end_soon

_MARGIN_S = 5.0


def read_settings() -> Settings:
    """The line that the supervisor writes. Raises ValueError where nobody has written one."""
    return msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)


def end_with_supervisor(settings: Settings) -> None:
    """From now on this process stops, as if it were told to, when the supervisor has ended, in whatever way: its end
    of the standard input closes then."""
    threading.Thread(target=_wait_for_its_end, args=(settings.stop_timeout_s + _MARGIN_S,), daemon=True).start()


def _wait_for_its_end(within_s: float) -> None:
    try:
        while os.read(sys.stdin.fileno(), 1):  # not by `sys.stdin`, whose lock an interpreter that ends would wait for
            pass
    except OSError:  # what it had not read is lost with the other end
        pass
    end_soon(within_s)  # it may stand still
    os.kill(os.getpid(), signal.SIGTERM)
