"""What travels on the hops topic: routed events, what follows from events, retroactive matches, what events are to
outcomes. MessagePack, as it is ours alone."""

from collections.abc import Mapping
from typing import Final, final

import msgspec

from engine.core.evaluation.deciding import Evaluation
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.evaluation.outcomes import Answer, Mark
from engine.core.evaluation.routing import (
    MAX_CONCEALED_CHARS,
    EntityKey,
    FailedEvent,
    Origin,
    Partition,
    RetroactiveMatch,
    RoutedEvent,
    SourceTopic,
    Time,
)
from engine.core.state.clusters import ClusterTrace
from engine.errors import StateError
from engine.state.store import ENTITY, entity_record_key, user_record_key
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.messages import Headers, Message
from engine.stream.handlers.traced import NOTHING_TRACED, Traced
from engine.stream.kafka.clients import MAX_MESSAGE_BYTES
from engine.stream.kafka.placing import Place

FROM_EVENTS: Final = 0
FROM_HOPS: Final = 1
FROM_PUBLISHERS: Final = 2
FROM_LABELS: Final = 3
"""Kinds of sources. A publisher's requests are numbered by their signatures, under the hash of the publisher's name."""
MESSAGES_PER_RECORD = 1 << 20
"""A message is numbered by the offset of the record that it came from, times this, plus its place."""


@final
class Tick(msgspec.Struct, array_like=True, frozen=True, tag_field="tag", tag="tick"):
    """In a partition to which no events come, it has become so late."""

    user_partition: Partition
    ts_ms: Time


Hop = RoutedEvent | RetroactiveMatch | FailedEvent | FollowUp | Mark | Answer
"""What an event brings about elsewhere."""

_KIND_AT = len(ENTITY)

_encode = msgspec.msgpack.Encoder(enc_hook=str).encode  # a Quantity is a text by now
_decode = msgspec.msgpack.Decoder(Hop | Forget | Tick).decode


class Departures:
    """Numbers the messages that the records of one partition send on, and addresses them. `traced`: what goes along."""

    def __init__(self, hops_topic: str, topic: SourceTopic, partition: int, traced: Traced = NOTHING_TRACED) -> None:
        self._hops_topic, self._partition, self._number = hops_topic, partition, 0
        self._traced = traced
        self._headers: Headers | None = None
        self._topic: SourceTopic = topic

    def begin(self, offset: int) -> None:
        """What follows is sent by the record there."""
        self._number = offset * MESSAGES_PER_RECORD
        if self._traced:
            self._headers = self._traced.get(offset)

    def send(self, hop: Hop) -> Message:
        """A routed event to its next entity, or back to its user; a mark to its entity; all else to its user."""
        return self.send_to(hop.next_entity() if type(hop) is RoutedEvent or type(hop) is Mark else None, hop)

    def send_to(self, entity_key: EntityKey | None, hop: Hop) -> Message:
        """The same, where it is known to which entity; None sends it to its user."""
        hop.origin = Origin(self._topic, self._partition, self._number)
        self._number += 1
        value = _encode(hop)
        if len(value) > MAX_MESSAGE_BYTES // 2:
            raise ValueError(f"a routed event of {len(value)} bytes is too large to be sent on")
        if entity_key is None:
            return Message(self._hops_topic, hop.user_id.encode(), value, self._headers, hop.user_partition)
        return Message(self._hops_topic, entity_record_key(entity_key)[_KIND_AT:], value, self._headers)


def encode_request(request: Forget) -> bytes:
    """A request to forget someone."""
    return _encode(request)


def encode_tick(tick: Tick) -> bytes:
    """What a worker tells a partition of its own."""
    return _encode(tick)


def hops_of(result: Evaluation) -> list[Hop]:
    """What an evaluation brings about elsewhere."""
    return [*([result.routed] if result.routed is not None else []), *result.follow_ups]


def decode_hop(data: bytes | None) -> Hop | Forget | Tick:
    """What `Departures`, `encode_request` or `encode_tick` encoded. Raises StateError."""
    try:
        message: Hop | Forget | Tick = _decode(data or b"")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise StateError(f"a message on the hops topic cannot be read: {error}") from error
    if type(message) is RoutedEvent:
        if message.clusters:
            _check_clusters(message.clusters)
        if len(message.answers) > len(message.entity_keys):
            raise StateError("a routed event on the hops topic has been at more entities than it names")
    return message


def _check_clusters(clusters: Mapping[str, ClusterTrace]) -> None:
    for cluster in clusters.values():
        for user in cluster.members:
            if not 0 < len(user) <= MAX_CONCEALED_CHARS:
                raise StateError("a routed event on the hops topic names a member whom no event can have")
        for label in cluster.labels:
            if not 0 <= label < 1 << 64:
                raise StateError("a message on the hops topic has a hash of more than 64 bits")


def state_key(hop: Hop, entity_key: EntityKey | None) -> bytes:
    """The record that a message is about: that of the next entity, or that of the user."""
    return entity_record_key(entity_key) if entity_key is not None else user_record_key(hop.user_id)


def belongs(hop: Hop, entity_key: EntityKey | None, key: bytes, partition: int, place: Place | None) -> bool:
    """Whether a message is where `Departures` sends it: at the partition of the next entity, or the user's. `key`: its
    `state_key`. Without `place` nobody can tell where entities are."""
    if entity_key is None:
        return hop.user_partition == partition
    return place is None or place(key[_KIND_AT:]) == partition
