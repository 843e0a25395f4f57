"""What becomes of each key of a partition's state, when the partition is parted.

What is about a user or an entity goes where these go. What is about the whole partition, which are its clock, its
ledger and how far it has read other partitions, is the same in each of its parts: they go on from where it was.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from engine.core.state.records import dump_record, load_record, unapplied
from engine.errors import StateError
from engine.learning.labels import decode_known, with_note
from engine.learning.scored import kept as kept_scores
from engine.state.clocks import CLOCK, MEETING_CLOCK
from engine.state.noted import MEETING, UNSCORED
from engine.state.scored import (
    ACTION,
    BLOCK,
    CONSEQUENCE,
    JUDGED,
    REPLY,
    STRIKE,
    VERDICT,
    events_of,
    is_kept,
    select,
)
from engine.state.store import ENTITY, ENTITY_BUDGET, LEDGER, PROVISIONAL, USER, WATERMARKS
from engine.state.timers import MEETING_TIMER, TIMER
from engine.stream.handlers import absences, answers, consequences, kept_events, outcomes, replies
from engine.stream.moving.places import Places
from engine.stream.moving.spool import Kept, Spool

_SAYS_MORE = 1
"""The byte of a stored record that says whether there is more in it than counters."""

Part = tuple[int, bytes]
"""A partition, and what it has of a key."""


class Moved(NamedTuple):
    """What one partition has of a key from now on, and when that was written."""

    partition: int
    key: bytes
    value: bytes
    written_ms: int


class Parts:
    """Parts one partition. `kinds`: how many keys of each kind there were; `moved`: and how many are elsewhere now;
    `everywhere`: of how many nobody could tell where they belong."""

    def __init__(self, spool: Spool, places: Places, own: int) -> None:
        self._spool, self.places, self.own = spool, places, own
        self.kinds, self.moved = Counter[str](), Counter[str]()
        self.everywhere = 0

    def __iter__(self) -> Iterator[Moved]:
        """All that the parts have, each once. Raises StateError for a key that this version does not know."""
        for kept in self._spool.items():
            kind, parted = self._part_of(kept.key)
            parts = parted(kept)
            self.kinds[kind] += 1
            self.moved[kind] += any(partition != self.own for partition, _ in parts)
            for partition, value in parts:
                yield Moved(partition, kept.key, value, kept.written_ms)

    def _part_of(self, key: bytes) -> tuple[str, Callable[[Kept], Sequence[Part]]]:
        whole = {
            LEDGER: self._everyones_record, WATERMARKS: self._everyones, CLOCK: self._everyones,
            MEETING_CLOCK: self._everyones, ENTITY_BUDGET: self._budget, PROVISIONAL: self._provisional,
        }  # fmt: skip
        if key in whole:
            return "of the partition", whole[key]
        kinds: dict[bytes, tuple[str, Callable[[Kept], Sequence[Part]]]] = {
            USER: ("users", self._user), ENTITY: ("entities", self._entity), BLOCK: ("blocks of events", self._block),
            TIMER: ("timers", self._timer), MEETING_TIMER: ("timers", self._timer),
            MEETING: ("outcomes under way", self._meeting), UNSCORED: ("outcomes without scores", self._unscored),
            VERDICT: ("verdicts", self._verdict), ACTION: ("actions", self._of_action),
            STRIKE: ("strikes", self._of_action),
            CONSEQUENCE: ("consequences", self._consequence), JUDGED: ("follow-ups", self._anywhere),
            REPLY: ("replies", self._reply),
        }  # fmt: skip
        try:
            return kinds[key[:1]]
        except KeyError as error:
            raise StateError(f"the state has a key of a newer version: {key[:20]!r}") from error

    # -- what is about the whole partition -----------------------------------------------------------

    def _everyones(self, kept: Kept) -> Sequence[Part]:
        return [(partition, kept.value) for partition in self.places.every]

    def _everyones_record(self, kept: Kept) -> Sequence[Part]:
        return [(partition, self._record(kept.value, partition)) for partition in self.places.every]

    def _budget(self, _: Kept) -> Sequence[Part]:
        return [(partition, budget.dump()) for partition, budget in self.places.budgets.items()]

    def _provisional(self, _: Kept) -> Sequence[Part]:
        dumped = [(partition, budget.dump_provisional()) for partition, budget in self.places.budgets.items()]
        return [(partition, value) for partition, value in dumped if value]

    # -- what is about users and entities ------------------------------------------------------------

    def _user(self, kept: Kept) -> Sequence[Part]:
        partition = self.places.of_user(kept.key.removeprefix(USER).decode("utf-8", "surrogatepass"))
        return [(partition, self._record(kept.value, partition))]

    def _entity(self, kept: Kept) -> Sequence[Part]:
        partition = self.places.of_entity(kept.key.removeprefix(ENTITY))
        return [(partition, self._record(kept.value, partition))]

    def _record(self, value: bytes, partition: int) -> bytes:
        """A record as it is in a partition: what is noted in it of users of other partitions says where these are."""
        try:
            placed = self._with_places(value) if value[_SAYS_MORE] else value
            return placed if partition == self.own else unapplied(placed)  # other partitions have other offsets
        except (StateError, IndexError):
            return value  # nobody can read it there either

    def _with_places(self, value: bytes) -> bytes:
        record = load_record(value)
        for contributors in record.contributors.values():
            contributors.replace([
                note._replace(user_partition=self.places.of_user(note.user_id, note.user_partition))
                for note in contributors.notes
            ])  # fmt: skip
        return dump_record(record) if record.contributors else value

    def _timer(self, kept: Kept) -> Sequence[Part]:
        timer, partition = outcomes.read_timer(kept.value), None
        if timer is not None and timer.meeting.startswith(MEETING):
            partition = self.places.of_meeting(timer.meeting)
            if partition is None and self._spool.get(timer.meeting) is not None:
                return []  # lost with its meeting
        else:
            user_id = absences.user_of(kept.value)
            partition = self.places.of_user(user_id) if user_id is not None else None
        # One that nothing waits for any more ends without consequences wherever it is.
        value = absences.placed(kept.value, self.places.of_user)
        return [(self.own if partition is None else partition, value)]

    def _meeting(self, kept: Kept) -> Sequence[Part]:
        partition = self.places.of_meeting(kept.key)
        if partition is None:
            return []
        try:
            return [(partition, outcomes.placed(kept.value, self.places.of_user))]
        except StateError:
            return [(partition, kept.value)]

    def _unscored(self, kept: Kept) -> Sequence[Part]:
        users = {each.answer.user_id for each in answers.read_unscored(kept.value)}
        partition = self.places.of_user(users.pop()) if users else self.own
        return [(partition, answers.placed(kept.value, self.places.of_user))]

    # -- what is kept under hashes -------------------------------------------------------------------

    def _block(self, kept: Kept) -> Sequence[Part]:
        """The events of its own users for each."""
        without = kept_events.without if is_kept(kept.key) else kept_scores
        try:
            users = self.places.of_hashed_users(events_of(kept.value).users.tolist())
            places = np.array([-1 if place is None else place for place in users])
            parts = [
                (partition, select(kept.value, (places == partition) | (places == -1), without))
                for partition in self.places.every
            ]
        except StateError:
            return [(self.own, kept.value)]  # nobody can read it there either
        return [(partition, value) for partition, value in parts if value is not None]

    def _verdict(self, kept: Kept) -> Sequence[Part]:
        value = kept.value
        try:
            text = value.decode()
            note = decode_known(text).note
            if note:
                value = with_note(text, consequences.placed(note, self.places.of_user)[0]).encode()
        except ValueError:
            pass
        return self._at(self.places.of_subject(kept.key), value)

    def _of_action(self, kept: Kept) -> Sequence[Part]:
        return self._at(self.places.of_action(kept.key), kept.value)

    def _consequence(self, kept: Kept) -> Sequence[Part]:
        note, _ = consequences.placed(kept.value, self.places.of_user)
        return self._at(self.places.of_action(kept.key), note)

    def _reply(self, kept: Kept) -> Sequence[Part]:
        noted = replies.read_kept(kept.value)
        if noted is None:
            return [(self.own, kept.value)]
        (partition,) = self.places.of_hashed_users([noted.user])
        parts, moved = self._at(partition, kept.value), replies.elsewhere(kept.value)
        return [(each, value if each == self.own else moved) for each, value in parts]

    def _anywhere(self, kept: Kept) -> Sequence[Part]:
        return self._at(None, kept.value)

    def _at(self, partition: int | None, value: bytes) -> Sequence[Part]:
        """There, or wherever it may be."""
        if partition is not None:
            return [(partition, value)]
        self.everywhere += 1
        return [(each, value) for each in self.places.every]
