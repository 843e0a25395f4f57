"""Transactional producers: ids, epochs, and which partitions and offsets a transaction touches."""

from dataclasses import dataclass, field

from engine.dev.broker import codes
from engine.dev.broker.groups import Groups, Offset
from engine.dev.broker.topics import Topics


@dataclass(slots=True)
class Transaction:
    """One transactional id's producer and its open transaction."""

    producer_id: int
    epoch: int = 0
    partitions: set[tuple[str, int]] = field(default_factory=set)
    offsets: dict[str, dict[tuple[str, int], Offset]] = field(default_factory=dict)


class Transactions:
    """The transaction coordinator."""

    def __init__(self, topics: Topics, groups: Groups) -> None:
        self._topics, self._groups = topics, groups
        self._by_id: dict[str, Transaction] = {}
        self._next_producer_id = 1_000

    def begin_producer(self, transactional_id: str | None) -> tuple[int, int]:
        """A producer id and epoch. A known transactional id fences its older producer."""
        if transactional_id is None:
            return self._new_id(), 0
        known = self._by_id.get(transactional_id)
        if known is None:
            known = self._by_id[transactional_id] = Transaction(self._new_id())
        else:
            self._finish(known, committed=False)
            known.epoch += 1
        return known.producer_id, known.epoch

    def find(self, transactional_id: str, producer_id: int, epoch: int) -> tuple[Transaction | None, int]:
        """The transaction of a producer, or an error code."""
        known = self._by_id.get(transactional_id)
        if known is None or known.producer_id != producer_id:
            return None, codes.INVALID_PRODUCER_ID_MAPPING
        if known.epoch != epoch:
            return None, codes.INVALID_PRODUCER_EPOCH
        return known, codes.NONE

    def end(self, transaction: Transaction, committed: bool) -> None:
        """Commit or abort."""
        self._finish(transaction, committed)

    def _finish(self, transaction: Transaction, committed: bool) -> None:
        for topic, index in sorted(transaction.partitions):
            partition = self._topics.partition(topic, index)
            if partition is not None:
                partition.finish_transaction(transaction.producer_id, transaction.epoch, committed)
        if committed:
            for group_id, offsets in transaction.offsets.items():
                self._groups.get(group_id).offsets.update(offsets)
        transaction.partitions.clear()
        transaction.offsets.clear()

    def _new_id(self) -> int:
        self._next_producer_id += 1
        return self._next_producer_id
