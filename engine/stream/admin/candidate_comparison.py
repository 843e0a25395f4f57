"""What a candidate decides otherwise than the workers beside it."""

import time
from math import inf
from typing import Literal

import msgspec
from kafka import TopicPartition

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.admin.side_by_side import (
    ACTIONS,
    DECISIONS,
    MOST_ENTRIES,
    Difference,
    Period,
    Side,
    SideBySide,
    Users,
)
from engine.stream.kafka.clients import consumer
from engine.stream.kafka.groups import read_group
from engine.stream.kafka.records import read_at
from engine.stream.kafka.topics import topic_names


class Comparison(msgspec.Struct, frozen=True):
    """Both sides. Events since then, decided until then, in epoch milliseconds; `rulebooks`: by which each side has
    decided them; `alike`, `differing`: events on which some rule held; `left_out`: differences beyond those that are
    told."""

    candidate: str
    since_ms: int
    until_ms: int
    rulebooks: dict[Side, list[str]]
    alike: int
    differing: int
    decisions: list[Difference]
    actions: list[Difference]
    left_out: int


def compare(
    incumbent: Settings, candidate: Settings, since_ms: int | None = None, settle_ms: int = 0,
    most_entries: int = MOST_ENTRIES,
) -> Comparison:  # fmt: skip
    """Lay both sides beside one another. `since_ms`: events since then, by their time; without it since the candidate
    has published its first decision. `settle_ms`: what was decided so shortly ago is left for later, as clocks differ
    and events may be on their way to their entities. Raises TopicError, BrokerError."""
    missing = {candidate.topics.decisions, candidate.topics.actions} - topic_names(incumbent)
    if missing:
        name = candidate.candidate.name
        raise TopicError(
            f"topic {min(missing)} does not exist: the candidate {name} has not been started. "
            f"Run `floodgate worker --as {name} --create-topics`"
        )
    since_ms = since_ms if since_ms is not None else _first_ms(candidate)
    now_ms = time.time() * 1000
    until_ms = min(now_ms, _decided_until_ms(incumbent), _decided_until_ms(candidate)) - settle_ms
    sides: dict[Side, Settings] = {"incumbent": incumbent, "candidate": candidate}
    period, users = Period(since_ms, until_ms), Users()
    decisions, actions = (SideBySide(kind, sides, period, users, most_entries) for kind in (DECISIONS, ACTIONS))
    return Comparison(
        candidate=candidate.candidate.name,
        since_ms=since_ms,
        until_ms=int(until_ms),
        rulebooks={side: sorted(identities) for side, identities in decisions.rulebooks.items()},
        alike=decisions.alike,
        differing=decisions.differing,
        decisions=decisions.differences(),
        actions=actions.differences(),
        left_out=decisions.left_out + actions.left_out,
    )


def _first_ms(candidate: Settings) -> int:
    """When a candidate has published its first decision; now, where it has none yet."""
    places = [(candidate.topics.decisions, partition, 0) for partition in range(candidate.partitions)]
    return int(min((record.timestamp for record in read_at(candidate, places)), default=time.time() * 1000))


def _decided_until_ms(settings: Settings) -> float:
    """All that had arrived before then has been decided by these workers; infinity where nothing waits."""
    waiting = waiting_messages(settings, "events", "hops")
    places = [(tp.topic, tp.partition, offset) for tp, (offset, _) in waiting.items()]
    return min((record.timestamp for record in read_at(settings, places)), default=inf)


def waiting_messages(
    settings: Settings, *topics: Literal["events", "labels", "hops"]
) -> dict[TopicPartition, tuple[int, int]]:
    """The partitions of some topics that workers are behind in: up to where they are, and where the end is."""
    _, committed = read_group(settings, settings.consumer_group)
    names = [getattr(settings.topics, topic) for topic in topics]
    with consumer(settings) as client:
        partitions = [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
        starts, ends = client.beginning_offsets(partitions), client.end_offsets(partitions)
    known = {tp: committed[tp].offset if tp in committed else -1 for tp in partitions}
    reached = {tp: max(known[tp], starts[tp]) for tp in partitions}
    return {tp: (reached[tp], ends[tp]) for tp in partitions if reached[tp] < ends[tp]}
