"""Two others under the kills of `rivals.py`: stock Faust with its table, and a loop as one writes it by hand.

Each counts events by user, as well as it can: `python -m tests.chaos.peers faust|loop BROKERS TOPIC GROUP DIRECTORY`.
"""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import faust
import orjson
from kafka import KafkaConsumer

PARTITIONS = 4
SESSION_MS = 3_000


def stock_faust(brokers: str, topic: str, group: str, directory: Path) -> Any:
    """Faust as its documentation has it: an agent, a table in RocksDB, a changelog."""
    app = faust.App(
        group, broker=[f"kafka://{broker}" for broker in brokers.split(",")], store="rocksdb://",
        datadir=str(directory), topic_partitions=PARTITIONS, topic_disable_leader=True, web_enabled=False,
        broker_session_timeout=SESSION_MS / 1000, broker_heartbeat_interval=SESSION_MS / 4000,
        consumer_auto_offset_reset="earliest", broker_commit_interval=1.0,
    )  # fmt: skip
    counts = app.Table("counts", default=int, partitions=PARTITIONS)
    events = app.topic(topic, key_serializer="raw", value_serializer="raw")

    @app.agent(events)
    async def count(stream: Any) -> None:
        async for event in stream:
            counts[orjson.loads(event)["user_id"]] += 1

    return app


def loop(brokers: str, topic: str, group: str, directory: Path) -> None:
    """Read a batch, write the counts in one transaction, commit the offsets. All workers share one database, as such
    loops do: it is not lost when one dies."""
    database = sqlite3.connect(directory / "counts.db", timeout=30)
    database.execute("create table if not exists counts (user text primary key, number integer)")
    consumer = KafkaConsumer(
        topic, bootstrap_servers=brokers.split(","), group_id=group, enable_auto_commit=False,
        auto_offset_reset="earliest", session_timeout_ms=SESSION_MS, heartbeat_interval_ms=SESSION_MS // 4,
    )  # fmt: skip
    add = "insert into counts values (?, 1) on conflict (user) do update set number = number + 1"
    while True:
        for records in consumer.poll(timeout_ms=200).values():
            with database:
                database.executemany(add, [(orjson.loads(record.value)["user_id"],) for record in records])
            consumer.commit()


def main() -> None:
    """Run one of them until it is killed."""
    name, brokers, topic, group, directory = sys.argv[1:]
    if name == "loop":
        loop(brokers, topic, group, Path(directory))
        return
    app = stock_faust(brokers, topic, group, Path(directory))
    sys.argv = [sys.argv[0], "worker", "-l", "warn"]
    app.main()


if __name__ == "__main__":
    main()
