"""Produce, fetch, and the look-ups of offsets."""

import asyncio
from typing import Any

from kafka.protocol.consumer import FetchResponse, ListOffsetsResponse, OffsetForLeaderEpochResponse
from kafka.protocol.producer import ProduceResponse
from kafka.record.default_records import DefaultRecordBatch

from engine.dev.broker import codes
from engine.dev.broker.log import PartitionLog
from engine.dev.broker.topics import Topics

_EARLIEST, _LATEST = -2, -1
_LISTS_STABLE_FROM_VERSION = 2


class DataApi:
    """The handlers by API key; each takes (request, version, client id)."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self.handlers = {0: self.produce, 1: self.fetch, 2: self.list_offsets, 23: self.offsets_for_epoch}

    def produce(self, request: Any, _version: int, _client: str) -> Any:
        """Append to the logs; no answer when the producer wants none (acks=0)."""
        answered = ProduceResponse.TopicProduceResponse
        responses = [
            answered(
                name=topic.name, partition_responses=[self._append(topic.name, part) for part in topic.partition_data]
            )
            for topic in request.topic_data
        ]
        return ProduceResponse(responses=responses, throttle_time_ms=0) if request.acks else None

    def _append(self, topic: str, part: Any) -> Any:
        log = self._topics.partition(topic, part.index)
        error, base = codes.UNKNOWN_TOPIC_OR_PARTITION, -1
        if log is not None:
            if part.records is None:
                error = codes.CORRUPT_MESSAGE
            elif len(part.records) > self._topics.max_message_bytes(topic):
                error = codes.MESSAGE_TOO_LARGE
            else:
                error, base = log.append(memoryview(part.records))
        return ProduceResponse.TopicProduceResponse.PartitionProduceResponse(
            index=part.index, error_code=error, base_offset=base, log_append_time_ms=-1,
            log_start_offset=log.start if log else -1, record_errors=[], error_message=None,
        )  # fmt: skip

    async def fetch(self, request: Any, _version: int, _client: str) -> Any:
        """Read from the logs, waiting up to the request's limit until there is something."""
        loop = asyncio.get_running_loop()
        until = loop.time() + request.max_wait_ms / 1000
        while True:
            response, size, failed, logs = self._read_all(request)
            remaining_s = until - loop.time()
            if size >= request.min_bytes or failed or remaining_s <= 0:
                return response
            woken = asyncio.Event()
            for log in logs:
                log.watch(woken)
            try:
                await asyncio.wait_for(woken.wait(), remaining_s)
            except TimeoutError:
                pass
            finally:
                for log in logs:
                    log.unwatch(woken)

    def _read_all(self, request: Any) -> tuple[Any, int, bool, list[PartitionLog]]:
        size, failed, logs, responses = 0, False, [], []
        for topic in request.topics:
            parts = []
            for part in topic.partitions:
                log = self._topics.partition(topic.topic, part.partition)
                room = min(part.partition_max_bytes, request.max_bytes - size)
                answer = self._read(log, part, room, bool(request.isolation_level))
                size += len(answer.records)
                failed |= answer.error_code != codes.NONE
                if log is not None:
                    logs.append(log)
                parts.append(answer)
            responses.append(FetchResponse.FetchableTopicResponse(topic=topic.topic, partitions=parts))
        whole = FetchResponse(throttle_time_ms=0, error_code=0, session_id=0, responses=responses)
        return whole, size, failed, logs

    @staticmethod
    def _read(log: PartitionLog | None, part: Any, room: int, committed_only: bool) -> Any:
        error, records, aborted = codes.NONE, b"", None
        if log is None:
            error = codes.UNKNOWN_TOPIC_OR_PARTITION
        elif not log.start <= part.fetch_offset <= log.end:
            error = codes.OFFSET_OUT_OF_RANGE
        elif room > 0:
            records = log.read(part.fetch_offset, room, log.last_stable_offset if committed_only else log.end)
        made = FetchResponse.FetchableTopicResponse.PartitionData
        if committed_only and log is not None:
            aborted = [
                made.AbortedTransaction(producer_id=entry.producer_id, first_offset=entry.first_offset)
                for entry in log.aborted
                if entry.last_offset >= part.fetch_offset
            ]
        return made(
            partition_index=part.partition, error_code=error, high_watermark=log.end if log else -1,
            last_stable_offset=log.last_stable_offset if log else -1, log_start_offset=log.start if log else -1,
            aborted_transactions=aborted, preferred_read_replica=-1, records=records,
        )  # fmt: skip

    def list_offsets(self, request: Any, version: int, _client: str) -> Any:
        """The first or last offset, or the first at or after a time."""
        made = ListOffsetsResponse.ListOffsetsTopicResponse
        topics = []
        for topic in request.topics:
            parts = []
            for part in topic.partitions:
                log = self._topics.partition(topic.name, part.partition_index)
                stable = version >= _LISTS_STABLE_FROM_VERSION and bool(request.isolation_level)
                offset, timestamp = _find_offset(log, part.timestamp, stable) if log else (-1, -1)
                parts.append(
                    made.ListOffsetsPartitionResponse(
                        partition_index=part.partition_index,
                        error_code=codes.NONE if log else codes.UNKNOWN_TOPIC_OR_PARTITION,
                        timestamp=timestamp,
                        offset=offset,
                        leader_epoch=0,
                    )
                )
            topics.append(made(name=topic.name, partitions=parts))
        return ListOffsetsResponse(throttle_time_ms=0, topics=topics)

    def offsets_for_epoch(self, request: Any, _version: int, _client: str) -> Any:
        """There is one leader epoch: it ends where the log ends."""
        made = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult
        topics = []
        for topic in request.topics:
            parts = []
            for part in topic.partitions:
                log = self._topics.partition(topic.topic, part.partition)
                parts.append(
                    made.EpochEndOffset(
                        error_code=codes.NONE if log else codes.UNKNOWN_TOPIC_OR_PARTITION,
                        partition=part.partition,
                        leader_epoch=0,
                        end_offset=log.end if log else -1,
                    )
                )
            topics.append(made(topic=topic.topic, partitions=parts))
        return OffsetForLeaderEpochResponse(throttle_time_ms=0, topics=topics)


def _find_offset(log: PartitionLog, timestamp: int, stable: bool) -> tuple[int, int]:
    if timestamp == _EARLIEST:
        return log.start, -1
    if timestamp == _LATEST:
        return (log.last_stable_offset if stable else log.end), -1
    position = log.batch_at_time(timestamp)
    if position is None:
        return -1, -1
    base, batch = position
    for record in DefaultRecordBatch(batch.data):
        if record.timestamp >= timestamp and record.offset >= log.start:  # of its batch some may have been deleted
            return record.offset, record.timestamp
    return max(base, log.start), batch.max_timestamp
