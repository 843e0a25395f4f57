"""What Kafka's clients may rely on, with their default settings. The embedded broker and Kafka both keep it."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import aiokafka
import confluent_kafka
import confluent_kafka.admin
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import OffsetOutOfRangeError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from tests.system import led_partitions, wait_until


@pytest.fixture
def topic(broker: str) -> str:
    """A topic of its own for each test, with three partitions."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(name, 3, 1)])
    # Kafka says a topic is created before it tells of it, and a member of a group who asks in between is given nothing
    # of it until its metadata is five minutes old (kafka/coordinator/assignors/range.py).
    wait_until(lambda: led_partitions(admin, [name]) == 3, "the topic is told of")
    admin.close()
    return name


def produce(broker: str, topic: str, values: list[bytes], **options: Any) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, **options)
    for index, value in enumerate(values):
        producer.send(topic, value=value, key=str(index).encode())
    producer.flush()
    producer.close()


def member(broker: str, topic: str, group: str, **options: Any) -> KafkaConsumer:
    """A member of a group that knows the topic before it joins: kafka-python 3.0 does not wait for that itself
    (kafka/coordinator/consumer.py does so for patterns alone), and who leads a group without knowing it gives nobody
    anything of it."""
    consumer = KafkaConsumer(topic, bootstrap_servers=broker, group_id=group, auto_offset_reset="earliest", **options)
    wait_until(lambda: consumer.partitions_for_topic(topic), "the member knows the topic")
    return consumer


def consume(broker: str, topic: str, count: int, **options: Any) -> list[bytes]:
    consumer = member(broker, topic, f"g-{uuid.uuid4().hex[:8]}", **options)
    found: list[bytes] = []

    def more() -> bool:
        for records in consumer.poll(timeout_ms=200).values():
            found.extend(record.value for record in records)
        return len(found) >= count

    wait_until(more, f"{count} messages are read, {len(found)} are")
    consumer.close()
    return found


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_kafka_python_reads_what_it_wrote(broker: str, topic: str, compression: str | None) -> None:
    values = [b"value %d" % index for index in range(500)]
    produce(broker, topic, values, compression_type=compression)
    assert sorted(consume(broker, topic, 500)) == sorted(values)


def test_aiokafka_reads_what_it_wrote(broker: str, topic: str) -> None:
    async def run() -> list[bytes]:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=broker)
        await producer.start()
        for index in range(300):
            await producer.send(topic, b"%d" % index)
        await producer.stop()
        consumer = aiokafka.AIOKafkaConsumer(
            topic, bootstrap_servers=broker, auto_offset_reset="earliest", group_id=f"g-{topic}"
        )
        await consumer.start()
        found = [(await consumer.getone()).value for _ in range(300)]
        await consumer.stop()
        return found

    assert sorted(map(int, asyncio.run(run()))) == list(range(300))


@pytest.mark.parametrize("compression", ["none", "zstd", "lz4", "snappy"])
def test_confluent_kafka_reads_what_it_wrote(broker: str, topic: str, compression: str) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": broker, "compression.type": compression})
    for index in range(300):
        producer.produce(topic, b"%d" % index)
    assert producer.flush(20) == 0
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker, "group.id": f"g-{topic}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    found: list[int] = []

    def more() -> bool:
        found.extend(int(message.value()) for message in consumer.consume(500, 0.2) if not message.error())
        return len(found) >= 300

    wait_until(more, "all messages are read")
    consumer.close()
    assert sorted(found) == list(range(300))


def test_an_idempotent_producer_writes_each_message_once(broker: str, topic: str) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": broker, "enable.idempotence": True})
    for index in range(500):
        producer.produce(topic, b"%d" % index, partition=0)
    assert producer.flush(20) == 0
    assert [int(value) for value in consume(broker, topic, 500)] == list(range(500))


def test_offsets_have_beginnings_ends_and_times(broker: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker)
    for index in range(10):
        producer.send(topic, b"x", partition=1, timestamp_ms=1_000_000 + index * 1_000).get(timeout=60)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=broker)
    tp = TopicPartition(topic, 1)
    assert consumer.beginning_offsets([tp]) == {tp: 0}
    assert consumer.end_offsets([tp]) == {tp: 10}
    found = consumer.offsets_for_times({tp: 1_004_500})[tp]
    assert (found.offset, found.timestamp) == (5, 1_005_000)
    consumer.close()


def test_records_before_an_offset_are_deleted(broker: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker)
    for index in range(10):
        producer.send(topic, b"%d" % index, partition=1, timestamp_ms=1_000_000 + index)
    producer.flush()  # in one batch or in several
    producer.close()
    admin, tp = KafkaAdminClient(bootstrap_servers=broker), TopicPartition(topic, 1)
    admin.delete_records({tp: 4})
    consumer = KafkaConsumer(bootstrap_servers=broker)
    assert (consumer.beginning_offsets([tp]), consumer.end_offsets([tp])) == ({tp: 4}, {tp: 10})
    assert consumer.offsets_for_times({tp: 1})[tp].offset == 4
    consumer.assign([tp])
    consumer.seek_to_beginning(tp)
    found: list[bytes] = []

    def more() -> bool:
        found.extend(record.value for records in consumer.poll(timeout_ms=200).values() for record in records)
        return len(found) >= 6

    wait_until(more, "what is left is read")
    assert found == [b"%d" % index for index in range(4, 10)]
    with pytest.raises(OffsetOutOfRangeError):
        admin.delete_records({tp: 11})
    admin.delete_records({tp: -1})
    assert consumer.beginning_offsets([tp]) == consumer.end_offsets([tp]) == {tp: 10}
    consumer.close()
    admin.close()


def test_a_waiting_consumer_is_woken_by_a_message(broker: str, topic: str) -> None:
    consumer = KafkaConsumer(bootstrap_servers=broker, fetch_max_wait_ms=90_000, request_timeout_ms=120_000)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_end()
    consumer.poll(timeout_ms=300)
    later = threading.Timer(0.3, lambda: produce_one(broker, topic))
    later.start()
    assert wait_until(lambda: consumer.poll(timeout_ms=500), "the message arrives", timeout_s=60)
    later.join()
    consumer.close()


def produce_one(broker: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker)
    producer.send(topic, b"wake up", partition=0).get(timeout=60)
    producer.close()


def test_large_messages_pass_and_too_large_ones_are_refused(broker: str) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(name, 1, 1, topic_configs={"max.message.bytes": "2000000"})])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker, max_request_size=9_000_000)
    producer.send(name, b"x" * 1_900_000).get(timeout=60)
    with pytest.raises(Exception, match=r"(?i)large"):
        producer.send(name, b"x" * 3_000_000).get(timeout=60)
    producer.close()
    assert [len(value) for value in consume(broker, name, 1)] == [1_900_000]


def test_topics_are_created_grown_described_and_deleted(broker: str) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(name, 2, 1, topic_configs={"retention.ms": "60000"})])
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(name, 2, 1)])
    admin.create_partitions({name: NewPartitions(total_count=5)})
    consumer = KafkaConsumer(bootstrap_servers=broker)
    wait_until(lambda: len(consumer.partitions_for_topic(name) or ()) == 5, "the topic has grown")
    consumer.close()
    described = str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)]))
    assert "60000" in described
    admin.delete_topics([name])
    wait_until(lambda: name not in admin.list_topics(), "the topic is gone")
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([name])
    admin.close()


def test_confluent_admin_creates_topics_too(broker: str) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker})
    admin.create_topics([confluent_kafka.admin.NewTopic(name, 2, 1)])[name].result(timeout=60)
    assert len(admin.list_topics(name, timeout=60).topics[name].partitions) == 2


def group_consumer(broker: str, topic: str, group: str) -> KafkaConsumer:
    return member(broker, topic, group, session_timeout_ms=6_000, heartbeat_interval_ms=500, enable_auto_commit=False)


class Poller(threading.Thread):
    """Polls a consumer in its own thread until told to stop; remembers what it read."""

    def __init__(self, make: Callable[[], KafkaConsumer]) -> None:
        super().__init__(daemon=True)
        self.read: list[tuple[int, int]] = []
        self.assigned: set[int] = set()
        self._make, self._stopping = make, threading.Event()

    def run(self) -> None:
        consumer = self._make()
        while not self._stopping.is_set():
            for tp, records in consumer.poll(timeout_ms=100).items():
                self.read += [(tp.partition, record.offset) for record in records]
                consumer.commit()
            self.assigned = {tp.partition for tp in consumer.assignment()}
        consumer.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join(60)


def test_two_members_share_the_partitions_and_one_takes_over(broker: str, topic: str) -> None:
    group = f"g-{topic}"
    first = Poller(lambda: group_consumer(broker, topic, group))
    first.start()
    wait_until(lambda: first.assigned == {0, 1, 2}, "the first member has everything")
    second = Poller(lambda: group_consumer(broker, topic, group))
    second.start()

    def shared() -> bool:
        both = first.assigned and second.assigned and not first.assigned & second.assigned
        return bool(both) and first.assigned | second.assigned == {0, 1, 2}

    wait_until(shared, "both have a share")
    produce(broker, topic, [b"x"] * 60)
    wait_until(lambda: len(first.read) + len(second.read) == 60, "everything is read once")
    first.stop()
    wait_until(lambda: second.assigned == {0, 1, 2}, "the second member takes over")
    produce(broker, topic, [b"y"] * 30)
    wait_until(lambda: len(first.read) + len(second.read) == 90, "nothing is lost, nothing is read again")
    second.stop()
    assert len(set(first.read + second.read)) == 90


def test_committed_offsets_outlive_their_member(broker: str, topic: str) -> None:
    group = f"g-{topic}"
    produce(broker, topic, [b"x"] * 30)
    consumer = group_consumer(broker, topic, group)
    read: list[Any] = []

    def everything() -> bool:
        for records in consumer.poll(timeout_ms=200).values():
            read.extend(records)
        return len(read) == 30

    wait_until(everything, "all is read")
    consumer.commit()
    consumer.close()
    again = group_consumer(broker, topic, group)
    wait_until(lambda: again.poll(timeout_ms=200) is not None and again.assignment(), "it has joined")
    committed = {tp.partition: again.committed(tp) for tp in again.assignment()}
    assert sum(offset or 0 for offset in committed.values()) == 30
    again.close()


def test_transactions_commit_and_abort(broker: str, topic: str) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": broker, "transactional.id": f"tx-{topic}"})
    producer.init_transactions(20)
    for index, commit in enumerate([True, False, True]):
        producer.begin_transaction()
        producer.produce(topic, b"%d" % index, partition=0)
        producer.flush(10)
        (producer.commit_transaction if commit else producer.abort_transaction)(20)
    assert consume(broker, topic, 2, isolation_level="read_committed") == [b"0", b"2"]


def test_a_newer_transactional_producer_fences_the_older(broker: str, topic: str) -> None:
    settings = {"bootstrap.servers": broker, "transactional.id": f"tx-{topic}"}
    older = confluent_kafka.Producer(settings)
    older.init_transactions(20)
    newer = confluent_kafka.Producer(settings)
    newer.init_transactions(20)
    older.begin_transaction()
    with pytest.raises(confluent_kafka.KafkaException):  # it may be refused at any of these
        older.produce(topic, b"late", partition=0)
        older.flush(10)
        older.commit_transaction(10)
