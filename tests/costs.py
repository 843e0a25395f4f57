"""What hostile input may cost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_S = 10.0
"""Hundreds of times what it costs where the cost grows with its length, and a small part of what it costs where it
grows with the square: the inputs are long."""


@contextmanager
def cost_by_length() -> Iterator[None]:
    """Fails where the work within it costs far more than the length of its input accounts for. Only CPU of this thread
    counts, so that nothing else on the machine does."""
    began_s = time.thread_time()
    yield
    taken_s = time.thread_time() - began_s
    assert taken_s < _MOST_S, f"{taken_s:.1f} seconds of CPU"
