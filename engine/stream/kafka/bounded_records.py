"""Bounds what compressed record batches may become in memory, for every reader of aiokafka and kafka-python.

A few kilobytes of gzip or zstd hold gigabytes of blanks. `install` makes both clients, in this process:

- decompress a batch into no more than `limit` bytes, whatever its codec and message format. What goes beyond, what
  is damaged inside a batch with a valid checksum, and what the record reader stumbles over, does not raise into the
  fetcher, where it would stop the partition for good. The rest of the batch becomes one record: no key, no value, the
  header `refused` (`REFUSED`) with the reason, at the batch's *last* offset. There it is seen from wherever in the
  batch a reader begins, the next offset follows directly, and the gap before it is one that the broker shows again.
- end a fetch early once the records handed out of it have cost `limit` bytes. The next one goes on right behind it.

A wrong checksum of a batch still raises: that is damage on the way, and reading again may mend it.

Private seams used (aiokafka 0.14.0, kafka-python 3.0.12): the name `MemoryRecords` in `consumer/fetcher.py`, whose
batches are wrapped; the names `gzip_decode`, ... in `record/default_records.py` and `record/legacy_records.py`, which
the compiled readers (`record/_crecords/*.pyx`) look up among their globals as well; `_assert_has_codec` of
kafka-python's batches, as it knows no cramjam.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from engine.stream.kafka.bounded_codecs import DECODERS, HEADER_COST, RECORD_COST, Payload, TooLargeError, audit

LIMIT = 64 << 20
"""64 times what a broker accepts as a batch by default, which JSON does not reach; 8 times our own largest message."""

REFUSED = "refused"
TOO_LARGE = b"decompressed_size"
CORRUPT = b"corrupt"

_UNFOLDS = 8  # what is larger than this part of the limit is looked at before it becomes records
_READERS = ("record.default_records", "record.legacy_records")
_COMPILED = ("record._crecords.default_records", "record._crecords.legacy_records")

_log = logging.getLogger(__name__)
_current = threading.local()  # `records`: those that this thread decompresses for


def refusal_of(record: Any) -> str | None:
    """Why a record stands for others that are not read; None for any other record."""
    if record.key is not None or record.value is not None or not record.headers:
        return None
    reason = dict(record.headers).get(REFUSED)
    return reason.decode("utf-8", "replace")[:100] if reason is not None else None


class RefusedRecord(NamedTuple):
    """What stands for the records of a batch that are not read. Has what either client asks of a record."""

    offset: int
    timestamp: int
    headers: list[tuple[str, bytes]]
    timestamp_type: int = 0
    key: None = None
    value: None = None
    checksum: None = None
    size_in_bytes: int = 0

    def validate_crc(self) -> bool:
        """The batch has been checked."""
        return True


class BoundedBatch:
    """A batch of either client that yields a RefusedRecord instead of raising."""

    def __init__(self, batch: Any, records: "BoundedRecords") -> None:
        self._batch, self._records = batch, records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._read())

    def _read(self) -> list[Any]:
        batch, records, limit = self._batch, self._records, self._records.limit
        last, found, cost = batch.next_offset - 1, list[Any](), 0
        _current.records = records
        try:
            for record in batch:
                headers = record.headers
                cost += RECORD_COST + HEADER_COST * len(headers) if headers else RECORD_COST
                if cost > limit:
                    raise TooLargeError
                if record.offset > last:
                    raise ValueError(f"offset {record.offset} is none of this batch")
                found.append(record)
        except Exception as error:  # whatever a reader may raise over bytes that anybody could have sent
            reason = TOO_LARGE if isinstance(error, TooLargeError) else CORRUPT
            reached = found[-1].offset if found else -1
            _log.error("the batch up to offset %s was refused behind %s (%s): %r", last, reached, reason, error)
            if reached < last:
                stamp = getattr(batch, "max_timestamp", -1)
                found.append(RefusedRecord(offset=last, timestamp=stamp, headers=[(REFUSED, reason)]))
        finally:
            records.spent += cost
            _current.records = None
        return found


class BoundedRecords:
    """The batches of one fetch of one partition, until they have cost the limit."""

    def __init__(self, source: Callable[[Any], Any], limit: int, data: Any) -> None:
        self._source, self.limit, self.spent = source(data), limit, 0
        self.size_in_bytes = self._source.size_in_bytes

    def has_next(self) -> bool:
        """Whether there is a batch to be read now."""
        return self.spent < self.limit and bool(self._source.has_next())

    def next_batch(self) -> Any:
        """The next batch, or None."""
        if not self.has_next():
            return None
        batch = self._source.next_batch()
        return batch if batch is None or getattr(batch, "is_control_batch", False) else BoundedBatch(batch, self)


def install(limit: int = LIMIT) -> None:
    """Bound both clients in this process, from their next fetch on. Again: with another limit."""
    for client in ("aiokafka", "kafka"):
        memory_records: Any = import_module(f"{client}.record.memory_records").MemoryRecords
        fetcher: Any = import_module(f"{client}.consumer.fetcher")
        fetcher.MemoryRecords = partial(BoundedRecords, memory_records, limit)
        for name in (*_READERS, *(_COMPILED if memory_records.__module__.startswith("aiokafka.record._c") else ())):
            module = import_module(f"{client}.{name}")
            for codec, decode in DECODERS.items():
                if hasattr(module, codec):
                    setattr(module, codec, partial(_decode, decode, limit, "default" in name))
            if client == "kafka":
                batch = module.DefaultRecordBatch if "default" in name else module.LegacyRecordBatch
                batch._assert_has_codec = lambda self, codec: True


def _decode(decode: Callable[[Any, int], Payload], limit: int, unfolds: bool, data: Any) -> Payload:
    payload = decode(data, limit)
    if unfolds and len(payload) > limit // _UNFOLDS:
        audit(payload, limit)
    records = getattr(_current, "records", None)
    if records is not None:
        records.spent += len(payload)
    return payload
