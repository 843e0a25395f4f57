"""Whether a signed message is a repetition: somebody has published once more what a publisher has signed."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_US = 600_000_000
"""Several processes may sign under one name: a number may be so much smaller than the largest one before it."""

REMEMBERED = 10_000
"""So many numbers of a stream are told apart; of more within the window the oldest are taken for repetitions."""


@dataclass(slots=True)
class _Stream:
    highest: int = 0
    offset: int = -1
    refused: set[int] = field(default_factory=set)
    recent: deque[int] = field(default_factory=deque)
    forgotten: int = 0


class Sequences:
    """The sequence numbers of each stream of messages, in the order of its offsets."""

    def __init__(self, window_us: int = WINDOW_US) -> None:
        self._window_us = window_us
        self._streams: dict[str, _Stream] = {}

    def take(self, stream: str, offset: int, sequence: int) -> bool:
        """Whether the message at an offset was not there before. One that is read again gets the same answer."""
        known = self._streams.setdefault(stream, _Stream())
        if offset <= known.offset:
            return offset not in known.refused
        known.offset = offset
        if sequence <= max(known.forgotten, known.highest - self._window_us) or sequence in known.recent:
            known.refused.add(offset)
            return False
        known.highest = max(known.highest, sequence)
        known.recent.append(sequence)
        if len(known.recent) > REMEMBERED:
            known.forgotten = max(known.forgotten, known.recent.popleft())
        return True
