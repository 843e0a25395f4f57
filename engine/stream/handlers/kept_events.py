"""Events that wait for their labels: what a label's follow-up needs of them.

They stand in blocks beside those of scored events, under the same index, and go with them when they are old.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from engine.core.domain.events import Event
from engine.core.domain.follow_ups import label_type
from engine.core.domain.programs import FollowUps
from engine.core.evaluation.follow_ups import FollowUp, bounded, taken_along
from engine.core.evaluation.routing import NOWHERE, EntityKey, route
from engine.core.kernel import hash64, hash_all
from engine.errors import StateError
from engine.learning.labels import Label
from engine.state.scored import KEPT, Change, Found, ScoredBlocks, ScoredKeys, payload_of
from engine.state.store import PartitionState


class KeptEvent(msgspec.Struct, array_like=True):
    """An event that may be labelled. `fields`: what follow-ups take along; `keys`: the entities that they go to."""

    identity: int
    event_id: str
    user_id: str
    fields: dict[str, object]
    keys: list[tuple[str, str]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[KeptEvent]).decode


def keep_events(blocks: ScoredBlocks, asked: FollowUps, events: Sequence[Event]) -> list[Change]:
    """Keep a few hundred events until they are labelled: those that a label's follow-up has somewhere to go from."""
    paths = sorted({path for kind in map(label_type, ("spam", "ham")) for path in asked.types.get(kind, ())})
    kept = [(event, route(asked.of_labelled, event.fields)) for event in events]
    rows = [_keep(asked, event, paths, keys) for event, keys in kept if keys or asked.labels_at_users]
    if not rows:
        return []
    identities = np.array([row.identity for row in rows], np.uint64)
    users = np.array(hash_all([row.user_id for row in rows]), np.uint64)
    ids = np.array(hash_all([row.event_id for row in rows]), np.uint64)
    return [blocks.put(KEPT, ScoredKeys(identities, users, ids), _encode(rows))]


def kept_events(state: PartitionState, found: Iterable[Found]) -> dict[int, KeptEvent]:
    """Those of these events that are kept, by identity. A block that cannot be read is passed over."""
    asked = {event.identity: event.block for event in found if event.is_kept}
    kept: dict[int, KeptEvent] = {}
    for name, block in state.scored_blocks(asked.values()).items():
        try:  # one of the same identity may be in a block that another event is looked up in
            kept |= {row.identity: row for row in _rows(payload_of(block)) if asked.get(row.identity) == name}
        except StateError:
            continue
    return kept


def without(payload: memoryview, identities: Iterable[int]) -> bytes:
    """A block of these events alone. Raises StateError."""
    left = frozenset(identities)
    return _encode([row for row in _rows(payload) if row.identity in left])


def follow_label(
    asked: FollowUps, kept: KeptEvent, label: Label, ts_ms: int, partition: int, times: int
) -> list[FollowUp]:
    """The follow-up of a verdict that an event has got; none where nothing asks about it. `times`: how many verdicts
    the event had before."""
    kind = label_type(label.verdict)
    if kind not in asked.types:
        return []
    fields = taken_along(asked.types[kind], kept.fields)
    content = hash64(f"{label.policy} {ts_ms} {times}")
    return [FollowUp(NOWHERE, kept.event_id, kind, kept.user_id, ts_ms, partition, fields, kept.keys, content)]


def _keep(asked: FollowUps, event: Event, paths: Sequence[str], keys: list[EntityKey]) -> KeptEvent:
    fields = bounded(taken_along(paths, event.fields, asked.invalid))
    return KeptEvent(event.identify(), event.event_id, event.user_id, fields, keys)


def _rows(payload: memoryview) -> list[KeptEvent]:
    try:
        return _decode(payload)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(f"kept events of {len(payload)} bytes cannot be read: {error}") from error
