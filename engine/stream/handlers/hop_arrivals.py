"""Which messages of a batch of hops are taken: those that a worker has sealed, in their place, for the first time.

A message is known by its origin. Messages of one source partition arrive in the order of their numbers, so one
watermark for each source partition tells which have been applied before, whatever their offsets are.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from engine.core.domain.events import MAX_CLOCK_TOLERANCE_MS
from engine.core.evaluation.outcomes import Answer, Mark
from engine.core.evaluation.routing import EntityKey, Origin, RoutedEvent
from engine.core.values.hashing import hash32
from engine.errors import StateError
from engine.state.store import PartitionState, Source
from engine.stream.handlers.batches import IsSealed, Rejector, StateOutcome
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.hop_messages import (
    FROM_PUBLISHERS,
    MESSAGES_PER_RECORD,
    Hop,
    Tick,
    belongs,
    decode_hop,
    state_key,
)
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.placing import Place
from engine.stream.kafka.publishers import Accept, sequence_of

Arrived = tuple[bytes, EntityKey | None, Any, Hop | Tick]
"""A message that is to be applied: the key of the record that it is about; that entity, if it is not a user; the
message as it came, and what it says."""


EndOf = Callable[[Source], Awaitable[int]]
"""Gives the offset behind the last record of a partition of the events (0), the hops (1) or the labels (3)."""

_JUMP = 100_000 * MESSAGES_PER_RECORD
"""A message whose number is so much larger than the last one's is looked at twice: so many records without one for this
partition are unusual, not impossible."""


_Jump = tuple[int, Source]
"""The partition that is read, and the source that a message there says it comes from."""


async def unknown_end(_: Source) -> int:
    """Nobody can tell: any number is believed."""
    return 1 << 62


class HopArrivals:
    """Reads batches of hops. `place`: where entities are, so that what has been copied from another partition is
    refused; `end_of`: how far a source reaches, where a number is far ahead of all before."""

    def __init__(
        self, rejector: Rejector, metrics: Metrics, partitions: int, *, accept: Accept, end_of: EndOf,
        is_sealed: IsSealed, place: Place | None,
    ) -> None:  # fmt: skip
        self._rejector, self._metrics, self._partitions = rejector, metrics, partitions
        self._accept, self._end_of, self._is_sealed, self._place = accept, end_of, is_sealed, place
        self._ends, self._asked = dict[_Jump, int](), set[_Jump]()
        # By partition and source, the number from which on it is believed without another look.
        self._trusted = dict[int, dict[Source, int]]()

    def read(
        self,
        partition: int,
        state: PartitionState,
        records: Sequence[Any],
        outcome: StateOutcome,
        requests: list[Forget],
    ) -> list[Arrived]:
        """The messages that have not been applied, under another offset, before. Requests to forget are set apart."""
        watermarks, repeated, arrived = state.watermarks(), 0, list[Arrived]()
        trusted = self._trusted.setdefault(partition, {})
        for record in records:
            try:
                decoded = decode_hop(record.value)
            except StateError as error:
                self._rejector.reject(outcome, record, "not_a_hop", error)
                continue
            if type(decoded) is Forget:
                if self._is_asked(record, watermarks):
                    requests.append(decoded)
                else:
                    refused = StateError("it does not come from one who may make the engine forget, or comes again")
                    self._rejector.reject(outcome, record, "not_a_publishers", refused)
                continue
            if type(decoded) is Tick:
                refusal = self._refusal_of_tick(partition, record, decoded)
                if refusal is None:
                    arrived.append((b"", None, record, decoded))
                else:
                    self._rejector.reject(outcome, record, *refusal)
                continue
            hop, origin = decoded, decoded.origin
            entity_key = hop.next_entity() if type(hop) is RoutedEvent or type(hop) is Mark else None
            key = state_key(hop, entity_key)
            refusal = self._refusal(partition, record, hop, entity_key, key)
            if refusal is not None:
                self._rejector.reject(outcome, record, *refusal)
                continue
            source: Source = (origin.topic, origin.partition)
            known = watermarks.get(source, -1)
            if origin.number <= known:
                repeated += 1
                continue
            if origin.number - trusted.setdefault(source, known) > _JUMP:
                jump = (partition, source)
                if not self._is_plausible(origin, jump):
                    if jump not in self._asked:
                        self._ask(outcome, record, jump)
                        break
                    made_up = StateError(f"its number {origin.number} is of no record of {source}")
                    self._rejector.reject(outcome, record, "not_a_hop", made_up)
                    continue
                trusted[source] = origin.number
            watermarks[source] = origin.number
            arrived.append((key, entity_key, record, hop))
        # Asked and answered: the next jump is looked at anew. Other partitions may be read before this one is again.
        self._asked.difference_update([jump for jump in self._ends if jump[0] == partition])
        self._metrics.repeated_hops.inc(repeated)
        return arrived

    def _refusal(
        self, partition: int, record: Any, hop: Hop, entity_key: EntityKey | None, key: bytes
    ) -> tuple[str, StateError] | None:
        """Why a message is not one that a worker has sent here, if it is not: reason and text of its dead letter."""
        if not self._is_sealed(record):
            return "not_a_workers", StateError("it does not come from a worker")
        if record.timestamp is not None and hop.ts_ms > record.timestamp + MAX_CLOCK_TOLERANCE_MS:
            return "not_a_hop", StateError(f"its event is of {hop.ts_ms}, its own record of {record.timestamp}")
        if hop.user_partition >= self._partitions or hop.origin.partition >= self._partitions:
            missing = f"it names a partition that is not there: there are {self._partitions}"
            return "not_a_hop", StateError(missing)
        if not belongs(hop, entity_key, key, partition, self._place):
            return "not_of_this_partition", StateError("it belongs to another partition")
        return None

    def _refusal_of_tick(self, partition: int, record: Any, tick: Tick) -> tuple[str, StateError] | None:
        """The same of what a worker says about the time."""
        if not self._is_sealed(record):
            return "not_a_workers", StateError("it does not come from a worker")
        if tick.user_partition != partition:
            return "not_of_this_partition", StateError("it belongs to another partition")
        if record.timestamp is not None and tick.ts_ms > record.timestamp:
            return "not_a_hop", StateError(f"it says that it is {tick.ts_ms}, its own record is of {record.timestamp}")
        return None

    def _is_asked(self, record: Any, watermarks: dict[Source, int]) -> bool:
        """Whether a request to forget comes from one who may, and for the first time."""
        origin = self._accept(record, "forget")
        if origin is None or origin.name is None:
            return origin is not None
        source, sequence = (FROM_PUBLISHERS, hash32(origin.name)), sequence_of(record)
        if sequence <= watermarks.get(source, -1):
            return False
        watermarks[source] = sequence
        return True

    def _is_plausible(self, origin: Origin, jump: _Jump) -> bool:
        """Whether the record that a message says it comes from is known to be there."""
        return origin.number // MESSAGES_PER_RECORD < self._ends.get(jump, 0)

    def _ask(self, outcome: StateOutcome, record: Any, jump: _Jump) -> None:
        """Look how far a source reaches before a message with a far larger number than all before is believed: all that
        came behind a made-up one would be taken for repeated. Then the partition is read on from this record."""
        self._asked.add(jump)
        self._ends.pop(jump, None)

        async def look() -> None:
            self._ends[jump] = await self._end_of(jump[1])

        outcome.read_from, outcome.before_reading = record.offset, look


def split_at_answers(arrived: list[Arrived]) -> Iterator[list[Arrived]]:
    """Arrivals in parts, none of which has an event behind what has come of it: the example is known by the offset of
    what came last, wherever a batch ends when it is repeated."""
    if Answer not in {type(hop) for _, _, _, hop in arrived}:
        yield arrived
        return
    begins, answered = 0, set[int]()
    for at, (_, _, _, hop) in enumerate(arrived):
        if type(hop) is Answer:
            answered.add(hop.identity)
        elif answered and type(hop) is RoutedEvent and hop.identify() in answered:
            yield arrived[begins:at]
            begins, answered = at, set[int]()
    yield arrived[begins:]
