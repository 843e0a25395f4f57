"""Idempotent and transactional producers on the wire."""

from typing import Any

from kafka.protocol.producer import (
    AddOffsetsToTxnResponse,
    AddPartitionsToTxnResponse,
    EndTxnResponse,
    InitProducerIdResponse,
    TxnOffsetCommitResponse,
)

from engine.dev.broker import codes
from engine.dev.broker.topics import Topics
from engine.dev.broker.transactions import Transactions


class TransactionApi:
    """The handlers by API key; each takes (request, version, client id)."""

    def __init__(self, topics: Topics, transactions: Transactions) -> None:
        self._topics, self._transactions = topics, transactions
        self.handlers = {
            22: self.begin_producer, 24: self.add_partitions, 25: self.add_offsets, 26: self.end,
            28: self.commit_offsets,
        }  # fmt: skip

    def begin_producer(self, request: Any, _version: int, _client: str) -> Any:
        """A producer id and epoch."""
        producer_id, epoch = self._transactions.begin_producer(request.transactional_id or None)
        return InitProducerIdResponse(throttle_time_ms=0, error_code=0, producer_id=producer_id, producer_epoch=epoch)

    def add_partitions(self, request: Any, _version: int, _client: str) -> Any:
        """Partitions that the transaction will write to."""
        transaction, error = self._transactions.find(
            request.v3_and_below_transactional_id,
            request.v3_and_below_producer_id,
            request.v3_and_below_producer_epoch,
        )
        made = AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult
        topics = []
        for topic in request.v3_and_below_topics:
            parts = []
            for index in topic.partitions:
                known = self._topics.partition(topic.name, index) is not None
                if transaction is not None and known:
                    transaction.partitions.add((topic.name, index))
                code = error or (codes.NONE if known else codes.UNKNOWN_TOPIC_OR_PARTITION)
                parts.append(made.AddPartitionsToTxnPartitionResult(partition_index=index, partition_error_code=code))
            topics.append(made(name=topic.name, results_by_partition=parts))
        return AddPartitionsToTxnResponse(throttle_time_ms=0, results_by_topic_v3_and_below=topics)

    def add_offsets(self, request: Any, _version: int, _client: str) -> Any:
        """The transaction will commit a group's offsets."""
        error = self._find(request)[1]
        return AddOffsetsToTxnResponse(throttle_time_ms=0, error_code=error)

    def commit_offsets(self, request: Any, _version: int, _client: str) -> Any:
        """Offsets that take effect with the transaction."""
        transaction, error = self._find(request)
        made = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic
        topics = []
        for topic in request.topics:
            for part in topic.partitions if transaction is not None else ():
                pending = transaction.offsets.setdefault(request.group_id, {})
                pending[topic.name, part.partition_index] = (part.committed_offset, part.committed_metadata or "")
            parts = [
                made.TxnOffsetCommitResponsePartition(partition_index=part.partition_index, error_code=error)
                for part in topic.partitions
            ]
            topics.append(made(name=topic.name, partitions=parts))
        return TxnOffsetCommitResponse(throttle_time_ms=0, topics=topics)

    def end(self, request: Any, _version: int, _client: str) -> Any:
        """Commit or abort."""
        transaction, error = self._find(request)
        if transaction is not None:
            self._transactions.end(transaction, bool(request.committed))
        return EndTxnResponse(throttle_time_ms=0, error_code=error)

    def _find(self, request: Any) -> Any:
        return self._transactions.find(request.transactional_id, request.producer_id, request.producer_epoch)
