"""Records as a worker reads them say what aiokafka's say."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record import memory_records
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

from engine.stream.kafka.fetched_records import FetchedRecord, FetchedRecords, install

TP = TopicPartition("t", 3)
READERS = [reader for reader in fetcher.PartitionRecords.__mro__ if reader.__module__.startswith("aiokafka")]
"""Theirs, also where ours has taken its place in this process."""


def built(magic: int) -> bytes:
    builder: Any
    if magic == 2:
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
        for number, (key, value) in enumerate([(b"k", b"v"), (None, b""), (b"", None)]):
            builder.append(number, 1_000 + number, key, value, [("h", b"x"), ("n", None)][:number])
    else:
        builder = LegacyRecordBatchBuilder(magic, 0, 1 << 20)
        for number, (key, value) in enumerate([(b"k", b"v"), (None, b""), (b"", None)]):
            builder.append(number, 1_000 + number, key, value)
    return bytes(builder.build())


def read(reader: Any, data: bytes, start: int = 0, deserializer: Any = None) -> Any:
    return reader(TP, memory_records.MemoryRecords(data), None, start, deserializer, None, True, fetcher.READ_COMMITTED)


@pytest.mark.parametrize("magic", [0, 1, 2])
def test_every_field_is_as_aiokafka_has_it(magic: int) -> None:
    theirs, ours = list(read(READERS[0], built(magic))), list(read(FetchedRecords, built(magic)))
    names = theirs[0].__dataclass_fields__
    assert len(theirs) == 3
    assert [[getattr(one, name) for name in names] for one in ours] == [
        [getattr(one, name) for name in names] for one in theirs
    ]
    assert {type(one) for one in ours} == {FetchedRecord}


def test_reading_goes_on_where_it_has_stopped() -> None:
    records = read(FetchedRecords, built(2), start=1)
    assert next(records).offset == 1
    assert [one.offset for one in records] == [2]
    assert records.next_fetch_offset == 3
    assert list(records) == []


def test_what_a_consumer_translates_stays_translated() -> None:
    first = next(iter(read(FetchedRecords, built(2), deserializer=lambda key: key and key.decode())))
    assert (first.key, first.value) == ("k", b"v")


def test_workers_read_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "PartitionRecords", READERS[0])
    install()
    assert fetcher.PartitionRecords is FetchedRecords
