"""One partition's log: record batches in memory, retention, idempotent producers, transactions."""

import asyncio
import struct
import time
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field

from crc32c import crc32c

from engine.dev.broker import codes

_BATCH = struct.Struct(">qiibIhiqqqhii")
"""base offset, length, leader epoch, magic, crc, attributes, last offset delta, first timestamp,
max timestamp, producer id, producer epoch, base sequence, record count (message format v2)."""

_LENGTH_UPTO = 12  # a batch's length field counts what follows it
_CRC_FROM = 21
_TRANSACTIONAL, _CONTROL = 0x10, 0x20
_REMEMBERED_BATCHES = 5  # an idempotent producer has at most five requests in flight


@dataclass(slots=True)
class StoredBatch:
    """One record batch with its offsets rewritten."""

    last_offset: int
    max_timestamp: int
    data: bytes


@dataclass(slots=True)
class _Producer:
    epoch: int
    recent: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_BATCHES))
    next_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class AbortedTransaction:
    """A range of offsets that read_committed consumers skip."""

    producer_id: int
    first_offset: int
    last_offset: int


class PartitionLog:
    """An append-only log. `retention_bytes` below 0 keeps everything."""

    def __init__(self, topic: str, index: int, retention_bytes: int) -> None:
        self.topic, self.index, self.retention_bytes = topic, index, retention_bytes
        self.start, self.end, self.size_bytes = 0, 0, 0
        self.aborted: list[AbortedTransaction] = []
        self._bases: list[int] = []
        self._batches: list[StoredBatch] = []
        self._producers: dict[int, _Producer] = {}
        self._open_transactions: dict[int, int] = {}
        self._waiters: set[asyncio.Event] = set()

    @property
    def last_stable_offset(self) -> int:
        """The first offset that belongs to an unfinished transaction, or the end."""
        return min(self._open_transactions.values(), default=self.end)

    def append(self, records: memoryview) -> tuple[int, int]:
        """Append one or more batches. Returns (error code, base offset of the first)."""
        at, first = 0, self.end
        while at < len(records):
            if len(records) - at < _BATCH.size:
                return codes.CORRUPT_MESSAGE, -1
            head = _BATCH.unpack_from(records, at)
            length = head[1] + _LENGTH_UPTO
            batch = records[at : at + length]
            if head[3] != 2 or head[12] < 1 or len(batch) != length or crc32c(batch[_CRC_FROM:]) != head[4]:
                return codes.CORRUPT_MESSAGE, -1
            error, duplicate_of = self._check_sequence(head)
            if error != codes.NONE:
                return error, -1
            if duplicate_of is not None:
                return codes.NONE, duplicate_of
            self._store(batch, last_offset_delta=head[6], max_timestamp=head[8])
            at += length
        self._enforce_retention()
        self.wake()
        return codes.NONE, first

    def read(self, offset: int, max_bytes: int, upto: int) -> bytes:
        """Whole batches from the one that holds `offset`, at least one, below `upto`."""
        chunks: list[bytes] = []
        size = 0
        for index in range(max(0, bisect_right(self._bases, offset) - 1), len(self._batches)):
            batch = self._batches[index]
            if self._bases[index] >= upto or (chunks and size + len(batch.data) > max_bytes):
                break
            if batch.last_offset >= offset:
                chunks.append(batch.data)
                size += len(batch.data)
        return b"".join(chunks)

    def batch_at_time(self, timestamp: int) -> tuple[int, StoredBatch] | None:
        """The first batch that may hold a record at or after a time, with its base offset."""
        for base, batch in zip(self._bases, self._batches, strict=True):
            if batch.max_timestamp >= timestamp:
                return base, batch
        return None

    def delete_before(self, offset: int) -> None:
        """Forget everything before an offset."""
        self.start = max(self.start, min(offset, self.end))
        while self._batches and self._batches[0].last_offset < self.start:
            self.size_bytes -= len(self._batches[0].data)
            del self._bases[0], self._batches[0]

    def finish_transaction(self, producer_id: int, epoch: int, committed: bool) -> None:
        """Write the marker that ends a producer's transaction here. It fences older epochs, even where the transaction
        has written nothing."""
        first = self._open_transactions.pop(producer_id, None)
        known = self._producers.get(producer_id)
        if known is None or known.epoch < epoch:
            self._producers[producer_id] = _Producer(epoch)
        if first is not None and not committed:
            self.aborted.append(AbortedTransaction(producer_id, first, self.end))
        self._store(memoryview(_control_batch(producer_id, epoch, committed)), 0, int(time.time() * 1000))
        self.wake()

    def watch(self, waiter: asyncio.Event) -> None:
        """Set `waiter` at the next append."""
        self._waiters.add(waiter)

    def unwatch(self, waiter: asyncio.Event) -> None:
        """Stop watching."""
        self._waiters.discard(waiter)

    def wake(self) -> None:
        """Wake everyone who waits for data here."""
        for waiter in self._waiters:
            waiter.set()
        self._waiters.clear()

    def _check_sequence(self, head: tuple[int, ...]) -> tuple[int, int | None]:
        producer_id, epoch, sequence, count, attributes = head[9], head[10], head[11], head[12], head[5]
        if producer_id < 0 or attributes & _CONTROL:
            return codes.NONE, None
        known = self._producers.get(producer_id)
        if known is not None and epoch < known.epoch:
            return codes.INVALID_PRODUCER_EPOCH, None
        if known is None or epoch > known.epoch:
            known = self._producers[producer_id] = _Producer(epoch)
        for base_sequence, batch_count, base_offset in known.recent:
            if (base_sequence, batch_count) == (sequence, count):
                return codes.NONE, base_offset
        if known.next_sequence is not None and sequence != known.next_sequence:
            return codes.OUT_OF_ORDER_SEQUENCE_NUMBER, None
        known.recent.append((sequence, count, self.end))
        known.next_sequence = (sequence + count) & 0x7FFFFFFF
        if attributes & _TRANSACTIONAL:
            self._open_transactions.setdefault(producer_id, self.end)
        return codes.NONE, None

    def _store(self, batch: memoryview, last_offset_delta: int, max_timestamp: int) -> None:
        data = bytearray(batch)
        struct.pack_into(">q", data, 0, self.end)
        struct.pack_into(">i", data, _LENGTH_UPTO, 0)
        self._bases.append(self.end)
        self._batches.append(StoredBatch(self.end + last_offset_delta, max_timestamp, bytes(data)))
        self.size_bytes += len(data)
        self.end += last_offset_delta + 1

    def _enforce_retention(self) -> None:
        if self.retention_bytes < 0:
            return
        drop = 0
        while self.size_bytes > self.retention_bytes and drop < len(self._batches) - 1:
            self.size_bytes -= len(self._batches[drop].data)
            drop += 1
        if drop:
            self.start = self._bases[drop]
            del self._bases[:drop], self._batches[:drop]


def _control_batch(producer_id: int, epoch: int, committed: bool) -> bytes:
    def varint(value: int) -> bytes:  # zigzag; every length here fits one byte
        return bytes([value << 1])

    key, value = struct.pack(">hh", 0, int(committed)), struct.pack(">hi", 0, 0)
    body = b"\0" + varint(0) + varint(0) + varint(len(key)) + key + varint(len(value)) + value + varint(0)
    record = varint(len(body)) + body
    now = int(time.time() * 1000)
    after_crc = struct.pack(">hiqqqhii", _TRANSACTIONAL | _CONTROL, 0, now, now, producer_id, epoch, -1, 1) + record
    before_crc = struct.pack(">qiib", 0, len(after_crc) + _CRC_FROM - _LENGTH_UPTO, 0, 2)
    return before_crc + struct.pack(">I", crc32c(after_crc)) + after_crc
