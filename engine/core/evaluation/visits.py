"""What happens when a routed event comes to an entity.

It is entered into the entity's series and takes the counters' values along; those who came before the
threshold are acted on as well, and clusters are linked. Everything depends on the entity's record and on what the
event carries, and on nothing else.
"""

from collections.abc import Callable, Mapping

from engine.core.domain.decisions import Value
from engine.core.domain.kinds import READING, RESTING, stored_kind
from engine.core.domain.programs import ClusterProgram, EntityProgram, Rest, RoutingProgram
from engine.core.domain.rules import Rule, Rulebook
from engine.core.evaluation.lookbacks import look_back
from engine.core.evaluation.reach import acts_on, cooldown_key
from engine.core.evaluation.routing import EntityKey, RetroactiveMatch, RoutedEvent
from engine.core.kernel import remember
from engine.core.series.entity_series import UNKNOWN, EntitySeries
from engine.core.state.clusters import (
    MAX_MERGES,
    ClusterLink,
    ClusterTrace,
    join,
    labels_of,
    latest_members,
    link_entity,
    size,
)
from engine.core.state.entities import RECENT_IDS, USUAL_RELATIVE_MS, EntityRecord

Admit = Callable[[RoutedEvent, EntityKey], bool]
"""Told of an event at an entity that is new, whether it may be counted; where it only reads, whether it could be."""


def always(_: RoutedEvent, __: EntityKey) -> bool:
    """No budget."""
    return True


def never(_: RoutedEvent, __: EntityKey) -> bool:
    """No room at all."""
    return False


def visit(
    routed: RoutedEvent, entity_key: EntityKey, record: EntityRecord, rulebook: Rulebook, admit: Admit = always
) -> list[RetroactiveMatch]:
    """Enter the event at its next entity and take the counters' values along. Returns whom to act on now.
    `admit` is asked whether a new entity may be counted."""
    program = rulebook.program(routed.type)
    plan = program.routing if program is not None else None
    matches: list[RetroactiveMatch] = []
    if routed.withdrawn and (not record.newest or READING in entity_key[0]):
        routed.answers.append({})  # what it said is forgotten, or nobody asks
    elif READING in entity_key[0]:
        routed.answers.append(_read(routed, record, plan, entity_key, admit))
    elif record.newest or admit(routed, entity_key):
        matches = _arrive(routed, record, rulebook, plan, entity_key)
    else:
        entity = plan.entities.get(entity_key[0]) if plan is not None else None
        routed.answers.append(entity.read(UNKNOWN, 0, entity_key[1]) if entity is not None else {})
    if plan is not None and plan.clusters and len(routed.answers) == len(routed.entity_keys):
        _go_on_to_clusters(plan.clusters, routed)
    return matches


def _read(
    routed: RoutedEvent, record: EntityRecord, plan: RoutingProgram | None, entity_key: EntityKey, admit: Admit
) -> dict[str, Value]:
    """What an entity's counters say to an event that is not counted there, and leaves nothing behind. Of one at which
    nothing has been counted: nothing, if it would have been."""
    kind, key = entity_key
    entity = plan.entities.get(kind) if plan is not None else None
    if entity is None:
        return {}
    if record.newest:
        return entity.read(record.series, max(0, routed.ts_ms - record.base_ms), key)
    return entity.read(EntitySeries() if admit(routed, entity_key) else UNKNOWN, 0, key)


def _arrive(
    routed: RoutedEvent, record: EntityRecord, rulebook: Rulebook, plan: RoutingProgram | None, entity_key: EntityKey
) -> list[RetroactiveMatch]:
    """The event is at an entity that may be counted."""
    kind, key = entity_key
    now = routed.ts_ms - record.base_ms
    if not 0 < now <= USUAL_RELATIVE_MS:
        now = record.relative(routed.ts_ms)
    entity = plan.entities.get(kind) if plan is not None else None
    if plan is None or (entity is None and kind not in plan.clusters):
        routed.answers.append({})  # planned by another version of the rulebook: nobody asks any more
        return []
    record.newest = max(record.newest, now)
    if entity is not None:
        return _count(plan, entity, rulebook, routed, record, now, entity_key)
    _join(plan.clusters[kind], routed, record, int(key, 16), now)
    return []


def _count(
    plan: RoutingProgram, entity: EntityProgram, rulebook: Rulebook, routed: RoutedEvent, record: EntityRecord,
    now: int, entity_key: EntityKey,
) -> list[RetroactiveMatch]:  # fmt: skip
    kind, key = entity_key
    if routed.withdrawn and entity.withdraw is not None:
        entity.withdraw(routed.fields, record.series, now, key)
        routed.answers.append({})
        return []
    # An event that was sent again by the plan of another rulebook may come a second time, another way.
    is_first = remember(record.recent, routed.identity or routed.identify(), routed.content, RECENT_IDS)
    if entity.recall is not None:
        until = now if is_first else now - 1
        record.series.recalled = routed.values | entity.recall(record.series, now, until)
    if is_first:
        entity.observe(routed.fields, record.series, now, key)
    routed.answers.append(entity.read(record.series, now, key))
    matches: list[RetroactiveMatch] = []
    for watch in rulebook.watches.get(kind, ()):
        rule = rulebook.rules[watch.rule]
        if rule.name in routed.eligible or rule.key in record.contributors or watch.reachable(record.series, now):
            matches += look_back(watch, rule, routed, record, now, entity_key)
    for rest in rulebook.rests.get(kind, ()):
        _rest(rest, rulebook.rules[rest.rule], routed, record, now, entity_key)
    if plan.clusters:
        _link(plan.clusters, routed, record, kind, now)
    return matches


def _rest(rest: Rest, rule: Rule, routed: RoutedEvent, record: EntityRecord, now: int, entity_key: EntityKey) -> None:
    """Note whether the rule rests here; the event at which it does not begins the next rest."""
    (kind, key), target_id = entity_key, routed.eligible.get(rule.name)
    if target_id is None:
        return
    readings = routed.readings() if kind.startswith(RESTING) else [record.series]
    if not any(rest.holds(routed.fields, reading, now, key) for reading in readings):
        return
    cooldown = cooldown_key(rule, acts_on(rule, routed.event(), target_id))
    if record.cooling(cooldown, now):
        routed.resting.setdefault(rule.name, True)
    else:
        routed.resting[rule.name] = False
        record.cool(cooldown, now, rule.cooldown_ms)


def travel(
    routed: RoutedEvent, rulebook: Rulebook, record_at: Callable[[EntityKey], EntityRecord]
) -> list[RetroactiveMatch]:
    """Make all the visits of a routed event, where all entities are at hand."""
    matches: list[RetroactiveMatch] = []
    while (entity_key := routed.next_entity()) is not None:
        kind, key = entity_key
        matches += visit(routed, entity_key, record_at((stored_kind(kind), key)), rulebook)
    return matches


def take_labels(
    clusters: Mapping[str, ClusterProgram], routed: RoutedEvent, links: Mapping[int, ClusterLink], now: int
) -> None:
    """Take the user's labels along. Alone, a user is a cluster of one."""
    for name, cluster in clusters.items():
        labels = labels_of(links.get(cluster.spec.key), now)
        routed.clusters[name] = ClusterTrace(labels, known=bool(labels))
        routed.values.update(dict.fromkeys(cluster.counters, 1))


def keep_labels(clusters: Mapping[str, ClusterProgram], routed: RoutedEvent, user: EntityRecord, now: int) -> None:
    """The user keeps the label that the event has come back with."""
    for name, trace in routed.clusters.items():
        if name in clusters and trace.belongs(routed.user_id):
            spec = clusters[name].spec
            link = user.links.setdefault(spec.key, ClusterLink())
            link.label, link.until = trace.target, max(link.until, now + spec.within_ms)


def _link(
    clusters: Mapping[str, ClusterProgram], routed: RoutedEvent, record: EntityRecord, kind: str, now: int
) -> None:
    for name, cluster in clusters.items():
        if kind in cluster.spec.share and name in routed.clusters:
            link = record.links.setdefault(cluster.spec.key, ClusterLink())
            link_entity(cluster.spec, routed.clusters[name], link, routed.user_id, now, record.base_ms)


def _join(cluster: ClusterProgram, routed: RoutedEvent, record: EntityRecord, label: int, now: int) -> None:
    """At the record of a cluster: bring members, read how many there are, or go on to what it is part of."""
    spec, trace = cluster.spec, routed.clusters[cluster.spec.name]
    link = record.links.setdefault(spec.key, ClusterLink())
    link.prune(now - max(spec.within_ms, *cluster.counters.values(), 0))
    further = join(spec, trace, link, label, now, record.base_ms)
    if further is None:
        routed.answers.append({name: size(link, now, over_ms) for name, over_ms in cluster.counters.items()})
        routed.members[spec.name] = latest_members(link)
        return
    routed.answers.append({})
    entity_key = (spec.name, f"{further:016x}")
    if (
        entity_key not in routed.entity_keys[len(routed.answers) :]
        and _count_of_cluster(routed, spec.name) < MAX_MERGES
    ):
        routed.entity_keys.append(entity_key)


def _go_on_to_clusters(clusters: Mapping[str, ClusterProgram], routed: RoutedEvent) -> None:
    """All entities are visited: go on to the records of the clusters that the event belongs to, those that
    are part of others first."""
    for name, cluster in clusters.items():
        trace = routed.clusters.get(name)
        if trace is None or _count_of_cluster(routed, name):
            continue
        if trace.belongs(routed.user_id):
            trace.members.setdefault(routed.user_id, routed.ts_ms)
            labels = sorted(trace.labels, reverse=True)
            routed.entity_keys += [(cluster.spec.name, f"{label:016x}") for label in labels[-MAX_MERGES:]]


def _count_of_cluster(routed: RoutedEvent, name: str) -> int:
    return sum(kind == name for kind, _ in routed.entity_keys)
