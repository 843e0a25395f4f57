"""`floodgate partitions`, killed where it says what stands in KILLED_AT."""

import os
import signal

from engine.cli import main, partitions


def tell(text: str) -> None:
    """Instead of printing."""
    if text.startswith(os.environ["KILLED_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    partitions._echo_on_stderr = tell
    main()
