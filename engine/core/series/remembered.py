"""What an entity's earlier events said: the last value of a field, the first one, how long ago, and whether there was
one at all. Pure arithmetic: no clock, no I/O.

A register keeps runs of events, by time: the times of a run's first and last event, and one value. The answer for an
event is read from what lies at or before its time, before the event itself is entered; so an event that comes late
reads what was before it. Times are milliseconds relative to the entity's base (`entities.py`), and may be below zero.

What makes one run of two events, which never lie further apart than `keep_ms`:

- LAST: that they say the same. A flood of equal events is one run, and the changes are what is bounded.
- FIRST: nothing else. The run has the value of its first event; it is how long the entity has been there without a
  silence longer than `keep_ms`.
- AGE: nothing does; each event has its own time.

A value of None stands for one that nobody can tell: of an event of which it is unknown whether it belongs here (a
doubt), or where an event that came late has fallen into a run of others. Of FIRST, what is certain and what may be are
kept apart: `runs` has the former, `possible` both, from the first doubt on.

A register holds at most MAX_RUNS runs. When one must go, the oldest goes, and `floor` remembers its last time: an event
that comes so late that it would have to read what is gone reads unknown.
"""

from bisect import bisect_right
from typing import NamedTuple

from engine.core.values.bounds import AtLeast

LAST, FIRST, AGE = 1, 2, 3
MAX_RUNS = {LAST: 16, FIRST: 4, AGE: 16}
MAX_TEXT_BYTES = 400
"""A longer text is not remembered. An id of 256 letters has a pseudonym of 365."""

_NEVER = -(2**62)
_MOST = 2**63

Known = bool | int | float | str
"""A value as it is remembered."""


class Run(NamedTuple):
    """Events that follow one another. `value`: None where nobody can tell."""

    first: int
    last: int
    value: Known | None


class Register:
    """What is remembered for one declaration at one entity."""

    __slots__ = ("floor", "keep_ms", "kind", "possible", "runs")

    def __init__(self, kind: int, keep_ms: int) -> None:
        self.kind, self.keep_ms = kind, keep_ms
        self.floor = _NEVER
        self.runs: list[Run] = []
        self.possible: list[Run] = []

    def enter(self, now: int, value: Known) -> None:
        """Enter an event that belongs here for certain."""
        if self.kind == FIRST and self.possible:
            self._insert(self.possible, now, value)
        self._insert(self.runs, now, value)

    def doubt(self, now: int) -> None:
        """Enter an event that may belong here."""
        if self.kind != FIRST:
            self._insert(self.runs, now, None)
            return
        if not self.possible:
            self.possible = self.runs[:]
        self._insert(self.possible, now, None)

    def at(self, until: int) -> Run | None:
        """The run that has, or is, the latest before a time; None where nothing lies so near. One without a value where
        nobody can tell."""
        return self._at(self.runs, until)

    def possible_at(self, until: int) -> Run | None:
        """The same with all that may belong here."""
        return self._at(self.possible or self.runs, until)

    def forget(self, value: str) -> None:
        """Drop a value, as if nobody could tell it any more."""
        for runs in (self.runs, self.possible):
            runs[:] = [run._replace(value=None) if run.value == value else run for run in runs]

    def trim(self, oldest: int) -> bool:
        """Drop what no answer from a time on can depend on; whether anything is left."""
        since = oldest - self.keep_ms
        for runs in (self.runs, self.possible):
            while runs and runs[0].last < since:
                del runs[0]
        if self.floor < since:
            self.floor = _NEVER
        return bool(self.runs or self.possible)

    def shift(self, by_ms: int) -> None:
        """Move to a base `by_ms` later."""
        for runs in (self.runs, self.possible):
            runs[:] = [Run(run.first - by_ms, run.last - by_ms, run.value) for run in runs]
        if self.floor != _NEVER:
            self.floor -= by_ms

    def _at(self, runs: list[Run], until: int) -> Run | None:
        place = _place(runs, until)
        if not place:
            return Run(until, until, None) if self.floor != _NEVER and until - self.floor <= self.keep_ms else None
        run = runs[place - 1]
        return run if until - run.last <= self.keep_ms else None

    def _insert(self, runs: list[Run], now: int, value: Known | None) -> None:
        place = _place(runs, now)
        if place and now < runs[place - 1].last:
            self._fall_into(runs, place - 1, now, value)
        else:
            new = Run(now, now, value)
            if place and self._is_one(runs[place - 1], new):
                place -= 1
                new = Run(runs[place].first, now, runs[place].value)
                del runs[place]
            if place < len(runs) and self._is_one(new, runs[place]):
                new = Run(new.first, runs[place].last, new.value)
                del runs[place]
            runs.insert(place, new)
        while len(runs) > MAX_RUNS[self.kind]:
            self.floor = max(self.floor, runs[0].last)
            del runs[0]

    def _is_one(self, run: Run, later: Run) -> bool:
        if later.first - run.last > self.keep_ms:
            return False
        if self.kind == LAST:
            return run.value == later.value
        return self.kind == FIRST or run.value is later.value is None

    def _fall_into(self, runs: list[Run], place: int, now: int, value: Known | None) -> None:
        """An event that came late lies inside a run. From there to the run's last event nobody can tell any more which
        was the latest: only its ends are known."""
        run = runs[place]
        if self.kind == FIRST or run.value == value:
            return
        parts = [Run(run.first, now - 1, run.value), Run(now, now, value)]
        parts += [Run(now + 1, run.last - 1, None), Run(run.last, run.last, run.value)]
        if run.value is None:
            parts[2:] = [Run(now + 1, run.last, None)]
        elif value is None:
            parts[1:3] = [Run(now, run.last - 1, None)]
        runs[place : place + 1] = [part for part in parts if part.first <= part.last]


Registers = dict[int, Register]
"""By the keys of their declarations."""


def memorize(registers: Registers, key: int, kind: int, now: int, value: Known | None, keep_ms: int) -> None:
    """Enter an event and its value. One without a value, or with a text or a number that is too long, is not
    remembered."""
    if value is None or (type(value) is str and _is_long(value)):
        return
    if type(value) is int and not -_MOST <= value < _MOST:
        return
    _register(registers, key, kind, keep_ms).enter(now, value)


def doubt_memory(registers: Registers, key: int, kind: int, now: int, keep_ms: int) -> None:
    """Note an event that may belong here."""
    _register(registers, key, kind, keep_ms).doubt(now)


def recall_last(registers: Registers, key: int, until: int) -> Known | None:
    """The value of the latest event up to a time; None where there is none, or nobody can tell."""
    register = registers.get(key)
    run = register.at(until) if register is not None else None
    return run.value if run is not None else None


def recall_age(registers: Registers, key: int, now: int, until: int) -> int | AtLeast | None:
    """How long before `now` the latest event up to `until` was; at least so long where that is in doubt."""
    register = registers.get(key)
    run = register.at(until) if register is not None else None
    if register is None or run is None:
        return None
    age = now - min(run.last, until)
    if run.value is not None:
        return age
    return AtLeast(age) if _has_certain(register, until) else None


def recall_first(registers: Registers, key: int, until: int) -> Known | None:
    """The value of the first event, up to a time, after the last silence of `keep_ms`."""
    register = registers.get(key)
    if register is None:
        return None
    run, possible = register.at(until), register.possible_at(until)
    if run is None or possible is None or (run.first, run.value) != (possible.first, possible.value):
        return None
    return run.value if not _may_be_cut(register, run) else None


def recall_first_age(registers: Registers, key: int, now: int, until: int) -> int | AtLeast | None:
    """How long before `now` that was; at least so long where it is in doubt."""
    register = registers.get(key)
    run = register.at(until) if register is not None else None
    if register is None or run is None or _is_lost(register, run):
        return None
    possible = register.possible_at(until)
    age = now - run.first
    is_certain = possible is not None and possible.first == run.first and not _may_be_cut(register, run)
    return age if is_certain else AtLeast(age)


def recall_new(registers: Registers, key: int, until: int) -> bool | None:
    """Whether there is no event up to a time, as far back as `keep_ms`; None where nobody can tell."""
    register = registers.get(key)
    if register is None:
        return True
    run = register.at(until)
    if run is not None:
        return None if _is_lost(register, run) else False
    return True if register.possible_at(until) is None else None


def warmed(
    value: "bool | int | float | AtLeast | None", watched_ms: "int | None", warm_ms: int
) -> "bool | int | float | AtLeast | None":
    """What is known where entities have been watched for `watched_ms` (None: for long enough): before `warm_ms` nobody
    can tell that one is new, and an age that began within the first `warm_ms` is a bound."""
    if watched_ms is None or value is None or isinstance(value, AtLeast):
        return value
    if isinstance(value, bool):
        return None if value and watched_ms < warm_ms else value
    return AtLeast(value) if watched_ms - value < warm_ms else value


def trim_registers(registers: Registers, oldest: int) -> int:
    """Drop what no answer can depend on any more. Returns the longest time that anything of what is left is kept."""
    longest = 0
    for key, register in list(registers.items()):
        if register.trim(oldest):
            longest = max(longest, register.keep_ms)
        else:
            del registers[key]
    return longest


def _is_long(text: str) -> bool:
    if 4 * len(text) <= MAX_TEXT_BYTES:
        return False
    return len(text) > MAX_TEXT_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES


def _register(registers: Registers, key: int, kind: int, keep_ms: int) -> Register:
    register = registers.get(key)
    if register is None:
        register = registers[key] = Register(kind, keep_ms)
    return register


def _place(runs: list[Run], until: int) -> int:
    """How many runs begin at a time or before it."""
    if runs and runs[-1].first <= until:  # the usual case
        return len(runs)
    return bisect_right(runs, until, key=lambda run: run.first)


def _has_certain(register: Register, until: int) -> bool:
    """Whether any event up to a time is there for certain and near enough."""
    return any(
        run.value is not None and run.first <= until and until - run.last <= register.keep_ms for run in register.runs
    )


def _may_be_cut(register: Register, run: Run) -> bool:
    """Whether a run may go on where a late event has joined it to what is not kept any more."""
    return register.floor != _NEVER and run.first - register.floor <= register.keep_ms


def _is_lost(register: Register, run: Run) -> bool:
    """Whether a run stands for what is not kept any more."""
    return run not in register.runs
