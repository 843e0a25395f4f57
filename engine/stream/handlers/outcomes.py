"""What happens to events of which something may come, at the entity at which they meet those that come.

Events that meet at their own user are in one partition; others go to their entity's as a message among the hops. What
has come of an event goes back to its user as one (`answers.py`), so it is numbered, and known by its number when it
is sent again.
"""

from collections.abc import Callable, Iterable
from functools import cache

import msgspec
import structlog

from engine.core.domain.outcomes import OutcomeSpec
from engine.core.domain.rules import Rulebook
from engine.core.evaluation.outcomes import Answer, Mark, Meeting, Wait
from engine.core.kernel import hash64
from engine.errors import StateError
from engine.state.noted import UNSCORED, meeting_name
from engine.state.scored import Change
from engine.state.store import ENTITY, PartitionState, entity_record_key
from engine.state.timers import Timers
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.metrics import Metrics

OF_OUTCOME = b"o"
"""What timers of outcomes begin with: no other timer does."""

_MINUTE_MS = 60_000

Place = Callable[[str, int], int]
"""In which partition a user is, who was in this one."""

_log = structlog.stdlib.get_logger("floodgate")

_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_decode_meeting = msgspec.msgpack.Decoder(Meeting).decode


class OutcomeTimer(msgspec.Struct, array_like=True, frozen=True):
    """When an event has waited for long enough. Without an `identity`: when it need not be known any more what came to
    the meeting lately, or, in place of one, what has come of an event that was not scored. `key`: of the outcome as it
    was declared."""

    meeting: bytes
    outcome: str
    key: int
    identity: int = 0
    after_ms: int = 0
    user_id: str = ""


def encode_timer(timer: OutcomeTimer) -> bytes:
    """As timers are kept."""
    return OF_OUTCOME + _encode(timer)


_decode_timer = msgspec.msgpack.Decoder(OutcomeTimer).decode


class Outcomes:
    """Who waits for what in a worker's partitions, as batches of one topic change it."""

    def __init__(self, allowance_ms: int, metrics: Metrics) -> None:
        self._allowance_ms, self._known = allowance_ms, cache(metrics.outcomes.labels)
        self._metrics = metrics
        self._outcomes: dict[str, OutcomeSpec] = {}
        self._touched: dict[bytes, Meeting] = {}
        self._over: list[bytes] = []

    def use(self, rulebook: Rulebook) -> None:
        """The outcomes that there are from the next batch on."""
        self._outcomes = dict(rulebook.outcomes)

    def take(self, outcome: StateOutcome, marks: Iterable[Mark]) -> list[Mark | Answer]:
        """What an event is to outcomes: what it answers; and itself, where it meets others in another partition."""
        hops: list[Mark | Answer] = []
        for mark in marks:
            hops += self.meet(outcome, mark) if self._outcomes[mark.outcome].is_at_user else (mark,)
        return hops

    def meet(self, outcome: StateOutcome, mark: Mark) -> list[Answer]:
        """An event is at the entity at which it meets others: what it answers there."""
        spec, state = self._outcomes.get(mark.outcome), outcome.state
        if spec is None or spec.kind != mark.kind or state is None:
            return []  # nobody asks any more
        name = meeting_name(spec.key, mark.kind, mark.key)
        meeting = self._at(state, name)
        meeting.at = b"" if spec.is_at_user else entity_record_key((mark.kind, mark.key)).removeprefix(ENTITY)
        timers = state.timers if spec.is_at_user else state.meeting_timers
        now_ms = state.clock.now_ms if spec.is_at_user else state.meeting_clock.now_ms
        recent_ms = now_ms - self._allowance_ms
        if mark.opens and not state.clock.is_watched(spec.key, mark.ts_ms - self._allowance_ms):
            mark.opens = False  # it is not known what came shortly before
            self._known("lost").inc()
        answers, wait = meeting.meet(spec, mark, recent_ms, now_ms)
        if wait is not None:
            outcome.keep_timers([self._begin(timers, spec, name, wait)])
            self._metrics.outcomes_begun.inc()
        elif mark.opens and not answers and mark.ts_ms < recent_ms:
            self._known("late").inc()
        elif mark.opens and not answers and mark.ts_ms < meeting.forgotten_ms:
            self._known("lost").inc()
        if mark.is_kept and mark.answer is not None:
            timer = OutcomeTimer(name, spec.name, spec.key)  # nobody's: others may have come in that minute
            due_ms = mark.ts_ms - mark.ts_ms % _MINUTE_MS + _MINUTE_MS
            outcome.keep_timers([timers.put(due_ms, hash64(name.hex()), encode_timer(timer))])
        known: list[Answer] = []
        for answer in answers:
            self._over.append(timers.name(_due_ms(spec, answer.after_ms), _identity(name, answer.identity)))
            # What has waited while nobody watched could only be yes now: it would be no where something came then.
            is_known = state.clock.is_watched(spec.key, answer.after_ms - self._allowance_ms)
            self._known(("yes" if answer.answer else "no") if is_known else "lost").inc()
            known += [answer] if is_known else []
        return known

    def end(self, outcome: StateOutcome, now_ms: int, value: bytes) -> list[Answer]:
        """A timer of an outcome is over by its clock: what is known of its event, if it has waited until then."""
        timer, state = _decode_timer(value[len(OF_OUTCOME) :]), outcome.state
        assert state is not None
        if timer.meeting.startswith(UNSCORED):
            outcome.keep_noted([state.noted.put(timer.meeting, None)])
            return []
        spec, meeting = self._outcomes.get(timer.outcome), self._at(state, timer.meeting)
        if not timer.identity:
            meeting.clear(now_ms - self._allowance_ms)
            return []
        if spec is None or spec.key != timer.key:
            meeting.waits = [wait for wait in meeting.waits if wait.identity != timer.identity]
            self._known("lost").inc()
            return []
        ended = meeting.end(spec, timer.identity, now_ms)
        if ended is None:
            return []
        answer = ended[1]
        # What arrived before all of it was entered may be as much later than this as it is believed to be.
        if not state.clock.is_watched(spec.key, timer.after_ms - self._allowance_ms):
            self._known("lost").inc()
            return []
        self._known("unknown" if answer is None else "no").inc()
        return [answer] if answer is not None else []

    def flush(self, outcome: StateOutcome) -> list[bytes]:
        """Keep what has changed, before the records of the events that have changed it. Returns the timers that are to
        end after that."""
        if self._touched:
            assert outcome.state is not None
            noted = outcome.state.noted
            dumped = ((name, None if each.is_empty else _encode(each)) for name, each in self._touched.items())
            outcome.keep_noted([noted.put(name, value) for name, value in dumped])
            self._touched = {}
        over, self._over = self._over, []
        return over

    def _begin(self, timers: Timers, spec: OutcomeSpec, name: bytes, wait: Wait) -> Change:
        timer = OutcomeTimer(name, spec.name, spec.key, wait.identity, wait.ts_ms, wait.user_id)
        due_ms, identity = _due_ms(spec, wait.ts_ms), _identity(name, wait.identity)
        return timers.put(due_ms, identity, encode_timer(timer))

    def _at(self, state: PartitionState, name: bytes) -> Meeting:
        if name not in self._touched:
            (value,) = state.noted.get([name])
            self._touched[name] = self._read(value) if value is not None else Meeting()
        return self._touched[name]

    def _read(self, value: bytes) -> Meeting:
        try:
            return read_meeting(value)
        except StateError as error:  # one meeting must never stop a partition
            _log.error("who waits for an outcome cannot be read", error=str(error))
            self._known("lost").inc()
            return Meeting()


def read_meeting(value: bytes) -> Meeting:
    """What is kept of a meeting. Raises StateError."""
    try:
        return _decode_meeting(value)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(f"a meeting of {len(value)} bytes cannot be read: {error}") from error


def without(value: bytes, user_id: str) -> bytes | None:
    """What is kept of a meeting, without a user; None where nothing is left, or where it cannot be read."""
    try:
        meeting = read_meeting(value)
    except StateError:
        return None
    meeting.forget(user_id)
    return None if meeting.is_empty else _encode(meeting)


def placed(value: bytes, place: Place) -> bytes:
    """What is kept of a meeting, whose users are in other partitions from now on. Raises StateError."""
    meeting = read_meeting(value)
    meeting.waits = [
        msgspec.structs.replace(wait, user_partition=place(wait.user_id, wait.user_partition)) for wait in meeting.waits
    ]
    return _encode(meeting)


def user_of_timer(value: bytes) -> str | None:
    """Whose event a timer of an outcome is about; None where it cannot be read."""
    timer = read_timer(value)
    return timer.user_id if timer is not None else None


def read_timer(value: bytes) -> OutcomeTimer | None:
    """A timer of an outcome; None of another, or where it cannot be read."""
    try:
        return _decode_timer(value[len(OF_OUTCOME) :]) if value.startswith(OF_OUTCOME) else None
    except (msgspec.MsgspecError, ValueError):
        return None


def _due_ms(spec: OutcomeSpec, after_ms: int) -> int:
    """When the time of an event is over."""
    return after_ms + spec.until_ms


def _identity(name: bytes, event: int) -> int:
    """Tells an event's timer from all others of the same time."""
    return hash64(f"{name.hex()} {event:016x}")


def is_of(value: bytes, user_id: str) -> bool:
    """Whether a meeting has something of a user, or nobody can read whether it has."""
    try:
        meeting = read_meeting(value)
    except StateError:
        return True
    waits = any(wait.user_id == user_id for wait in meeting.waits)
    return waits or any(came.user == hash64(user_id) for came in meeting.came)
