"""What happens when an event comes to an entity on its journey.

It is entered into the entity's series and takes the counters' values along; those who came before the
threshold are recalled, and clusters are linked. Everything depends on the entity's record and on what the
event carries, and on nothing else.
"""

from collections.abc import Callable, Mapping

from engine.core.domain.programs import ClusterProgram, EntityProgram, JourneyProgram, Rest, Watch
from engine.core.domain.rules import Rule, Rulebook, cooldown_key, is_in_force
from engine.core.evaluation.journeys import Journey, Recall, Stop
from engine.core.kernel import hash64
from engine.core.series.distincts import first_time
from engine.core.series.entity_series import UNKNOWN, EntitySeries
from engine.core.state.clusters import (
    MAX_MERGES,
    Link,
    Trace,
    join,
    labels_of,
    latest_members,
    link_entity,
    own_label,
    size,
)
from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import EntityRecord
from engine.core.values.bounds import least_of

_LATER_TIMES = 256
"""How many later events are looked at again when one arrives late."""

Admit = Callable[[Journey, Stop], bool]
"""Told of an event at an entity that is new, whether it may be counted."""


def always(_: Journey, __: Stop) -> bool:
    """No budget."""
    return True


def never(_: Journey, __: Stop) -> bool:
    """No room at all."""
    return False


def visit(journey: Journey, record: EntityRecord, rulebook: Rulebook, admit: Admit = always) -> list[Recall]:
    """Enter the event at its next stop and take the counters' values along. Returns whom to act on now.
    `admit` is asked whether a new entity may be counted."""
    stop = journey.next_stop()
    assert stop is not None
    program = rulebook.program(journey.type)
    plan = program.journey if program is not None else None
    recalls: list[Recall] = []
    if record.newest or admit(journey, stop):
        recalls = _arrive(journey, record, rulebook, plan, stop)
    else:
        entity = plan.entities.get(stop[0]) if plan is not None else None
        journey.found.append(entity.read(UNKNOWN, 0, stop[1]) if entity is not None else {})
    if journey.next_stop() is None and plan is not None:
        _go_on_to_clusters(plan.clusters, journey)
    return recalls


def _arrive(
    journey: Journey, record: EntityRecord, rulebook: Rulebook, plan: JourneyProgram | None, stop: Stop
) -> list[Recall]:
    """The event is at an entity that may be counted."""
    kind, key = stop
    now, recalls = record.relative(journey.ts_ms), list[Recall]()
    if plan is not None and kind in plan.entities:
        record.newest = max(record.newest, now)
        recalls = _count(plan, plan.entities[kind], rulebook, journey, record, now)
    elif plan is not None and kind in plan.clusters:
        record.newest = max(record.newest, now)
        _join(plan.clusters[kind], journey, record, int(key, 16), now)
    else:  # planned by another version of the rulebook: nobody asks any more
        journey.found.append({})
    return recalls


def _count(
    plan: JourneyProgram, entity: EntityProgram, rulebook: Rulebook, journey: Journey, record: EntityRecord, now: int
) -> list[Recall]:
    stop = journey.stops[len(journey.found)]
    kind, key = stop
    # An event that was sent again by the plan of another rulebook may come a second time, another way.
    if record.remember(journey.event().identify(), journey.content):
        entity.observe(journey.fields, record.series, now, key)
    journey.found.append(entity.read(record.series, now, key))
    recalls: list[Recall] = []
    for watch in rulebook.watches.get(kind, ()):
        recalls += _watch(watch, rulebook, journey, record, now, stop)
    for rest in rulebook.rests.get(kind, ()):
        _rest(rest, rulebook.rules[rest.rule], journey, record, now, key)
    _link(plan.clusters, journey, record, kind, now)
    return recalls


def _rest(rest: Rest, rule: Rule, journey: Journey, record: EntityRecord, now: int, key: str) -> None:
    """Note whether the rule rests here; the event at which it does not begins the next rest."""
    target_id = journey.eligible.get(rule.name)
    if target_id is None or not rest.holds(record.series, now, key):
        return
    cooldown = cooldown_key(rule, is_in_force(rule, journey.event(), target_id))
    if record.cooling(cooldown, now):
        journey.resting.setdefault(rule.name, True)
    else:
        journey.resting[rule.name] = False
        record.cool(cooldown, now, rule.cooldown_ms)


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
    looked at again. So the notes that are released in the end are the same in any order of arrival, for
    clauses that more events can only make true (`>=` on a count; a ratio may sink again).
    """
    rule, key = rulebook.rules[watch.rule], stop[1]
    notes = record.contributors.get(rule.key)
    target_id = journey.eligible.get(rule.name)
    moments = _later(record.series, notes, now, watch.within_ms)
    direct = watch.crossed(record.series, now, key)
    crossings = [time for time in moments if watch.crossed(record.series, time, key)]
    if direct and (target_id is not None or _has(record.series, now)):
        crossings.append(now)
    if notes is None:
        if not crossings and target_id is None:
            return []
        notes = record.contributors[rule.key] = Contributors(watch.lookback_ms)
    notes.lookback_ms = watch.lookback_ms
    for time in crossings:
        notes.cross(time)
    if target_id is not None and not direct:
        who = (journey.event_id, journey.type, journey.user_id, target_id, journey.home, journey.content)
        notes.note(Contributor(now, *who))
    released = notes.release()
    if not released:
        return []
    total = max(int(least_of(watch.count(record.series, time, key)) or 0) for time in crossings or [record.newest])
    return [_recall(watch, rule.name, one, record, stop, total) for one in released]


def _recall(watch: Watch, rule: str, one: Contributor, record: EntityRecord, stop: Stop, total: int) -> Recall:
    """An account has the place of its first event in the window, an event its own."""
    entered = hash64(one.user_id), one.time - watch.over_ms, one.time
    first = first_time(record.series.distincts, watch.series_key, *entered)
    at = first if first is not None else one.time
    found = watch.count(record.series, at, stop[1])
    position = found if isinstance(found, int) else None  # of a lower bound nobody knows the place
    return Recall(
        rule, one.event_id, one.type, one.user_id, one.target_id, record.base_ms + one.time, one.home,
        *stop, watch.counter, position, max(total, position or 0), one.content,
    )  # fmt: skip


def _later(series: EntitySeries, notes: Contributors | None, now: int, within_ms: int) -> list[int]:
    """The moments after `now` whose windows may contain it."""
    times = series.after(now, now + within_ms)
    if notes is not None:
        times |= {note.time for note in notes.notes if now < note.time <= now + within_ms}
    return sorted(times)[:_LATER_TIMES]


def _has(series: EntitySeries, now: int) -> bool:
    return bool(series.after(now - 1, now))


def take_labels(clusters: Mapping[str, ClusterProgram], journey: Journey, links: Mapping[int, Link], now: int) -> None:
    """Take the user's labels along. Alone, a user is a cluster of one."""
    for name, cluster in clusters.items():
        labels = labels_of(links.get(cluster.spec.key), now)
        journey.clusters[name] = Trace(labels, known=bool(labels))
        journey.values.update(dict.fromkeys(cluster.counters, 1))


def keep_labels(clusters: Mapping[str, ClusterProgram], journey: Journey, user: EntityRecord, now: int) -> None:
    """The user keeps the label that the event has come back with."""
    for name, trace in journey.clusters.items():
        own = trace.target in (0, own_label(journey.user_id))
        if name in clusters and (trace.shared or trace.known or not own):
            spec = clusters[name].spec
            link = user.links.setdefault(spec.key, Link())
            link.label, link.until = trace.target, max(link.until, now + spec.within_ms)


def _link(clusters: Mapping[str, ClusterProgram], journey: Journey, record: EntityRecord, kind: str, now: int) -> None:
    for name, cluster in clusters.items():
        if kind in cluster.spec.share and name in journey.clusters:
            link = record.links.setdefault(cluster.spec.key, Link())
            link_entity(cluster.spec, journey.clusters[name], link, journey.user_id, now, record.base_ms)


def _join(cluster: ClusterProgram, journey: Journey, record: EntityRecord, label: int, now: int) -> None:
    """At the record of a cluster: bring members, read how many there are, or go on to what it is part of."""
    spec, trace = cluster.spec, journey.clusters[cluster.spec.name]
    link = record.links.setdefault(spec.key, Link())
    link.prune(now - max(spec.within_ms, *cluster.counters.values(), 0))
    further = join(spec, trace, link, label, now, record.base_ms)
    if further is None:
        journey.found.append({name: size(link, now, over_ms) for name, over_ms in cluster.counters.items()})
        journey.members[spec.name] = latest_members(link)
        return
    journey.found.append({})
    stop = (spec.name, f"{further:016x}")
    if stop not in journey.stops[len(journey.found) :] and _cluster_stops(journey, spec.name) < MAX_MERGES:
        journey.stops.append(stop)


def _go_on_to_clusters(clusters: Mapping[str, ClusterProgram], journey: Journey) -> None:
    """All entities are visited: go on to the records of the clusters that the event belongs to, those that
    are part of others first."""
    for name, cluster in clusters.items():
        trace = journey.clusters.get(name)
        if trace is None or _cluster_stops(journey, name):
            continue
        if trace.shared or trace.known or trace.target not in (0, own_label(journey.user_id)):
            trace.members.setdefault(journey.user_id, journey.ts_ms)
            labels = sorted(trace.labels, reverse=True)
            journey.stops += [(cluster.spec.name, f"{label:016x}") for label in labels[-MAX_MERGES:]]


def _cluster_stops(journey: Journey, name: str) -> int:
    return sum(kind == name for kind, _ in journey.stops)
