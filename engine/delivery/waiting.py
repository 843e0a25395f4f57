"""Actions that have been read and not been delivered: in order for each target, and how far each partition is done."""

from collections import deque
from typing import NamedTuple

Target = tuple[str, str]
"""Type and id."""


class Waiting(NamedTuple):
    """An action on its way. `action`: as it stands on the topic; `published_ms`: its record's timestamp."""

    partition: int
    offset: int
    action_id: str
    target: Target
    published_ms: int
    action: bytes


class Line:
    """All that waits for one receiver, within bounds: `most` actions, `most_bytes` of them."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._count = self._bytes = 0
        self._queues: dict[Target, deque[Waiting]] = {}
        self._open: dict[int, dict[int, None]] = {}
        self._next: dict[int, int] = {}

    @property
    def room(self) -> int:
        """So many more may be read now."""
        return 0 if self._bytes >= self._most_bytes else self._most - self._count

    def has_share(self, target: Target) -> bool:
        """Whether one more on a target may wait here: an eighth of what is free, so that those whose actions are not
        taken leave room for the others, which show that it is not the receiver."""
        return len(self._queues.get(target, ())) < max(1, self.room // 8)

    def start(self, partition: int, offset: int) -> None:
        """A partition is read from here on."""
        self._open[partition], self._next[partition] = {}, offset

    def pass_over(self, partition: int, offset: int) -> None:
        """There is nothing to do for this record."""
        self._next[partition] = offset + 1

    def has_passed(self, partition: int, offset: int) -> bool:
        """Whether a record has been read, and all before it in its partition."""
        return offset < self._next.get(partition, 0)

    def add(self, one: Waiting) -> None:
        """It waits behind all that waits for its target."""
        self._next[one.partition] = one.offset + 1
        self._open[one.partition][one.offset] = None
        self._count += 1
        self._bytes += len(one.action)
        self._queues.setdefault(one.target, deque()).append(one)

    def first(self, target: Target) -> Waiting | None:
        """Whose turn it is."""
        queue = self._queues.get(target)
        return queue[0] if queue else None

    def done(self, one: Waiting) -> None:
        """The first one of its target is out."""
        queue = self._queues[one.target]
        queue.popleft()
        if not queue:
            del self._queues[one.target]
        del self._open[one.partition][one.offset]
        self._count -= 1
        self._bytes -= len(one.action)

    def positions(self) -> dict[int, int]:
        """Of each partition the first offset that is not done."""
        return {partition: next(iter(self._open[partition]), at) for partition, at in self._next.items()}
