"""What happens when time passes in a partition and something has not come: timers begin, and end, those of outcomes
among them.

The time is that of the partition's events, so the same events bring the same about, live and in a replay, however they
are batched. Where none come any more, the worker tells the time itself (`Tick`), once all events have been read. Where
events of several partitions meet, it is as late as by the partition that is behind (`state/clocks.py`).
"""

from collections.abc import Iterator, Sequence

import msgspec
import structlog

from engine.core.evaluation.absences import Timer
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.outcomes import Mark
from engine.settings import Settings
from engine.state.store import PartitionState, user_record_key
from engine.state.timers import Timers
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.hop_messages import Hop, hops_of
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.outcomes import OF_OUTCOME, Outcomes, Place, user_of_timer
from engine.stream.handlers.results import Results

_log = structlog.stdlib.get_logger("floodgate")

_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_decode = msgspec.msgpack.Decoder(Timer).decode


class Absences:
    """The timers of a worker's partitions, as batches of one topic begin and end them. `partitions`: so many send what
    meets at entities."""

    def __init__(self, settings: Settings, results: Results, metrics: Metrics, partitions: int = 1) -> None:
        self._results, self._metrics, self._partitions = results, metrics, partitions
        self._allowance_ms = allowance_ms(settings)
        self.outcomes = Outcomes(self._allowance_ms, metrics)
        self._evaluator: Evaluator | None = None
        self._ended: list[bytes] = []
        self._series: frozenset[int] = frozenset()
        self.are_asked = self._is_new = False

    def use(self, evaluator: Evaluator) -> None:
        """Decide with this from the next batch on."""
        rulebook = evaluator.rulebook
        self._evaluator, self.are_asked = evaluator, bool(rulebook.absences or rulebook.outcomes)
        self._series = frozenset(absence.none_key for absence in rulebook.absences.values())
        self._series |= {outcome.key for outcome in rulebook.outcomes.values()}
        self.outcomes.use(rulebook)

    def look(self, state: PartitionState) -> None:
        """At the beginning of a batch: what is waited for may be something else than in the one before."""
        self._is_new = state.clock.watch(self._series)

    def begin(self, outcome: StateOutcome, timers: Sequence[Timer]) -> None:
        """Let timers run."""
        assert outcome.state is not None
        for timer in timers:
            change = outcome.state.timers.put(timer.follow_up.ts_ms, timer.identity, _encode(timer))
            outcome.keep_timers([change])
        if timers:
            self._metrics.timers_begun.inc(len(timers))

    def advance(self, outcome: StateOutcome, ts_ms: int) -> list[Hop]:
        """It has become so late by the partition's events: what is due is applied, before the event that says so. What
        goes on elsewhere."""
        state = outcome.state
        assert state is not None
        now_ms, due_ms = state.clock.advance(ts_ms), state.timers.next_due_ms()
        if due_ms is None or due_ms >= now_ms - self._allowance_ms:
            return []
        hops: list[Hop] = []
        for value in self._due(state.timers, now_ms):
            try:
                if value.startswith(OF_OUTCOME):
                    hops += self.outcomes.end(outcome, state.clock.now_ms, value)
                else:
                    hops += self._end(outcome, state, value)
            except Exception:  # one timer must never stop a partition
                self._note_failed()
        return hops

    def meet(self, outcome: StateOutcome, mark: Mark) -> list[Hop]:
        """An event is at the entity at which it meets others, and it has become so late there."""
        assert outcome.state is not None
        now_ms = outcome.state.meeting_clock.hear(mark.origin.partition, mark.ts_ms, self._partitions)
        hops = self._end_waits(outcome, now_ms)
        try:
            hops += self.outcomes.meet(outcome, mark)
        except Exception:  # one event must never stop a partition, nor take along what was due before it
            _log.exception("an event could not meet those that it may come of")
            self._metrics.outcomes.labels("failed").inc()
        return hops

    def pass_time(self, outcome: StateOutcome, ts_ms: int) -> list[Hop]:
        """Everything is decided that was earlier, in all partitions."""
        assert outcome.state is not None
        hops = self.advance(outcome, ts_ms)
        return hops + self._end_waits(outcome, outcome.state.meeting_clock.tell(ts_ms))

    def _end_waits(self, outcome: StateOutcome, now_ms: int) -> list[Hop]:
        hops: list[Hop] = []
        assert outcome.state is not None
        for value in self._due(outcome.state.meeting_timers, now_ms):
            try:
                hops += self.outcomes.end(outcome, now_ms, value)
            except Exception:  # one timer must never stop a partition
                self._note_failed()
        return hops

    def _due(self, timers: Timers, now_ms: int) -> Iterator[bytes]:
        for key, value in timers.take(now_ms - self._allowance_ms):
            self._ended.append(key)
            yield value

    def _note_failed(self) -> None:
        _log.exception("what an event was waited upon for could not be decided")
        self._metrics.timers_ended.labels("failed").inc()

    def flush(self, outcome: StateOutcome) -> None:
        """Keep what is known of outcomes, before the records of the events that have changed it."""
        self._ended += self.outcomes.flush(outcome)

    def finish(self, outcome: StateOutcome) -> None:
        """Timers are over once the records of their users are kept; then the clocks are."""
        state = outcome.state
        assert state is not None
        self.end_timers(outcome)
        if self.are_asked or self._is_new:
            outcome.changes.append(state.clock.dump())
        if state.meeting_clock.is_changed:
            outcome.changes.append(state.meeting_clock.dump())

    def end_timers(self, outcome: StateOutcome) -> None:
        """Timers are over that have been taken, or whose events are answered."""
        state = outcome.state
        assert state is not None
        outcome.keep_timers([state.timers_of(key).drop(key) for key in self._ended])
        self._ended = []

    def _end(self, outcome: StateOutcome, state: PartitionState, value: bytes) -> list[Hop]:
        assert self._evaluator is not None  # no partition is read before a rulebook is there
        timer = _decode(value)
        # What arrived before all of it was entered may be as much later than this as it is believed to be.
        if not state.clock.is_watched(timer.series, timer.after_ms - self._allowance_ms):
            self._metrics.timers_ended.labels("none").inc()
            return []
        key = user_record_key(timer.follow_up.user_id)
        record = outcome.records[key] = state.load([key])[key]
        result = self._evaluator.lapse(timer, record, outcome.ledger(self._evaluator.rulebook))
        self._metrics.timers_ended.labels("absent" if result is not None else "none").inc()
        if result is None:
            return []
        self._results.collect(outcome, result)
        return hops_of(result)


def allowance_ms(settings: Settings) -> int:
    """How much earlier than the clock a timer ends: an event may say, and be believed, that it is so much ahead of one
    that arrives after it."""
    return 2 * settings.events.clock_tolerance_ms


def user_of(value: bytes) -> str | None:
    """Whose event a timer waits upon; None where it cannot be read."""
    if value.startswith(OF_OUTCOME):
        return user_of_timer(value)
    try:
        return _decode(value).follow_up.user_id
    except (msgspec.MsgspecError, ValueError):
        return None


def placed(value: bytes, place: Place) -> bytes:
    """A timer, whose user is in another partition from now on. Those of outcomes do not say where that is."""
    if value.startswith(OF_OUTCOME):
        return value
    try:
        timer = _decode(value)
    except (msgspec.MsgspecError, ValueError):
        return value
    timer.follow_up.user_partition = place(timer.follow_up.user_id, timer.follow_up.user_partition)
    return _encode(timer)
