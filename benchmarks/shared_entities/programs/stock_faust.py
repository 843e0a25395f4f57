"""Faust as it comes: an agent for each stop, and a topic from each to the next, keyed anew. State is in tables in
RocksDB with changelog topics, one record for each write, at least once.
"""

import os
import shutil
import sys
import time
from typing import Any

import faust

from benchmarks.shared_entities.programs.job import (
    SHORT_HOP_MS,
    Meter,
    count_user,
    count_visitor,
    held,
    is_valid,
    new_user,
    read_task,
)

TASK = read_task()
STOPS = ("device", "ip", "target")

directory = TASK.directory / "state"
shutil.rmtree(directory, ignore_errors=True)
app = faust.App(
    f"faust-{int(time.time())}", broker=f"kafka://{TASK.brokers}", store="rocksdb://?driver=rocksdict",
    datadir=str(directory), topic_partitions=TASK.partitions, web_enabled=False, value_serializer="json",
    key_serializer="raw", consumer_auto_offset_reset="earliest", topic_replication_factor=1,
)  # fmt: skip
events = app.topic("events", key_type=bytes, value_type=bytes, value_serializer="json")
visits = [app.topic(f"by_{stop}", key_type=bytes, value_serializer="json") for stop in STOPS]
actions = app.topic("actions", key_type=bytes, value_serializer="json")
users = app.Table("users", default=new_user, key_type=str, partitions=TASK.partitions)
visitors = [app.Table(f"visitors_{stop}", default=list, key_type=str, partitions=TASK.partitions) for stop in STOPS]
last_hops = [app.Table(f"last_hops_{stop}", key_type=str, partitions=TASK.partitions) for stop in STOPS]
meter = Meter(TASK)


@app.agent(events)
async def at_user(stream: Any) -> None:
    """The event with its user's counts goes on to its device."""
    async for event in stream:
        meter.begin()
        if not is_valid(event):
            continue
        user_id = event["user_id"]
        record = users[user_id]
        counts = count_user(record, event)
        users[user_id] = record
        visit = {
            "event_id": event["event_id"], "user_id": user_id, "hop": event["ts"] // SHORT_HOP_MS,
            "age_days": event["account_age_days"], "stops": [event["device_id"], event["ip"], event["target_id"]],
            "counts": counts,
        }  # fmt: skip
        await visits[0].send(key=event["device_id"].encode(), value=visit)


def count_at(stop: int, visit: dict[str, Any]) -> None:
    """Add one stop's counts to the event."""
    entity = visit["stops"][stop]
    visitor = f"{entity} {visit['user_id']}"
    seen = visitors[stop][entity]
    moved_to, *counts = count_visitor(seen, last_hops[stop].get(visitor), visit["hop"])
    if moved_to is not None:
        last_hops[stop][visitor] = moved_to
        visitors[stop][entity] = seen
    visit["counts"] += counts


@app.agent(visits[0])
async def at_device(stream: Any) -> None:
    """The event goes on to its address."""
    async for visit in stream:
        count_at(0, visit)
        await visits[1].send(key=visit["stops"][1].encode(), value=visit)


@app.agent(visits[1])
async def at_ip(stream: Any) -> None:
    """The event goes on to its target."""
    async for visit in stream:
        count_at(1, visit)
        await visits[2].send(key=visit["stops"][2].encode(), value=visit)


@app.agent(visits[2])
async def at_target(stream: Any) -> None:
    """The event is decided."""
    async for visit in stream:
        count_at(2, visit)
        rules = held(visit["counts"], visit["age_days"])
        meter.decided += 1
        if rules:
            meter.act(visit["event_id"], rules)
            action = {"event_id": visit["event_id"], "user_id": visit["user_id"], "rules": rules}
            await actions.send(key=visit["user_id"].encode(), value=action)
        if meter.is_over():
            await app.producer.flush()
            await app.consumer.commit()
            meter.end()
            os._exit(0)  # what is left to end takes seconds


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "-l", "error"]
    app.main()
