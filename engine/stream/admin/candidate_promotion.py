"""How a candidate's state becomes that of the workers that decide.

What a candidate has decided went to topics of its own. So the workers that decide have to be past all of it, also past
what was on its way between entities, before they stop: what the promoted ones then begin with, at the candidate's last
offset, has been decided by the others, or is decided by them. Events between the two are decided twice: an action that
both come to has one id. One that was killed has decided more than its group says, so the others have to be past all
that was there for it to decide.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from kafka import TopicPartition

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.control.rulebooks import read_in_use
from engine.stream.kafka.candidates import own_names
from engine.stream.kafka.clients import consumer
from engine.stream.kafka.groups import read_group
from engine.stream.kafka.records import read_all
from engine.stream.kafka.topics import topic_names

_BACK = 3
"""How often a message goes on once its event has been at all of its entities, and more."""

_LOOK_EVERY_S = 0.2
_LOOKED_AT = 100
"""The last message of a partition is among so many offsets."""

Offsets = dict[TopicPartition, int]


def promote(incumbent: Settings, candidate: Settings, within_s: float, show: Callable[[str], None]) -> dict[str, Any]:
    """Wait until the workers that decide are past all that a candidate has decided, which has been stopped. Returns the
    settings with which they go on from its state. Raises TopicError where that does not come, BrokerError."""
    group, committed = read_group(incumbent, candidate.consumer_group)
    name = candidate.candidate.name
    if group["members"]:
        raise TopicError(f"the candidate {name} has {len(group['members'])} workers: stop them first")
    topics = incumbent.topics
    committed = {tp: known.offset for tp, known in committed.items() if tp.topic in (topics.events, topics.labels)}
    if not any(tp.topic == topics.events for tp in committed):
        raise TopicError(f"the candidate {name} has decided nothing: there is nothing to go on from")
    deadline = time.monotonic() + within_s
    _wait_until_past(incumbent, committed | _all_messages(incumbent, topics.events, topics.labels), deadline, show)
    in_use = read_in_use(incumbent)
    before: Offsets | None = None
    for _ in range(_BACK + (len(in_use[1].kinds()) if in_use is not None else 0)):
        ends = _ends(incumbent, topics.hops)
        if ends == before:
            break  # nothing is on its way
        _wait_until_past(incumbent, ends, deadline, show)
        before = ends
    return _settings(incumbent, candidate)


def _wait_until_past(incumbent: Settings, wanted: Offsets, deadline: float, show: Callable[[str], None]) -> None:
    pause = threading.Event()
    while True:
        _, committed = read_group(incumbent, incumbent.consumer_group)
        behind = {tp: offset for tp, offset in wanted.items() if _reached(committed, tp) < offset}
        if not behind:
            return
        left = sum(offset - max(0, _reached(committed, tp)) for tp, offset in behind.items())
        topics = ", ".join(sorted({tp.topic for tp in behind}))
        show(f"the workers that decide are {left:,} messages of {topics} behind the candidate")
        if time.monotonic() > deadline:
            raise TopicError(
                f"the workers that decide are {left:,} messages of {topics} behind the candidate: what it has decided "
                "there would have no actions. Let them run until they are past it"
            )
        pause.wait(_LOOK_EVERY_S)


def _reached(committed: Any, tp: TopicPartition) -> int:
    known = committed.get(tp)
    return int(known.offset) if known is not None else -1


def _all_messages(settings: Settings, *topics: str) -> Offsets:
    """What follows the last message of each partition: it is a mark at most, which nobody commits."""
    behind = Offsets()
    for topic in topics:
        for record in read_all(settings, topic, most=_LOOKED_AT * settings.partitions):
            tp = TopicPartition(topic, record.partition)
            behind[tp] = max(behind.get(tp, 0), record.offset + 1)
    return behind


def _ends(settings: Settings, topic: str) -> Offsets:
    with consumer(settings) as client:
        partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
        ends: Offsets = client.end_offsets(partitions)
    return {tp: end for tp, end in ends.items() if end}


def _settings(incumbent: Settings, candidate: Settings) -> dict[str, Any]:
    own, topics = own_names(incumbent, candidate.candidate.name), {"hops": candidate.topics.hops}
    models = candidate.candidate.own(incumbent.topics.models)
    if models in topic_names(incumbent):  # it has learned for itself: how far, its models say of its examples
        topics |= {"examples": candidate.topics.examples, "models": models}
    generation = candidate.state_generation
    others = {"state_generation": generation} if generation != incumbent.state_generation else {}
    return {"group": own.group, **others, "topics": topics, "data_dir": candidate.data_dir}
