"""The embedded broker forgets the oldest batches beyond its retention, and says where the log begins."""

from kafka.record.default_records import DefaultRecordBatchBuilder

from engine.dev.broker import codes
from engine.dev.broker.log import PartitionLog


def batch(value: bytes) -> memoryview:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
    builder.append(0, timestamp=1, key=None, value=value, headers=[])
    return memoryview(bytes(builder.build()))


def test_the_oldest_batches_go_first() -> None:
    log = PartitionLog("t", 0, retention_bytes=3_000)
    for _ in range(10):
        assert log.append(batch(b"x" * 900))[0] == codes.NONE
    assert (log.start, log.end) == (7, 10)
    assert log.read(7, 10_000, log.end)


def test_damaged_batches_are_refused() -> None:
    log = PartitionLog("t", 0, retention_bytes=-1)
    damaged = bytearray(batch(b"x"))
    damaged[-1] ^= 1
    assert log.append(memoryview(damaged)) == (codes.CORRUPT_MESSAGE, -1)
    assert log.append(memoryview(b"short")) == (codes.CORRUPT_MESSAGE, -1)
    assert log.end == 0


def test_deleting_records_moves_the_beginning() -> None:
    log = PartitionLog("t", 0, retention_bytes=-1)
    for _ in range(4):
        log.append(batch(b"x"))
    log.delete_before(2)
    assert (log.start, log.end) == (2, 4)
