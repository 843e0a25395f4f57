"""A loop written by hand: confluent-kafka, RocksDB, a changelog topic, one repartition topic.

An event goes from stop to stop as one message, which carries what has been counted so far. A batch of up to a thousand
messages is applied to records in memory, which then go to RocksDB in one write and to the changelog; all is flushed and
the offsets are committed. That is at least once: a crash counts the events since the last commit again.
"""

import shutil
import time
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, Producer
from rocksdict import Options, Rdict, WriteBatch

from benchmarks.shared_entities.programs.job import (
    SHORT_HOP_MS,
    Meter,
    Task,
    count_user,
    count_visitor,
    held,
    is_valid,
    new_user,
    read_task,
)

BATCH = 1_000
LAST_STOP = 2


class Loop:
    """One process, which owns all partitions."""

    def __init__(self, task: Task) -> None:
        directory = task.directory / "state"
        shutil.rmtree(directory, ignore_errors=True)
        self._database = Rdict(str(directory), Options(raw_mode=True))
        self._producer = Producer({"bootstrap.servers": task.brokers, "linger.ms": 5})
        self._consumer = Consumer(
            {
                "bootstrap.servers": task.brokers, "group.id": f"by-hand-{time.time()}", "fetch.wait.max.ms": 10,
                "auto.offset.reset": "earliest", "enable.auto.commit": False,
            }
        )  # fmt: skip
        self._records: dict[bytes, Any] = {}  # of this batch
        self._changed: set[bytes] = set()
        self.meter = Meter(task)

    def run(self) -> None:
        """Until all events are decided."""
        self._consumer.subscribe(["events", "repartition"])
        while not self.meter.is_over():
            messages = self._consumer.consume(BATCH, 0.02)
            if not messages:
                continue
            self.meter.begin()
            for message in messages:
                if message.error():
                    raise KafkaException(message.error())
                if message.topic() == "events":
                    self._take_event(message.key(), message.value())
                else:
                    self._take_visit(message.key(), message.value())
            self._write()
        self._database.flush()
        self.meter.end()
        self._consumer.close()

    def _take_event(self, key: bytes, value: bytes) -> None:
        event = orjson.loads(value)
        if not is_valid(event):
            return
        record = self._record(b"user " + key)
        if record is None:
            record = self._records[b"user " + key] = new_user()
        counts = count_user(record, event)
        self._changed.add(b"user " + key)
        stops = [event["device_id"], event["ip"], event["target_id"]]
        known = (event["event_id"], event["user_id"], event["ts"] // SHORT_HOP_MS, event["account_age_days"])
        self._send(0, known, stops, counts)

    def _take_visit(self, key: bytes, value: bytes) -> None:
        stop, known, stops, counts = orjson.loads(value)
        entity = b"%d %b" % (stop, key)
        visitors = self._record(entity)
        if visitors is None:
            visitors = self._records[entity] = []
        visitor = b"%b %b" % (entity, known[1].encode())
        moved_to, *users = count_visitor(visitors, self._record(visitor), known[2])
        if moved_to is not None:
            self._records[visitor] = moved_to
            self._changed.update((entity, visitor))
        counts += users
        if stop < LAST_STOP:
            self._send(stop + 1, known, stops, counts)
            return
        self.meter.decided += 1
        rules = held(counts, known[3])
        if rules:
            self.meter.act(known[0], rules)
            action = {"event_id": known[0], "user_id": known[1], "rules": rules}
            self._producer.produce("actions", value=orjson.dumps(action), key=known[1])

    def _send(self, stop: int, known: Any, stops: list[str], counts: list[int]) -> None:
        self._producer.produce("repartition", value=orjson.dumps((stop, known, stops, counts)), key=stops[stop])

    def _record(self, key: bytes) -> Any:
        if key not in self._records:
            value = self._database.get(key)
            self._records[key] = None if value is None else orjson.loads(value)
        return self._records[key]

    def _write(self) -> None:
        batch = WriteBatch(raw_mode=True)
        for key in self._changed:
            value = orjson.dumps(self._records[key])
            batch.put(key, value)
            self._producer.produce("changelog", value=value, key=key)
        self._database.write(batch)
        self._producer.flush()
        self._consumer.commit(asynchronous=True)
        self._records.clear()
        self._changed.clear()


if __name__ == "__main__":
    Loop(read_task()).run()
