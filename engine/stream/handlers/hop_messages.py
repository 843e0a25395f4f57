"""What travels on the hops topic: routed events and retroactive matches. MessagePack, as it is ours alone."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from engine.core.domain.decisions import Contribution, Hit, Value
from engine.core.domain.events import EARLIEST_MS, LATEST_MS, MAX_CLOCK_TOLERANCE_MS
from engine.core.evaluation.routing import EntityKey, RetroactiveMatch, RoutedEvent
from engine.core.state.clusters import ClusterTrace
from engine.errors import StateError
from engine.state.store import ENTITY, Source, entity_record_key, user_record_key
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.messages import Message
from engine.stream.kafka.clients import MAX_MESSAGE_BYTES
from engine.stream.kafka.placing import Place

FROM_EVENTS, FROM_HOPS, FROM_PUBLISHERS = 0, 1, 2
"""Kinds of sources. A publisher's requests are numbered by their signatures, under the hash of the publisher's name."""
MAX_ENTITIES = 512
MAX_CONCEALED_CHARS = 2_048
"""Ids have up to 256 characters, and their pseudonyms more."""
MESSAGES_PER_RECORD = 1 << 20
"""A message is numbered by the offset of the record that it came from, times this, plus its place."""


class Origin(msgspec.Struct, array_like=True, frozen=True):
    """Where a message was sent from. `number` rises with every message from one source partition."""

    topic: Annotated[int, msgspec.Meta(ge=FROM_EVENTS, le=FROM_HOPS)]
    partition: Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
    number: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]

    @property
    def source(self) -> Source:
        """The source partition."""
        return self.topic, self.partition


_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CONCEALED_CHARS)]
_Time = Annotated[int, msgspec.Meta(ge=EARLIEST_MS, le=LATEST_MS + MAX_CLOCK_TOLERANCE_MS)]
_Partition = Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)]
_Key = Annotated[str, msgspec.Meta(max_length=4 * MAX_CONCEALED_CHARS)]


class _RoutedMessage(msgspec.Struct, array_like=True, frozen=True, tag_field="tag", tag="journey"):
    origin: Origin
    event_id: _Id
    type: _Id
    user_id: _Id
    ts_ms: _Time
    user_partition: _Partition
    fields: dict[str, object]
    entity_keys: Annotated[list[tuple[_Id, _Key]], msgspec.Meta(max_length=MAX_ENTITIES)]
    values: dict[str, Value]
    models: dict[str, str]
    allowed: bool
    eligible: dict[str, _Id]
    hits: tuple[Hit, ...]
    answers: Annotated[list[dict[str, Value]], msgspec.Meta(max_length=MAX_ENTITIES)]
    clusters: dict[str, ClusterTrace]
    members: dict[str, list[str]]
    content: int
    scores: dict[str, float] = {}
    features: dict[str, dict[str, float | None]] = {}
    contributions: dict[str, list[Contribution]] = {}
    resting: dict[str, bool] = {}


class _RetroactiveMessage(msgspec.Struct, array_like=True, frozen=True, tag_field="tag", tag="recall"):
    origin: Origin
    rule: _Id
    event_id: _Id
    type: _Id
    user_id: _Id
    target_id: _Id
    ts_ms: _Time
    user_partition: _Partition
    kind: _Id
    key: _Key
    counter: str
    position: int | None
    total: int
    content: int


_encode = msgspec.msgpack.Encoder(enc_hook=str).encode  # a Quantity is a text by now
_decode = msgspec.msgpack.Decoder(_RoutedMessage | _RetroactiveMessage | Forget).decode


class Departures:
    """Numbers the messages that one record sends on, and addresses them."""

    def __init__(self, hops_topic: str, topic: int, partition: int, offset: int) -> None:
        self._hops_topic = hops_topic
        self._topic, self._partition = topic, partition
        self._number = offset * MESSAGES_PER_RECORD

    def send(self, routed: RoutedEvent) -> Message:
        """A routed event to its next entity, or back to its user."""
        message = _RoutedMessage(
            self._next(), routed.event_id, routed.type, routed.user_id, routed.ts_ms, routed.user_partition,
            routed.fields, routed.entity_keys, routed.values, routed.models, routed.allowed, routed.eligible,
            routed.hits, routed.answers, routed.clusters, routed.members, routed.content, routed.scores,
            routed.features, routed.contributions, routed.resting,
        )  # fmt: skip
        entity_key = routed.next_entity()
        value = _encode(message)
        if len(value) > MAX_MESSAGE_BYTES // 2:
            raise ValueError(f"a routed event of {len(value)} bytes is too large to be sent on")
        if entity_key is None:
            return Message(self._hops_topic, routed.user_id.encode(), value, partition=routed.user_partition)
        return Message(self._hops_topic, _sent_by(entity_key), value)

    def send_matches(self, matches: Iterable[RetroactiveMatch]) -> list[Message]:
        """Retroactive matches, to the partitions of their users."""
        return [
            Message(
                self._hops_topic,
                match.user_id.encode(),
                _encode(_match_of(self._next(), match)),
                partition=match.user_partition,
            )
            for match in matches
        ]

    def _next(self) -> Origin:
        origin = Origin(self._topic, self._partition, self._number)
        self._number += 1
        return origin


def _match_of(origin: Origin, match: RetroactiveMatch) -> _RetroactiveMessage:
    return _RetroactiveMessage(
        origin, match.rule, match.event_id, match.type, match.user_id, match.target_id, match.ts_ms,
        match.user_partition, match.kind, match.key, match.counter, match.position, match.total, match.content,
    )  # fmt: skip


def encode_request(request: Forget) -> bytes:
    """A request to forget someone."""
    return _encode(request)


def decode_hop(data: bytes | None) -> tuple[Origin, RoutedEvent | RetroactiveMatch] | Forget:
    """What `Departures` or `encode_request` encoded. Raises StateError."""
    try:
        message = _decode(data or b"")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise StateError(f"a message on the hops topic cannot be read: {error}") from error
    if isinstance(message, Forget):
        return message
    if not 0 <= message.content < 1 << 64:
        raise StateError("a message on the hops topic has a hash of more than 64 bits")
    if isinstance(message, _RetroactiveMessage):
        _, *fields = msgspec.structs.astuple(message)
        return message.origin, RetroactiveMatch(*fields)
    for cluster in message.clusters.values():
        _check_cluster(cluster)
    if len(message.answers) > len(message.entity_keys):
        raise StateError("a routed event on the hops topic has been at more entities than it names")
    routed = RoutedEvent(
        message.event_id, message.type, message.user_id, message.ts_ms, message.user_partition, message.fields,
        message.entity_keys, message.values, message.models, message.allowed, message.eligible, message.hits,
        message.answers, message.clusters, message.members, content=message.content, scores=message.scores,
        features=message.features, contributions=message.contributions, resting=message.resting,
    )  # fmt: skip
    return message.origin, routed


def _check_cluster(cluster: ClusterTrace) -> None:
    if not all(0 < len(user) <= MAX_CONCEALED_CHARS for user in cluster.members):
        raise StateError("a routed event on the hops topic names a member whom no event can have")
    if not all(0 <= label < 1 << 64 for label in cluster.labels):
        raise StateError("a message on the hops topic has a hash of more than 64 bits")


def state_key(hop: RoutedEvent | RetroactiveMatch) -> bytes:
    """The record that a message is about: that of the next entity, or that of the user."""
    entity_key = hop.next_entity() if isinstance(hop, RoutedEvent) else None
    return entity_record_key(entity_key) if entity_key is not None else user_record_key(hop.user_id)


def belongs(hop: RoutedEvent | RetroactiveMatch, key: bytes, partition: int, place: Place | None) -> bool:
    """Whether a message is where `Departures` sends it: at the partition of the next entity, or the user's. `key`: its
    `state_key`. Without `place` nobody can tell where entities are."""
    if not key.startswith(ENTITY):
        return hop.user_partition == partition
    return place is None or place(key.removeprefix(ENTITY)) == partition


def _sent_by(entity_key: EntityKey) -> bytes:
    return entity_record_key(entity_key).removeprefix(ENTITY)
