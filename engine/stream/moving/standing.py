"""Whether everything stands still, so that state can be moved: nothing writes, and nothing is on its way."""

from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition

from engine.settings import Settings
from engine.stream.kafka.access import enrich_group
from engine.stream.kafka.candidates import candidates_of
from engine.stream.kafka.clients import consumer
from engine.stream.kafka.groups import read_group

_LOOKED_AT = 1_000
"""Of so few offsets it is looked whether they are messages, or marks that no consumer is shown."""


def movements(settings: Settings) -> Iterator[str]:
    """What still moves, and what to do about it. Raises BrokerError."""
    topics = settings.topics
    for name in candidates_of(settings):
        yield f"the candidate {name} is beside the workers: promote it, or `floodgate candidate drop --as {name}`"
    read_by: dict[str, tuple[str, ...]] = {settings.consumer_group: (topics.events, topics.labels, topics.hops)}
    if settings.enrichment.is_used:
        read_by[enrich_group(settings)] = (topics.raw_events,)
    for group, names in read_by.items():
        described, offsets = read_group(settings, group)
        members = len(described["members"])
        if members:
            yield f"the group {group} has {members} members: stop all of its workers"
        committed = {tp: known.offset for tp, known in offsets.items() if known.offset >= 0}
        waiting = _waiting(settings, names, committed)
        for name, count in waiting.items():
            yield f"{count:,} messages of {name} are not read: stop what produces them, and let workers read the rest"


def _waiting(settings: Settings, topics: tuple[str, ...], committed: dict[TopicPartition, int]) -> dict[str, int]:
    """How many messages of each topic nobody has read, where there are any."""
    waiting = dict[str, int]()
    with consumer(settings) as client:
        tps = [TopicPartition(name, number) for name in topics for number in client.partitions_for_topic(name) or ()]
        starts, ends = client.beginning_offsets(tps), client.end_offsets(tps)
        for tp in tps:
            start = max(starts[tp], committed.get(tp, 0))
            count = ends[tp] - start
            if 0 < count <= _LOOKED_AT:
                count = _messages(client, tp, start, ends[tp])
            if count > 0:
                waiting[tp.topic] = waiting.get(tp.topic, 0) + count
    return waiting


def _messages(client: KafkaConsumer, tp: TopicPartition, start: int, end: int) -> int:
    client.assign([tp])
    client.seek(tp, start)
    count = 0
    while client.position(tp) < end:
        count += sum(map(len, client.poll(timeout_ms=1_000).values()))
    return count
