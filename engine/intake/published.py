"""Which messages of a source are events already: after a crash the end of `events` tells.

Each event says in a header of which message it is, and offsets are committed with how long the partitions of `events`
were then. What stands behind that was published after the last commit.
"""

from typing import NamedTuple

from kafka import TopicPartition

from engine.settings import Settings
from engine.stream.kafka.clients import consumer
from engine.stream.kafka.groups import read_offsets

HEADER = "intake"


class Standing(NamedTuple):
    """How far a source is. `committed`: by partition; `ends`: of the partitions of `events`; `published`: partitions
    and offsets of messages behind what is committed that are events already."""

    committed: dict[int, int]
    ends: dict[int, int]
    published: set[tuple[int, int]]


def header_of(source: str, partition: int, offset: int) -> tuple[str, bytes]:
    """What tells of which message an event is."""
    return HEADER, f"{source}:{partition}:{offset}".encode()


def note_of(ends: dict[int, int]) -> str:
    """What is committed beside offsets: a few bytes for each partition; brokers take 4,096."""
    return ",".join(f"{partition}:{end}" for partition, end in sorted(ends.items()))


def read_standing(settings: Settings, source: str, group: str) -> Standing:
    """Ask the brokers. Raises BrokerError, TopicError."""
    committed, noted = _committed(settings, group)
    topic, prefix = settings.topics.events, f"{source}:".encode()
    published = set[tuple[int, int]]()
    with consumer(settings) as client:
        tps = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
        client.assign(tps)
        starts, ends = client.beginning_offsets(tps), client.end_offsets(tps)
        for tp in tps:
            # A partition that was not noted is new, or nothing was ever committed.
            at = noted.get(tp.partition, starts[tp])
            client.seek(tp, min(max(at, starts[tp]), ends[tp]))
        while any(client.position(tp) < ends[tp] for tp in tps):
            for records in client.poll(timeout_ms=500).values():
                for record in records:
                    said = dict(record.headers or ()).get(HEADER) or b""
                    if said.startswith(prefix):
                        published.add(_place(said))
    behind = {one for one in published if one[1] >= committed.get(one[0], 0)}
    return Standing(committed, {tp.partition: ends[tp] for tp in tps}, behind)


def _committed(settings: Settings, group: str) -> tuple[dict[int, int], dict[int, int]]:
    known = {tp.partition: one for tp, one in read_offsets(settings, group).items() if one.offset >= 0}
    noted: dict[int, int] = {}
    for one in known.values():
        for part in (one.metadata or "").split(","):
            partition, _, end = part.partition(":")
            if partition.isdigit() and end.isdigit():
                noted[int(partition)] = min(int(end), noted.get(int(partition), int(end)))
    return {partition: one.offset for partition, one in known.items()}, noted


def _place(said: bytes) -> tuple[int, int]:
    try:
        _, partition, offset = said.split(b":")
        return int(partition), int(offset)
    except ValueError:  # somebody else has written it
        return -1, -1
