"""Where examples come from, by number, and which of each source have been learned.

A label, and an event that is presumed to be ham, stand in a log at one place, and are sent again in the order of that:
one number says how far a source is learned. What has come of an event is learned when both are there, the answer and
the score. They come from two logs, and which is there first may be another one when a worker that died is followed
by the next: then examples come again in another order, and some come for the first time behind others. So it is known
of each of the last places of such a source whether it is learned.
"""

from dataclasses import dataclass, field

MOST_PARTITIONS = 2_000
"""With the two sources of presumed examples, and two of outcomes, for each, a model's head can name them all."""
WINDOW = 1 << 14
"""Of so many places before the newest it is known whether they are learned. A worker has no more records under way."""
MOST_WINDOWS = 256
"""Of so many sources: of others, all before the newest is taken for learned."""

Position = tuple[int, int]
"""A source, and the offset in it."""

_ALL = (1 << WINDOW) - 1


def source_of_presumed(topic: int, partition: int) -> int:
    """The source of a partition's events that are taken for ham. `topic`: which batches they are scored in."""
    return -1 - 2 * partition - topic


def source_of_outcomes(topic: int, partition: int) -> int:
    """The source of examples of what came of a partition's events. `topic`: which batches they are made in."""
    return -2 * MOST_PARTITIONS - 1 - 2 * partition - topic


def is_source(number: int, partitions: int) -> bool:
    """Whether examples come from there, among so many partitions."""
    return -2 * partitions <= number < partitions or (
        source_of_outcomes(0, partitions) < number <= source_of_outcomes(0, 0)
    )


def _is_in_order(source: int) -> bool:
    return source > source_of_outcomes(0, 0)


@dataclass(slots=True)
class LearnedSources:
    """How far each source is learned. `newest`: the last offset of each; `recent`: of those of outcomes, which of the
    offsets before that are learned, the newest in the lowest bit; those used last come last."""

    newest: dict[int, int] = field(default_factory=dict)
    recent: dict[int, int] = field(default_factory=dict)

    def take(self, place: Position, answered: Position | None = None) -> bool:
        """Whether an example is new; from now on it is not. `answered`: the place of an answer that was there before
        its event was scored: in another order, that has been the example's place."""
        is_known = self._is_behind(place) or (answered is not None and self._is_among(answered))
        self._note(place)
        if answered is not None:
            self._note(answered)
        return not is_known

    def dump(self) -> dict[int, bytes]:
        """`recent`, as snapshots have it."""
        return {source: bits.to_bytes(-(-bits.bit_length() // 8), "little") for source, bits in self.recent.items()}

    @staticmethod
    def load(newest: dict[int, int], recent: dict[int, bytes]) -> "LearnedSources":
        """What was learned, as a snapshot has it."""
        bits = {source: int.from_bytes(dumped, "little") & _ALL for source, dumped in recent.items()}
        return LearnedSources(dict(newest), bits)

    def _is_behind(self, place: Position) -> bool:
        """Whether a place is learned; what is too long ago to be known is."""
        source, offset = place
        behind = self.newest.get(source, -1) - offset
        if behind < 0 or _is_in_order(source):
            return behind >= 0
        return behind >= WINDOW or bool(self.recent.get(source, _ALL) >> behind & 1)

    def _is_among(self, place: Position) -> bool:
        """Whether a place is known to be learned."""
        source, offset = place
        behind = self.newest.get(source, -1) - offset
        return behind >= 0 and bool(self.recent.get(source, 0) >> behind & 1)

    def _note(self, place: Position) -> None:
        source, offset = place
        before = self.newest.get(source)
        if before is None or offset > before:
            self.newest[source] = offset
        if _is_in_order(source):
            return
        bits = self.recent.pop(source, _ALL if before is not None else 0)
        if before is None:
            bits = 1
        elif offset > before:
            bits = (bits << offset - before | 1) & _ALL if offset - before < WINDOW else 1
        elif before - offset < WINDOW:
            bits |= 1 << before - offset
        self.recent[source] = bits
        if len(self.recent) > MOST_WINDOWS:
            del self.recent[next(iter(self.recent))]
