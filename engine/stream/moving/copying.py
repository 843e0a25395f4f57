"""One partition of the state, read, parted, and written to the next generation's changelog."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from faust.types import TP

from engine.errors import StateError
from engine.settings import Settings
from engine.stream.kafka.records import read_partition
from engine.stream.kafka.topics import changelog_topic
from engine.stream.moving.journal import Intent
from engine.stream.moving.parts import Moved, Parts
from engine.stream.moving.places import Places
from engine.stream.moving.spool import Spool
from engine.stream.worker.fencing import Writers

Tell = Callable[[str], None]
"""Told what is done now."""

_TELL_EVERY = 10_000


@dataclass(slots=True)
class Survey:
    """What there is to move. `kinds`, `moved`: keys by kind, and those of them that are in another partition then;
    `bytes`, `largest_bytes`: of all of the state, and of its largest partition; `users`, `strays`: users, and those
    whose messages come to another partition than their id's; `everywhere`: keys of which nobody knows whose they are;
    `lost`: outcomes that cannot be moved."""

    kinds: Counter[str] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    largest_bytes: int = 0
    users: int = 0
    strays: int = 0
    everywhere: int = 0
    lost: int = 0

    def add(self, parts: Parts, written_bytes: int) -> None:
        """One partition has been gone through, of which so much was written."""
        self.kinds += parts.kinds
        self.moved += parts.moved
        self.everywhere += parts.everywhere
        self.meet(parts.places)
        self.bytes += written_bytes
        self.largest_bytes = max(self.largest_bytes, written_bytes)

    def meet(self, places: Places) -> None:
        """It is known where everything of one partition belongs."""
        self.users += places.users
        self.strays += places.strays
        self.lost += places.lost

    def obstacles(self) -> Iterator[str]:
        """What would be lost."""
        if self.strays:
            yield (
                f"{self.strays:,} of {self.users:,} users are in another partition than Kafka's usual partitioner "
                "(murmur2 of the key) gives for their id: their producers' keys or partitioners differ, and will again"
            )
        if self.lost:
            yield (
                f"{self.lost:,} outcomes under way were begun by an older version, and cannot be moved: run this "
                "version for as long as your longest outcome takes"
            )


class Copy:
    """Writes to the next generation's changelog, of which this owns some partitions."""

    def __init__(self, writers: Writers, topic: str) -> None:
        self._writers, self._topic = writers, topic
        self._batches: dict[int, Any] = {}

    async def add(self, moved: Moved) -> None:
        """Write one key. Raises StateError for one that no batch takes."""
        for _ in range(2):
            if moved.partition not in self._batches:
                writer = await self._writers.get(TP(self._topic, moved.partition))
                self._batches[moved.partition] = writer.batch()
            batch = self._batches[moved.partition]
            if batch.append(key=moved.key, value=moved.value, timestamp=moved.written_ms) is not None:
                return
            await self._send(moved.partition)
        raise StateError(f"{moved.key[:50]!r} has {len(moved.value)} bytes: no message is so long")

    async def flush(self) -> None:
        """Until the brokers have all of it."""
        for partition in list(self._batches):
            await self._send(partition)

    async def _send(self, partition: int) -> None:
        batch = self._batches.pop(partition)
        if batch.record_count():
            writer = await self._writers.get(TP(self._topic, partition))
            await writer.send(batch)


def after(settings: Settings, intent: Intent) -> Settings:
    """Settings as they are to be when a move is over."""
    return msgspec.structs.replace(settings, partitions=intent.to, state_generation=intent.generation)


def read_parts(settings: Settings, intent: Intent, own: int, spool: Spool) -> Parts:
    """One partition of the state as it is now, ready to be gone through. Raises StateError, TopicError."""
    pseudonyms = settings.pseudonyms()
    reveal = pseudonyms.reveal if pseudonyms is not None else str
    spool.fill(read_partition(settings, changelog_topic(settings), own))
    places = Places(spool, own, intent.before, intent.to, reveal)
    places.find_out()
    return Parts(spool, places, own)


def spool_directory(settings: Settings) -> Path:
    """Where one partition at a time is kept."""
    return Path(settings.data_dir).absolute() / "moving"


def survey(settings: Settings, intent: Intent, tell: Tell) -> Survey:
    """Go through all of the state, and write nothing. Raises StateError, TopicError."""
    found = Survey()
    for own in range(intent.before):
        tell(f"partition {own + 1} of {intent.before}: reading")
        with Spool(spool_directory(settings)) as spool:
            parts = read_parts(settings, intent, own, spool)
            written = 0
            for at, moved in enumerate(parts, 1):
                written += len(moved.key) + len(moved.value)
                if at % _TELL_EVERY == 0:
                    tell(f"partition {own + 1} of {intent.before}: {at:,} keys")
            found.add(parts, written)
    return found


def free_bytes(settings: Settings) -> int:
    """How much room there is for one partition at a time."""
    directory = spool_directory(settings)
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    return shutil.disk_usage(existing).free
