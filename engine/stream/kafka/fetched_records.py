"""The records of a fetch as aiokafka's consumers hand them out, made in one call each.

aiokafka makes a dataclass of eleven fields of each record, behind two generators and a method. A worker reads one
record for each event and for each entity that it visits; made like this, a record costs half.

Private seams used (aiokafka 0.14.0, consumer/fetcher.py): the name `PartitionRecords`, its `_consumer_record`,
`_records_iterator`, `_key_deserializer` and `_value_deserializer`; `FetchResult.getall`, which iterates over it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka.consumer import fetcher


class FetchedRecord(msgspec.Struct):
    """A record of a topic, as `aiokafka.ConsumerRecord` has it. `key`, `value`: bytes, or None."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: Any
    value: Any
    headers: tuple[tuple[str, bytes], ...]
    checksum: int | None = None

    @property
    def serialized_key_size(self) -> int:
        """In bytes; -1 without a key."""
        return -1 if self.key is None else len(self.key)

    @property
    def serialized_value_size(self) -> int:
        """In bytes; -1 without a value."""
        return -1 if self.value is None else len(self.value)


class FetchedRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """The records of one partition that a fetch has brought."""

    def __iter__(self) -> Iterator[Any]:
        return self._records_iterator or iter(())

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        if self._key_deserializer or self._value_deserializer:
            return super()._consumer_record(tp, record)
        return FetchedRecord(
            tp.topic, tp.partition, record.offset, record.timestamp, record.timestamp_type, record.key, record.value,
            tuple(record.headers), record.checksum,
        )  # fmt: skip


def install() -> None:
    """Let aiokafka's consumers in this process read so, from their next fetch on."""
    fetcher.PartitionRecords = FetchedRecords
