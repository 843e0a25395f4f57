"""Those who came before a threshold: notes at an entity, and the crossings that release them.

Everything depends on the entity's record and on what the event carries, and on nothing else.
"""

from engine.core.domain.programs import Watch
from engine.core.domain.rules import Rule
from engine.core.evaluation.routing import NOWHERE, EntityKey, RetroactiveMatch, RoutedEvent
from engine.core.kernel import distinct_times_between, first_time, hash64, times_between
from engine.core.series.entity_series import EntitySeries
from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import EntityRecord
from engine.core.values.bounds import least_of

_LATER_TIMES = 256
"""How many later events are looked at again when one arrives late."""


def look_back(
    watch: Watch, rule: Rule, routed: RoutedEvent, record: EntityRecord, now: int, entity_key: EntityKey
) -> list[RetroactiveMatch]:
    """Note the event if the rule would act on it; release the notes that a crossing reaches.

    An event that arrives late may have been the one that was missing: the moments of the later events are
    looked at again. So the notes that are released in the end are the same in any order of arrival, for
    clauses that more events can only make true (`>=` on a count; a ratio may sink again).
    """
    key = entity_key[1]
    notes = record.contributors.get(rule.key)
    if notes is not None:
        notes.lookback_ms = watch.lookback_ms  # the rule may have been edited
    target_id = routed.eligible.get(rule.name)
    crossings: list[int] = []
    if watch.reachable(record.series, now):
        crossings = watch.crossings(record.series, [now, *_later(record, notes, now, watch.within_ms)], key)
    direct = crossings[:1] == [now]
    if direct:
        del crossings[0]
    if direct and (target_id is not None or _has(record.series, now)):
        crossings.append(now)  # last: of very many spans those of later crossings stay
    if notes is None:
        if not crossings and target_id is None:
            return []
        notes = record.contributors[rule.key] = Contributors(watch.lookback_ms)
    for time in crossings:
        notes.cross(time)
    if target_id is not None and not direct:
        who = (routed.event_id, routed.type, routed.user_id, target_id, routed.user_partition, routed.content)
        notes.note(Contributor(now, *who))
    elif not crossings:
        return []
    released = notes.release()
    return _matches(watch, rule.name, released, record, entity_key, crossings) if released else []


def _matches(
    watch: Watch, rule: str, released: list[Contributor], record: EntityRecord, entity_key: EntityKey,
    crossings: list[int],
) -> list[RetroactiveMatch]:  # fmt: skip
    key = entity_key[1]
    total = max(int(least_of(watch.count(record.series, time, key)) or 0) for time in (*crossings, record.newest))
    return [_match_of(watch, rule, note, record, entity_key, total) for note in released]


def _match_of(
    watch: Watch, rule: str, note: Contributor, record: EntityRecord, entity_key: EntityKey, total: int
) -> RetroactiveMatch:
    """An account has the place of its first event in the window, an event its own."""
    entered = hash64(note.user_id), note.time - watch.over_ms, note.time
    first = first_time(record.series.distincts, watch.series_key, *entered)
    at = first if first is not None else note.time
    count = watch.count(record.series, at, entity_key[1])
    position = count if isinstance(count, int) else None  # of a lower bound nobody knows the place
    return RetroactiveMatch(
        NOWHERE, rule, note.event_id, note.type, note.user_id, note.target_id, record.base_ms + note.time,
        note.user_partition, *entity_key, watch.counter, position, max(total, position or 0), note.content,
    )  # fmt: skip


def _later(record: EntityRecord, notes: Contributors | None, now: int, within_ms: int) -> list[int]:
    """The moments after `now` whose windows may contain it, but for those that have crossed before."""
    until = min(now + within_ms, record.newest)
    if until <= now or (notes is not None and notes.covers(now + 1, until)):
        return []
    times = _entered(record.series, now, until)
    if notes is None:
        return sorted(times)[:_LATER_TIMES]
    return notes.uncovered(sorted(times.union(notes.times_between(now, until)))[:_LATER_TIMES])


def _entered(series: EntitySeries, after: int, until: int) -> set[int]:
    """The times in (after, until] at which something was entered."""
    times = {*times_between(series.counts, after, until), *distinct_times_between(series.distincts, after, until)}
    return times.union(*(other.after(after, until) for other in series.others.values()))


def _has(series: EntitySeries, now: int) -> bool:
    return bool(_entered(series, now - 1, now))
