"""Writes the Python functions of one event type, and compiles them.

For what needs nothing but the user: `observe` enters the event into its series, `decide` asks the models
and evaluates all rules, fused into one body that reads each value once, and `explain` traces one rule.
For the rest, `entities.py` writes what happens at its entities, and a second pair of `decide` and `explain`
reads what was gathered. The generated source names nothing but its own locals and the functions of
`RUNTIME`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.counters import Counter
from engine.core.domain.follow_ups import absence_met, is_follow_up, is_of_decision, is_of_label
from engine.core.domain.kinds import in_order
from engine.core.domain.programs import ClusterProgram, EntityProgram, FollowUps, Program, RoutingProgram
from engine.core.domain.reference import VERSIONS, Lookup
from engine.core.domain.rules import USER, Memory, challengers
from engine.core.values.identity import INVALID_FIELDS
from engine.rulebook.codegen.deciders import DeciderWriter
from engine.rulebook.codegen.entering import is_judged, observations, withdrawals
from engine.rulebook.codegen.entities import Asked, EntityWriter, finding_all, gathered_score, no_score
from engine.rulebook.codegen.following import Following
from engine.rulebook.codegen.functions import (
    Rules,
    Vocabulary,
    compiled,
    concerns,
    function,
)
from engine.rulebook.codegen.lookups import find_lookups, names_of_counters, names_of_refs, names_of_rules
from engine.rulebook.codegen.outcomes import OutcomeWriter
from engine.rulebook.codegen.readings import from_series, from_values
from engine.rulebook.codegen.remembering import recalling, rememberings, warming
from engine.rulebook.codegen.rests import asks_at_entities, resting_place
from engine.rulebook.codegen.runtime import RUNTIME
from engine.rulebook.codegen.sequencing import absences_after, find_absences, sequences_asked
from engine.rulebook.language.keys import KEY_PATHS
from engine.rulebook.language.nodes import Ref
from engine.rulebook.sections.dependencies import Dependencies, behind_value, reached
from engine.rulebook.sections.rules import RuleDeclaration


class ProgramWriter:
    """Holds what all event types share; `program` writes and compiles one type's functions."""

    def __init__(self, vocabulary: Vocabulary, rules: list[RuleDeclaration], needs: Dependencies) -> None:
        self._words, self._rules, self._needs = vocabulary, rules, needs
        self._entities, self._deciders = EntityWriter(vocabulary), DeciderWriter(vocabulary)
        self._outcomes = OutcomeWriter(vocabulary, self._entities)
        self._following = Following(rules, (*vocabulary.counters.values(), *vocabulary.memories.values()))
        self.outcomes = self._outcomes.outcomes
        taken = {kind: self._taken_along(kind) for kind in self._following.asked if absence_met(kind) is not None}
        self.absences = find_absences(vocabulary.declared, vocabulary.counters, taken, vocabulary.invalid())

    def program(self, event_type: str) -> Program:
        """The functions for one event type."""
        rules = [(i, rule) for i, rule in enumerate(self._rules) if concerns(rule.rule.events, event_type)]
        away = [(i, rule) for i, rule in rules if i in self._needs.away_rules]
        at_user = [(i, rule) for i, rule in rules if i not in self._needs.away_rules]
        asked = self._asked(event_type, rules)
        at_once = [name for name in asked if name not in self._needs.away_models]
        namespace = dict(RUNTIME)
        scope = self._words.scope(namespace, from_series, no_score)
        counters = [counter for counter in self._words.counters.values() if concerns(counter.of, event_type)]
        memories = [memory for memory in self._words.memories.values() if concerns(memory.of, event_type)]
        entered = _at(USER, Asked(counters, memories))
        lines = observations(self._words, scope, entered.counters, event_type)
        lines += rememberings(self._words, scope, entered.memories)
        source = [function("observe(f, s, now)", scope, lines)]
        if is_follow_up(event_type):
            scope = self._words.scope(namespace, from_series, no_score)
            source.append(function("withdraw(f, s, now)", scope, withdrawals(self._words, scope, entered.counters)))
        compiled(source, event_type, namespace)
        decider = self._deciders.decider(event_type, at_user, at_once, from_series, no_score)
        judged = [counter for counter in counters if is_judged(self._words, counter, event_type)]
        read = self._recalled(self._reached(rules, asked), Asked([*entered.counters, *judged], entered.memories))
        watched = warming(self._words.memories.values(), [memory.name for memory in read.memories], event_type)
        own = _at(USER, read)
        recall = recalling(event_type, own.memories, own.counters) if own.counters or read.memories or watched else None
        routing = self._routing(event_type, away, Asked(counters, memories), asked)
        lookups = self._lookups(rules, asked, [*counters, *memories], self._following.followed_by(event_type))
        if routing is not None and any(lookup.kind == "mmdb" for lookup in lookups):
            routing = replace(routing, carried=(*routing.carried, VERSIONS))
        return Program(
            namespace["observe"],
            decider,
            routing,
            namespace.get("withdraw"),
            lookups,
            recall,
            watched,
            absences_after(self._words.declared, self.absences, event_type),
            self._outcomes.steps(event_type),
        )

    def _taken_along(self, event_type: str) -> tuple[str, ...]:
        """The paths of an event that a follow-up of this type needs: for its counters, for rules about it, and for what
        follows from these in turn."""
        types = [event_type, *self._following.further(event_type)]
        return tuple(sorted({path for each in types for path in self._needed_by(each)}))

    def _needed_by(self, event_type: str) -> tuple[str, ...]:
        rules = [(i, rule) for i, rule in enumerate(self._rules) if concerns(rule.rule.events, event_type)]
        counters = [counter for counter in self._words.counters.values() if concerns(counter.of, event_type)]
        memories = [memory for memory in self._words.memories.values() if concerns(memory.of, event_type)]
        return self._carried(rules, self._reached(rules, []), Asked(counters, memories))

    def follow_ups(self, programs: Mapping[str, Program]) -> FollowUps:
        """What follow-ups of events are for, by the programs of all types."""
        types = {kind: self._taken_along(kind) for kind in programs if is_follow_up(kind)}
        labels = [each for kind in types if is_of_label(kind) for each in (kind, *self._following.further(kind))]
        return FollowUps(types, self._visited(programs, types), self._visited(programs, labels),
                         self._asks_labels_at_users(), self._words.invalid())  # fmt: skip

    def _visited(self, programs: Mapping[str, Program], types: Iterable[str]) -> dict[str, EntityProgram]:
        """The kinds of entities that events of these types go to, in their order. Where counters leave entities out,
        those of one type may be others than those of another one."""
        found = dict[str, list[EntityProgram]]()
        for routing in (programs[event_type].routing for event_type in types):
            for kind, entity in routing.entities.items() if routing is not None else ():
                found.setdefault(kind, []).append(entity)
        declared = self._words.declared.counters
        counters = [each for each in self._words.counters.values() if declared[each.name].excluded is not None]
        some_left_out = {kind for each in counters for kind in (each.by, each.read_at)}
        return {kind: finding_all(found[kind]) if kind in some_left_out else found[kind][0] for kind in sorted(found)}

    def _asks_labels_at_users(self) -> bool:
        """Whether anything but counters and memories of other entities asks about labels."""
        asked = [rule.rule.events for rule in self._rules]
        asked += [each.of for each in self._words.counters.values() if each.by == USER]
        asked += [each.of for each in self._words.memories.values() if each.by == USER]
        return any(is_of_label(kind) for kinds in asked for kind in kinds)

    def _lookups(
        self, rules: Rules, asked: list[str], entered: Sequence[Counter | Memory], followed_by: frozenset[str]
    ) -> tuple[Lookup, ...]:
        """The reference data that these rules, models, counters and memories read, or what is read of counters; and
        what follow-ups of these types take along of it."""
        declared = self._words.declared
        rules = [*rules, *((i, one) for i, one in enumerate(self._rules) if followed_by.intersection(one.rule.events))]
        entered = [
            *entered,
            *(each for each in self._words.counters.values() if followed_by.intersection(each.of)),
            *(each for each in self._words.memories.values() if followed_by.intersection(each.of)),
        ]
        refs = self._reached(rules, asked)
        read: list[Counter | Memory] = [self._words.counters[ref.target] for ref in refs if ref.kind == "counter"]
        read += [self._words.memories[ref.target] for ref in refs if ref.kind == "memory"]
        names = {*names_of_refs(refs), *names_of_rules(declared, [rule for _, rule in rules])}
        return find_lookups(declared, names.union(names_of_counters(declared, [*entered, *read])))

    def _recalled(self, refs: list[Ref], entered: Asked) -> Asked:
        """What rules and models, and what the event enters at its user, read of before it: what is remembered, and
        counters that leave the event out."""
        declared = self._words.declared
        refs = [*refs]
        for name in [each.name for group in entered for each in group]:
            where = (declared.counters.get(name) or declared.memories[name]).where
            refs += reached(declared, where) if where is not None else ()
        names = {ref.target for ref in refs if ref.kind in ("memory", "counter")}
        before = [counter for counter in self._words.counters.values() if counter.before and counter.name in names]
        return Asked(before, [memory for memory in self._words.memories.values() if memory.name in names])

    def _routing(self, event_type: str, away: Rules, entering: Asked, asked: list[str]) -> RoutingProgram | None:
        """What needs other entities: None when nothing of this event type does. `entering`: what the event enters."""
        needed = self._reached(away, [name for name in asked if name in self._needs.away_models])
        read = {ref.target: self._words.counters[ref.target] for ref in needed if ref.kind == "counter"}
        recalled = {ref.target: self._words.memories[ref.target] for ref in needed if ref.kind == "memory"}
        completed = sequences_asked(self._words.declared, {ref.target for ref in needed if ref.kind == "sequence"})
        answering = Asked([*read.values()], [*recalled.values()], completed)
        clusters = self._clusters(event_type, read.values())
        kinds = {each.by for group in (*entering, recalled.values(), completed) for each in group} | {
            kind for cluster in clusters.values() for kind in cluster.spec.share
        }
        kinds |= {counter.read_at for counter in read.values()}
        kinds |= {resting_place(rule, self._needs) for _, rule in away if rule.rule.rests != USER}
        entities = {}
        for kind in in_order(kinds - {USER} - self._words.declared.clusters.keys()):
            answered = _read_at(kind, answering)
            is_target = any(then.keys is not None and then.target == kind for then in _deeds(away))
            is_target = is_target and bool(answered.counters or answered.memories)
            entities[kind] = self._entities.program(kind, event_type, _at(kind, entering), answered, is_target)
        if not entities and not away:
            return None
        gathered = _read_at(USER, answering)._replace(memories=answering.memories)
        scores = [name for name in asked if name not in self._needs.away_models and _named(name, needed)]
        decider = self._deciders.decider(
            event_type, away, [name for name in asked if name in self._needs.away_models], from_values, gathered_score
        )
        carried = self._carried(away, needed, _at_entities(entering))
        if away:
            followed = (self._taken_along(kind) for kind in self._following.asked if is_of_decision(kind))
            carried = tuple(sorted({*carried, *(path for paths in followed for path in paths)}))
        return RoutingProgram(
            entities=entities,
            clusters=clusters,
            carried=carried,
            invalid=self._words.invalid() if INVALID_FIELDS in carried else None,
            gather=self._entities.gather(event_type, gathered, scores),
            judge=self._entities.judge(event_type, entering.counters),
            eligible=self._entities.eligible(event_type, [entry for entry in away if asks_at_entities(entry[1])],
                                             self._needs),
            decider=decider,
        )  # fmt: skip

    def _clusters(self, event_type: str, read: Iterable[Counter]) -> dict[str, ClusterProgram]:
        """The clusters that events of this type link, if some rule asks about them."""
        asked = {counter.by for counter in self._words.counters.values()}
        return {
            name: ClusterProgram(spec, {counter.name: counter.over_ms for counter in read if counter.by == name})
            for name, spec in self._words.declared.clusters.items()
            if name in asked and concerns(spec.of, event_type)
        }

    def _asked(self, event_type: str, rules: Rules) -> list[str]:
        """The models that these rules name, those that are asked anyway, and the challengers of both, in the order of
        their declaration: challengers first, as a model that one stands in for answers with its score."""
        models, champions = self._words.models, challengers(self._words.models)
        asked = {ref.target for ref in self._reached(rules, []) if ref.kind == "score"}
        asked |= {name for name, spec in models.items() if concerns(spec.of, event_type)}
        asked |= {champions[name] for name in asked & champions.keys()}
        asked |= {name for name, champion in champions.items() if champion in asked}
        return sorted([name for name in models if name in asked], key=lambda name: name not in champions)

    def _reached(self, rules: Rules, models: list[str]) -> list[Ref]:
        declared = self._words.declared
        exprs = [expr for _, rule in rules for expr in (*(clause.expr for clause in rule.all_clauses()), *rule.told)]
        refs = [ref for expr in exprs for ref in reached(declared, expr)]
        for name in models:
            spec = self._words.models[name]
            for written in spec.read:
                ref = declared.resolve(written, declared.spans[f"models.{name}"])
                assert ref is not None  # the compiler has resolved it before
                refs += reached(declared, ref)
        return refs

    def _carried(self, away: Rules, needed: list[Ref], entering: Asked) -> tuple[str, ...]:
        """The fields of the event that have to be taken along, where these rules are decided, and these counters and
        memories are entered, elsewhere or later: those that are read on the way or after it."""
        declared = self._words.declared
        named = [then for then in _deeds(away) if then.target not in ("user", "event")]
        paths = [path for then in named for path in (KEY_PATHS[then.target] if then.keys is not None else (then.path,))]
        for counter in entering.counters:
            if counter.field not in declared.values:
                paths += KEY_PATHS.get(counter.field or "", (declared.path_of(counter.field or ""),))
            needed = needed + behind_value(declared, counter.field)
            where = declared.counters[counter.name].where
            needed = needed + (list(reached(declared, where)) if where is not None else [])
        for memory in entering.memories:
            paths.append(declared.path_of(memory.field or ""))
            where = declared.memories[memory.name].where
            needed = needed + (list(reached(declared, where)) if where is not None else [])
        for ref in needed:
            if ref.kind == "field":
                paths.append(declared.fields[ref.target].path)
            elif ref.kind == "event":
                paths.append(ref.target)
            elif ref.kind == "keys":
                paths += KEY_PATHS[ref.target]
        return tuple(sorted({path for path in paths if path}))


def _at(kind: str, asked: Asked) -> Asked:
    """Those that hang on one kind of entity."""
    counters = [counter for counter in asked.counters if counter.by == kind]
    memories = [memory for memory in asked.memories if memory.by == kind]
    return Asked(counters, memories, [sequence for sequence in asked.sequences if sequence.by == kind])


def _at_entities(asked: Asked) -> Asked:
    """Those that hang on other entities than the user."""
    counters = [counter for counter in asked.counters if counter.by != USER]
    return Asked(counters, [memory for memory in asked.memories if memory.by != USER], asked.sequences)


def _read_at(kind: str, asked: Asked) -> Asked:
    """Those of which events read at one kind."""
    return _at(kind, asked)._replace(counters=[counter for counter in asked.counters if counter.read_at == kind])


def _deeds(rules: Rules) -> Iterator[ActionTemplate]:
    return (then for _, rule in rules for then in (rule.rule.then, *rule.rule.further))


def _named(model: str, refs: list[Ref]) -> bool:
    return any(ref.kind == "score" and ref.target == model for ref in refs)
