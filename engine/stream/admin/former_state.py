"""A person is forgotten in the changelogs that state was moved away from, until these are deleted.

No worker reads them any more, so nobody else writes there: the command does itself what a worker does with a request.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.scored import Change
from engine.state.store import PartitionState
from engine.stream.admin.erasure import UserData
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.erasure import Forget, forget
from engine.stream.kafka.records import read_all, sending
from engine.stream.kafka.topics import changelog_topic, moving_topic, topic_names

_CACHED = 1_000


def former(settings: Settings) -> Iterator[Settings]:
    """The settings under which state was kept before it was moved, once for each changelog that is still there. None
    while state is being moved: it may be taken back. Raises BrokerError."""
    if settings.state_generation == 1:
        return
    there = topic_names(settings)
    if moving_topic(settings) in there:
        return
    for generation in range(1, settings.state_generation):
        before = msgspec.structs.replace(settings, state_generation=generation)
        if changelog_topic(before) in there:
            yield before


def forget_formerly(before: Settings, found: UserData) -> int:
    """Forget what was `found` in a former changelog; returns how many keys are written anew, or deleted. Raises
    TopicError, PublishError."""
    topic, changed = changelog_topic(before), 0
    records = _newest(before, found)
    with sending(before, "forget", "not all could be forgotten; run this again") as messages:
        for partition, by_name in found.state.items():
            kept = records.get(partition, {})
            for key, value in _without(by_name, {key: record.value for key, record in kept.items()}):
                # What stays is as old as before, or it would be kept for longer.
                written_ms = kept[key].timestamp if value is not None and key in kept else None
                messages.send(topic, key, value, partition, timestamp_ms=written_ms, is_signed=False)
                changed += 1
    return changed


def _newest(before: Settings, found: UserData) -> dict[int, dict[bytes, Any]]:
    """The newest record of each key that was found, by partition."""
    wanted = {
        partition: {key for keys in by_name.values() for key in keys} for partition, by_name in found.state.items()
    }
    newest: dict[int, dict[bytes, Any]] = {partition: {} for partition in wanted}
    for record in read_all(before, changelog_topic(before)):
        if record.key in wanted.get(record.partition, ()):
            newest[record.partition][record.key] = record
    return newest


def _without(by_name: dict[str, list[bytes]], values: dict[bytes, bytes]) -> list[Change]:
    """What a partition's worker would write, were it asked to forget."""
    database = MemoryDatabase()
    database.apply([(key, value) for key, value in values.items() if value is not None])
    state = PartitionState(lambda: database, _CACHED)
    outcome = StateOutcome(state=state)
    for name, keys in by_name.items():
        forget(state, Forget(name, keys), outcome)
    outcome.changes += state.dump(outcome.records)
    return outcome.changes
