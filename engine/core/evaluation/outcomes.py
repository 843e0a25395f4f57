"""Finds out what comes of events: those of which something may come wait for those that come, where both meet.

They meet at an entity that both name, under a key of its own. An event that waits is answered by the first one that
comes in its time and says something, or else by the end of that time. What comes a little before the event that it is
about, as clocks differ, is kept for it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec

from engine.core.domain.events import LATEST_MS, Event
from engine.core.domain.outcomes import OutcomeSpec, OutcomeStep
from engine.core.evaluation.routing import NOWHERE, EntityKey, Hash64, Id, Key, Origin, Partition, Time
from engine.core.kernel import hash64
from engine.core.series.counts import count_entries
from engine.core.state.entities import MAX_WINDOW_MS, EntityRecord

MAX_OPEN = 999
"""So many events of a user wait at a time for each outcome, or within 30 days, where it takes longer; of those that
come while it is so many nothing is known."""
MAX_WAITING = 256
"""So many events wait at one entity for each outcome, and no user takes the place of those who have fewer there."""
MAX_CAME = 64
"""Of so many events of a user that come within RECENTLY_MS it is kept that they did, for those that are late."""
RECENTLY_MS = 600_000
_MOST_RECENT = 16
"""So many of the latest that came are known at one entity."""
_EVER = 1 << 62

Clock = Annotated[int, msgspec.Meta(ge=0)]
"""How late it is in a partition: 0 before it has had an event."""


class Mark(msgspec.Struct, array_like=True, tag_field="tag", tag="mark"):
    """What an event is to one outcome, as it goes to the entity at which it meets others. `opens`: whether something
    may come of it; `answer`: what it says itself, None where it says nothing; `is_kept`: whether that is kept for
    events that are late."""

    origin: Origin
    outcome: Id
    kind: Id
    key: Key
    event_id: Id
    user_id: Id
    ts_ms: Time
    user_partition: Partition
    identity: Hash64
    opens: bool
    answer: bool | None
    is_kept: bool

    def next_entity(self) -> EntityKey:
        """Where it goes."""
        return self.kind, self.key


class Answer(msgspec.Struct, array_like=True, tag_field="tag", tag="answer"):
    """What has come of an event, and when, on its way to the event's user. `key`: of the outcome as it was declared;
    `after_ms`: the event's time; `clock_ms`: how late it was where that became known."""

    origin: Origin
    outcome: Id
    key: Hash64
    event_id: Id
    user_id: Id
    ts_ms: Time
    user_partition: Partition
    identity: Hash64
    answer: bool
    after_ms: Time
    clock_ms: Clock


class Wait(msgspec.Struct, array_like=True, frozen=True):
    """An event of which something may come."""

    ts_ms: Time
    identity: Hash64
    event_id: Id
    user_id: Id
    user_partition: Partition

    def answered(self, outcome: OutcomeSpec, answer: bool, ts_ms: int, clock_ms: int) -> Answer:
        """What has come of it."""
        return Answer(
            NOWHERE, outcome.name, outcome.key, self.event_id, self.user_id, ts_ms, self.user_partition,
            self.identity, answer, self.ts_ms, clock_ms,
        )  # fmt: skip


class Came(msgspec.Struct, array_like=True, frozen=True):
    """What came lately. `user`: a hash of whose event it was."""

    ts_ms: Time
    user: Hash64
    answer: bool


class Meeting(msgspec.Struct, array_like=True):
    """All that is known of one outcome at one entity. `at`: that entity, as the key of messages to it says it; nothing
    for what meets at its user; None of before this was noted. `forgotten_ms`: the latest time of what came and is not
    known any more, as too much has come since."""

    waits: Annotated[list[Wait], msgspec.Meta(max_length=MAX_WAITING)] = []
    came: Annotated[list[Came], msgspec.Meta(max_length=_MOST_RECENT)] = []
    at: bytes | None = None
    forgotten_ms: Clock = 0

    def meet(self, outcome: OutcomeSpec, mark: Mark, recent_ms: int, clock_ms: int) -> tuple[list[Answer], Wait | None]:
        """An event gets here: which events it answers, and itself, if it waits from now on. Of what is before
        `recent_ms` it is not known what came, so such an event does not wait; neither does one after which something
        may be forgotten. `clock_ms`: how late it is."""
        answers: list[Answer] = []
        wait = None
        if mark.answer is not None:
            met = [each for each in self.waits if _is_in_time(outcome, each.ts_ms, mark.ts_ms)]
            answers += [each.answered(outcome, mark.answer, mark.ts_ms, clock_ms) for each in met]
            self.waits = [each for each in self.waits if each not in met]
            if mark.is_kept and mark.ts_ms >= recent_ms:
                came = {*self.came, Came(mark.ts_ms, hash64(mark.user_id), mark.answer)}
                self._keep(sorted(came, key=lambda each: (each.ts_ms, each.user, each.answer)))
        is_known = any(each.identity == mark.identity for each in self.waits)
        if mark.opens and mark.ts_ms >= recent_ms and not is_known:
            own = Wait(mark.ts_ms, mark.identity, mark.event_id, mark.user_id, mark.user_partition)
            first = next((each for each in self.came if _is_in_time(outcome, mark.ts_ms, each.ts_ms)), None)
            if first is not None:
                answers.append(own.answered(outcome, first.answer, first.ts_ms, clock_ms))
            elif mark.ts_ms >= self.forgotten_ms and self._has_room(mark.user_id):
                self.waits.append(own)
                wait = own
        return answers, wait

    def _keep(self, came: list[Came]) -> None:
        forgotten, self.came = came[:-_MOST_RECENT], came[-_MOST_RECENT:]
        if forgotten:
            self.forgotten_ms = max(self.forgotten_ms, forgotten[-1].ts_ms)

    def _has_room(self, user_id: str) -> bool:
        """Whether one more event of a user can wait. Where it is full, the newest one goes of whoever has the most."""
        if len(self.waits) < MAX_WAITING:
            return True
        many = Counter(wait.user_id for wait in self.waits)
        most = max(many, key=lambda user: (many[user], user))
        if many[most] <= many[user_id] + 1:
            return False
        self.waits.remove(next(wait for wait in reversed(self.waits) if wait.user_id == most))
        return True

    def end(self, outcome: OutcomeSpec, identity: int, clock_ms: int) -> tuple[Wait, Answer | None] | None:
        """The time of an event is over: what it is then, None where that is not known. None in place of both, where it
        waits no longer."""
        wait = next((each for each in self.waits if each.identity == identity), None)
        if wait is None:
            return None
        self.waits.remove(wait)
        is_no = outcome.otherwise == "no"
        return wait, wait.answered(outcome, False, wait.ts_ms + outcome.until_ms, clock_ms) if is_no else None

    def clear(self, recent_ms: int) -> None:
        """Forget what came before a time."""
        self.came = [each for each in self.came if each.ts_ms >= recent_ms]

    def forget(self, user_id: str) -> None:
        """Forget a user."""
        self.waits = [each for each in self.waits if each.user_id != user_id]
        self.came = [each for each in self.came if each.user != hash64(user_id)]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not self.waits and not self.came


def marks_of(steps: Sequence[OutcomeStep], event: Event, record: EntityRecord, user_partition: int) -> list[Mark]:
    """What an event is to outcomes, once it has been entered into its user's series. One that names no entity, or
    several, does not wait; one that comes answers at each that it names."""
    marks: list[Mark] = []
    now, identity = record.relative(event.ts_ms), event.identity or event.identify()
    for step in steps:
        outcome, found = step.outcome, step.keys(event.fields)
        answer = None
        if step.answers:
            answer = True if step.value is None else step.value(event.fields)
        opens = step.opens and len(found) == 1 and event.ts_ms + outcome.until_ms <= LATEST_MS
        if opens:
            over_ms = min(outcome.until_ms, MAX_WINDOW_MS)
            opens = count_entries(record.series.counts, outcome.after_key, now - over_ms, _EVER) <= MAX_OPEN
        if not opens and answer is None:
            continue
        is_kept = False
        if answer is not None:
            lately = count_entries(record.series.counts, outcome.is_key, now - RECENTLY_MS, _EVER)
            is_kept = lately <= MAX_CAME
        about = event.event_id, event.user_id, event.ts_ms, user_partition, identity, opens, answer, is_kept
        marks += [Mark(NOWHERE, outcome.name, outcome.kind, key, *about) for key in found]
    return marks


def _is_in_time(outcome: OutcomeSpec, after_ms: int, ts_ms: int) -> bool:
    return after_ms + outcome.from_ms < ts_ms <= after_ms + outcome.until_ms
