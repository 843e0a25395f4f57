"""What computes the batches of a topic, and what a batch wants to become durable. Knows no Faust."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from engine.core.domain.rules import Rulebook
from engine.core.state.entities import EntityRecord
from engine.state.scored import Change
from engine.state.store import LEDGER, PartitionState
from engine.stream.handlers.messages import Message, dead_letter
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.traced import Followed
from engine.stream.kafka.bounded_records import refusal_of

_log = structlog.stdlib.get_logger("floodgate")

States = Callable[[int], PartitionState]
"""Gives the state of a partition."""


IsSealed = Callable[[Any], bool]
"""Whether a record comes from a worker."""


def accept_any(_: Any) -> bool:
    """Nothing has to be sealed."""
    return True


@dataclass(slots=True)
class Outcome:
    """What a batch wants to become durable, in this order: messages, then changes of the state."""

    messages: list[Message] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    read_from: int | None = None
    """The partition has to be read from here on, or from its first record; what followed was not looked at."""
    before_reading: Callable[[], Awaitable[None]] | None = None
    """What has to be known before it is read again."""
    acted_ms: list[int] = field(default_factory=list)
    """The times of the events that are acted on."""
    followed: Followed | None = None
    """Who is told how far it is, where events of it are traced."""

    def settle(self) -> None:
        """Called when all of it is durable."""


@dataclass(slots=True)
class StateOutcome(Outcome):
    """An outcome that changes a partition's state."""

    state: PartitionState | None = None
    records: dict[bytes, EntityRecord] = field(default_factory=dict)
    scored: list[Change] = field(default_factory=list)
    timers: list[Change] = field(default_factory=list)
    noted: list[Change] = field(default_factory=list)

    def keep_scored(self, changes: list[Change]) -> None:
        """Blocks and verdicts: before the entities' records in the changelog, as whoever has those has these too."""
        self.changes += changes
        self.scored += changes

    def keep_timers(self, changes: list[Change]) -> None:
        """Timers that begin, before the records of the events that are waited upon; that end, after those of the
        follow-ups: a batch that is repeated in part finds them again."""
        self.changes += changes
        self.timers += changes

    def keep_noted(self, changes: list[Change]) -> None:
        """Who waits for outcomes, and what is known of events that are not scored yet: before the entities' records."""
        self.changes += changes
        self.noted += changes

    def ledger(self, rulebook: Rulebook) -> EntityRecord | None:
        """The partition's ledger, to be changed and kept; None where none is needed."""
        if not rulebook.keeps_ledger or self.state is None:
            return None
        if LEDGER not in self.records:
            self.records[LEDGER] = self.state.load([LEDGER])[LEDGER]
        return self.records[LEDGER]

    def settle(self) -> None:
        """The state may give up memory now."""
        if self.state is not None:
            self.state.settle(self.records, self.scored, self.timers, self.noted)


def slices(records: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """A batch in parts of so many records, in their order: what one part is decoded to is used up while it is in the
    processor's cache."""
    return (records[start : start + size] for start in range(0, len(records), size))


class Rejector:
    """Turns records that cannot be used into dead letters, and counts them."""

    def __init__(self, topic: str, metrics: Metrics) -> None:
        self._topic, self._metrics = topic, metrics

    def reject(self, outcome: Outcome, record: Any, reason: str, error: Exception) -> None:
        """Add the dead letter of one record to an outcome. `reason` is one of a few: metrics are labelled with it."""
        if refusal_of(record) is not None:
            reason = "unreadable_batch"
        source = (record.topic, record.partition, record.offset)
        outcome.messages.append(dead_letter(self._topic, source, record.key, record.value, reason, str(error)))
        self._metrics.dead_letters.labels(record.topic, reason).inc()


def dump_records(outcome: StateOutcome, arrived: Iterable[tuple[bytes, Any]], rejector: Rejector) -> None:
    """Add the changed records of an outcome to its changes. One that cannot be stored stops no other: it is as it was
    stored last, and the message that came to it last is a dead letter. `arrived`: keys and messages."""
    state = outcome.state
    assert state is not None
    try:
        outcome.changes += state.dump(outcome.records)
    except Exception:
        _dump_one_by_one(outcome, state, dict(arrived), rejector)


def _dump_one_by_one(
    outcome: StateOutcome, state: PartitionState, arrived: Mapping[bytes, Any], rejector: Rejector
) -> None:
    for key, entity in list(outcome.records.items()):
        try:
            outcome.changes += state.dump({key: entity})
        except Exception as error:  # one record must never stop a partition
            _log.exception("a record cannot be stored", key=key[:100])
            del outcome.records[key]
            state.give_up(key)
            if key in arrived:
                rejector.reject(outcome, arrived[key], "cannot_be_stored", error)


class BatchHandler(Protocol):
    """Computes the batches of one topic."""

    async def on_assigned(self, partition: int) -> int | None:
        """The partition is ours from now on. Where to read from, or None for the committed offset."""

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """Compute records (aiokafka ConsumerRecords) in their order. Synchronous; must not raise."""

    def on_revoked(self, partition: int) -> None:
        """The partition is someone else's: forget everything about it."""
