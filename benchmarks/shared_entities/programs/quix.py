"""Quix Streams: a dataframe for each stop, and a topic from each to the next, keyed anew (a dataframe may be grouped by
another key only once). State is in RocksDB with changelog topics, committed every five seconds, at least once.

A stop keeps a value for each of its users and one for its hops, so that nothing large is read or written.
"""

import shutil
import time
from typing import Any

from quixstreams import Application, State
from quixstreams.dataframe import StreamingDataFrame

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

STOPS = ("device", "ip", "target")


class Pipeline:
    """The application: from `events` by way of `by_device`, `by_ip` and `by_target` to `actions`."""

    def __init__(self, task: Task) -> None:
        directory = task.directory / "state"
        shutil.rmtree(directory, ignore_errors=True)
        self._application = Application(
            broker_address=task.brokers, consumer_group=f"quix-{time.time()}", auto_offset_reset="earliest",
            state_dir=str(directory), loglevel="ERROR", on_message_processed=self._note,
            consumer_extra_config={"fetch.wait.max.ms": 10},
        )  # fmt: skip
        self.meter = Meter(task)

    def run(self) -> None:
        """Until all events are decided."""
        visit = self._dataframe("events").filter(is_valid).apply(count_at_user, stateful=True)
        for stop, name in enumerate(STOPS):
            topic = self._application.topic(f"by_{name}", value_serializer="json", key_serializer="str")
            visit.to_topic(topic, key=lambda visit, stop=stop: visit["stops"][stop])
            visit = self._dataframe(f"by_{name}").apply(count_at_entity, stateful=True)
        actions = self._application.topic("actions", value_serializer="json", key_serializer="str")
        acted = visit.apply(self._decide).filter(lambda action: action is not None)
        acted.to_topic(actions, key=lambda action: action["user_id"])
        self._application.run()
        self.meter.end()

    def _dataframe(self, topic: str) -> StreamingDataFrame:
        return self._application.dataframe(
            self._application.topic(topic, value_deserializer="json", key_deserializer="str")
        )

    def _decide(self, visit: dict[str, Any]) -> dict[str, Any] | None:
        self.meter.decided += 1
        rules = held(visit["counts"], visit["age_days"])
        if not rules:
            return None
        self.meter.act(visit["event_id"], rules)
        return {"event_id": visit["event_id"], "user_id": visit["user_id"], "rules": rules}

    def _note(self, *_: object) -> None:
        self.meter.begin()
        if self.meter.is_over():
            self._application.stop()


def count_at_user(event: dict[str, Any], state: State) -> dict[str, Any]:
    """The event with its user's counts, as it goes on."""
    record = state.get("user") or new_user()
    counts = count_user(record, event)
    state.set("user", record)
    return {
        "event_id": event["event_id"], "user_id": event["user_id"], "hop": event["ts"] // SHORT_HOP_MS,
        "age_days": event["account_age_days"], "stops": [event["device_id"], event["ip"], event["target_id"]],
        "counts": counts,
    }  # fmt: skip


def count_at_entity(visit: dict[str, Any], state: State) -> dict[str, Any]:
    """The event with one stop's counts more."""
    visitors, visitor = state.get("visitors") or [], f"user {visit['user_id']}"
    moved_to, *users = count_visitor(visitors, state.get(visitor), visit["hop"])
    if moved_to is not None:
        state.set(visitor, moved_to)
        state.set("visitors", visitors)
    visit["counts"] += users
    return visit


if __name__ == "__main__":
    Pipeline(read_task()).run()
