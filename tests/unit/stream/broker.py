"""A topic's clients without a broker, for the tests of what commands send and read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

from kafka import TopicPartition


class Sent(NamedTuple):
    """A message as it was given to a producer."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: Any
    partition: int | None
    timestamp_ms: int | None


class Sending:
    """What a producer gives back for a message. `error`: why the broker refuses it."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error, self.is_done, self.offset = error, False, 7

    def get(self, timeout: float) -> "Sending":
        if self._error is not None:
            raise self._error
        return self

    def add_errback(self, told: Callable[[BaseException], Any]) -> None:
        if self._error is not None:
            told(self._error)


class Producer:
    """Keeps what it is sent. `flushed`: how many messages there were at each flush."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.sent, self.sendings = error, list[Sent](), list[Sending]()
        self.flushed, self.closed = list[int](), 0

    def send(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, headers: Any = None,
        partition: int | None = None, timestamp_ms: int | None = None,
    ) -> Sending:  # fmt: skip
        self.sent.append(Sent(topic, value, key, headers, partition, timestamp_ms))
        self.sendings.append(Sending(self.error))
        return self.sendings[-1]

    def flush(self) -> None:
        self.flushed.append(len(self.sent))
        for one in self.sendings:
            one.is_done = True

    def close(self) -> None:
        self.closed += 1


class Consumer:
    """Reads one topic, a message of each partition at a poll. It fails when it is asked for more than there is, where a
    real one would wait for what never comes."""

    def __init__(self, topic: str, partitions: dict[int, list[Any]]) -> None:
        self._topic, self._at = topic, dict.fromkeys(partitions, 0)
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(self._partitions) if topic == self._topic else None

    def assign(self, found: list[TopicPartition]) -> None:
        assert {one.partition for one in found} == set(self._partitions)

    def end_offsets(self, found: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {one: len(self._partitions[one.partition]) for one in found}

    def seek_to_beginning(self, *found: TopicPartition) -> None:
        self._at |= {one.partition: 0 for one in found}

    def seek(self, one: TopicPartition, offset: int) -> None:
        self._at[one.partition] = offset

    def position(self, one: TopicPartition) -> int:
        return self._at[one.partition]

    def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
        found: dict[TopicPartition, Any] = {}
        for one, since in times.items():
            later = (at for at, record in enumerate(self._partitions[one.partition]) if record.timestamp >= since)
            at = next(later, None)
            found[one] = SimpleNamespace(offset=at) if at is not None else None
        return found

    def poll(self, timeout_ms: int) -> dict[int, list[Any]]:
        found = {number: records[self._at[number] :][:1] for number, records in self._partitions.items()}
        assert any(found.values()), "nothing is left to read"
        for number, records in found.items():
            self._at[number] += len(records)
        return found


def consumer_of(topic: str, partitions: dict[int, list[Any]]) -> Callable[[Any], Any]:
    """What stands for `clients.consumer`."""

    @contextmanager
    def connected(_: Any) -> Iterator[Consumer]:
        yield Consumer(topic, partitions)

    return connected


def topics_of(topics: dict[str, list[Any]]) -> Callable[..., Iterable[Any]]:
    """What stands for `publishing.read_all`; a topic that is not given is empty."""
    return lambda _, topic, *__, **___: iter(topics.get(topic, ()))
