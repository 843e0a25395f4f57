"""Counting over what belongs to no single user: an event's journey to its entities and back.

An address, a domain or a text is owned by one partition, as a user is. An event whose rules count over
such entities travels: from its user to each entity in turn, in the order of their kinds, and back to
its user, where it is decided. At each stop it is entered into the entity's series and takes the counters'
values along. What happens at a stop depends on the entity's record alone, so it does not matter whether
the stops lie on one worker or on many.

Those who came first are not forgotten. A rule with a lookback leaves a note at the entity for each event
that it would have acted on, had there been more of them. When the entity's counters cross the threshold,
the notes become recalls, which travel to their users and are enforced there. Whether an event is acted on
at once or recalled later depends on the order of arrival; whether it is acted on at all does not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice, product

from engine.core.contributors import Contributor, Contributors
from engine.core.decisions import Hit, Value, ordinal
from engine.core.entities import MAX_LATENESS_MS, EntityRecord
from engine.core.events import Event
from engine.core.rules import USER, Counter, Fields, JourneyProgram, Rulebook, Watch
from engine.core.units import duration_text
from engine.core.windows import SeriesByKey

MAX_STOPS_PER_KIND = 3
"""How many entities of one kind an event visits, of those that it names."""

MAX_COMBINATIONS = 9
_LATER_TIMES = 256
"""How many later events are looked at again when one arrives late."""

Stop = tuple[str, str]
"""An entity: its kind, such as "url_domain", and its key, such as "x.io"."""


@dataclass(slots=True)
class Journey:
    """An event on its way. `home`: the partition of its user.

    `fields`: what the stops and the decision need of the event; `values`: the user's counters and scores
    as they were at its arrival; `found`: what each stop so far has answered; `allowed`: an allow rule has
    held already; `eligible`: rules with a lookback that would act, and on which target; `hits`: what has
    been decided already.
    """

    event_id: str
    type: str
    user_id: str
    ts_ms: int
    home: int
    fields: Fields
    stops: list[Stop]
    values: dict[str, Value]
    models: dict[str, str]
    allowed: bool = False
    eligible: dict[str, str] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    found: list[dict[str, Value]] = field(default_factory=list)

    def next_stop(self) -> Stop | None:
        """The entity to visit now; None when it is back home."""
        return self.stops[len(self.found)] if len(self.found) < len(self.stops) else None

    def event(self) -> Event:
        """The event, with the fields that it has carried."""
        return Event(self.event_id, self.type, self.user_id, self.ts_ms, self.fields)

    def readings(self) -> list[dict[str, Value]]:
        """All values by name. An event that names several entities of a kind has one reading for each."""
        kinds: dict[str, list[dict[str, Value]]] = {}
        for (kind, _), values in zip(self.stops, self.found, strict=False):
            kinds.setdefault(kind, []).append(values)
        chosen = islice(product(*kinds.values()), MAX_COMBINATIONS)
        return [{name: value for part in (self.values, *parts) for name, value in part.items()} for parts in chosen]


@dataclass(frozen=True, slots=True)
class Recall:
    """An earlier event that a rule acts on now. `position` of `total` in the rule's counter."""

    rule: str
    event_id: str
    type: str
    user_id: str
    target_id: str
    ts_ms: int
    home: int
    kind: str
    key: str
    counter: str
    position: int | None
    total: int

    def told(self, counters: Mapping[str, Counter]) -> str:
        """For people: "14th of 23 accounts with url_domain x.io within 10m"."""
        counter = counters.get(self.counter)
        things = "accounts" if counter is not None and counter.field == USER else "events"
        within = f" within {duration_text(counter.over_ms)}" if counter is not None else ""
        which = ordinal(self.position) if self.position is not None else "one"
        return f"{which} of {self.total} {things} with {self.kind} {self.key}{within}"


Admit = Callable[[str, int], bool]
"""Told the kind of a new entity and the time, whether it may be counted."""


def always(_: str, __: int) -> bool:
    """No budget."""
    return True


def route(program: JourneyProgram, fields: Fields) -> list[Stop]:
    """The entities that an event visits, in the order in which all events visit their kinds."""
    return [
        (kind, key) for kind, entity in program.entities.items() for key in entity.keys(fields)[:MAX_STOPS_PER_KIND]
    ]


def visit(journey: Journey, record: EntityRecord, rulebook: Rulebook, admit: Admit = always) -> list[Recall]:
    """Enter the event at its next stop and take the counters' values along. Returns whom to act on now.
    `admit` is asked whether a new entity may be counted."""
    stop = journey.next_stop()
    assert stop is not None
    kind, key = stop
    program = rulebook.program(journey.type)
    entity = program.journey.entities.get(kind) if program is not None and program.journey is not None else None
    if entity is None:  # planned by another version of the rulebook: nobody asks any more
        journey.found.append({})
        return []
    admitted = bool(record.newest) or admit(kind, journey.ts_ms)
    now = record.relative(journey.ts_ms) if admitted else None
    if now is None or now <= record.newest - MAX_LATENESS_MS:
        journey.found.append(entity.read(None, 0, key))
        return []
    record.newest = max(record.newest, now)
    entity.observe(journey.fields, record.series, now, key)
    journey.found.append(entity.read(record.series, now, key))
    recalls: list[Recall] = []
    for watch in rulebook.watches.get(kind, ()):
        recalls += _watch(watch, rulebook, journey, record, now, stop)
    return recalls


def travel(journey: Journey, rulebook: Rulebook, record_at: Callable[[Stop], EntityRecord]) -> list[Recall]:
    """Make all the visits of a journey, where all entities are at hand."""
    recalls: list[Recall] = []
    while (stop := journey.next_stop()) is not None:
        recalls += visit(journey, record_at(stop), rulebook)
    return recalls


def _watch(
    watch: Watch, rulebook: Rulebook, journey: Journey, record: EntityRecord, now: int, stop: Stop
) -> list[Recall]:
    """Note the event if the rule would act on it; release the notes that a crossing reaches.

    An event that arrives late may have been the one that was missing: the moments of the later events are
    looked at again. So the notes that are released in the end are the same in any order of arrival.
    """
    rule = rulebook.rules[watch.rule]
    notes = record.contributors.get(rule.key)
    direct = watch.crossed(record.series, now, stop[1])
    crossings = [now] if direct else []
    crossings += [
        time for time in _later(record.series, now, watch.lookback_ms) if watch.crossed(record.series, time, stop[1])
    ]
    target_id = journey.eligible.get(rule.name)
    if notes is None:
        if not crossings and target_id is None:
            return []
        notes = record.contributors[rule.key] = Contributors(watch.lookback_ms)
    notes.lookback_ms = watch.lookback_ms
    for time in crossings:
        notes.cross(time)
    if target_id is not None and not direct:
        who = (journey.event_id, journey.type, journey.user_id, target_id, journey.home)
        notes.note(Contributor(now, *who))
    moments = crossings or [record.newest]
    total = max(watch.count(record.series, time, stop[1]) or 0 for time in moments)
    return [_recall(watch, rule.name, one, record, stop, total) for one in notes.release()]


def _recall(watch: Watch, rule: str, one: Contributor, record: EntityRecord, stop: Stop, total: int) -> Recall:
    position = watch.count(record.series, one.time, stop[1])
    return Recall(
        rule, one.event_id, one.type, one.user_id, one.target_id, record.base_ms + one.time, one.home,
        *stop, watch.counter, position, max(total, position or 0),
    )  # fmt: skip


def _later(series: SeriesByKey, now: int, lookback_ms: int) -> list[int]:
    """The times of the entity's events after `now` whose windows may contain it."""
    times = {time for one in series.values() for time in one.after(now, now + lookback_ms)}
    return sorted(times)[:_LATER_TIMES]
