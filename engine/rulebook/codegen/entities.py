"""Writes what happens on an event's way to its entities: which entities it visits, what is entered and read at each,
what is gathered before it sets out, and what is watched for the sake of those who came before."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from engine.core.domain.counters import Counter
from engine.core.domain.follow_ups import is_follow_up
from engine.core.domain.kinds import RESTING, is_pair, parts_of, stored_kind
from engine.core.domain.outcomes import FindKeys
from engine.core.domain.programs import EntityProgram, Rest, Watch, entity_name
from engine.core.domain.rules import USER, Memory
from engine.core.evaluation.choice import most_of
from engine.rulebook.codegen.clauses import conditions
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.codegen.entering import is_judged, judgement, observations, withdrawals
from engine.rulebook.codegen.functions import Rules, Vocabulary, compiled, excluding, function
from engine.rulebook.codegen.reachability import reachable
from engine.rulebook.codegen.readings import from_series, from_values, store_of
from engine.rulebook.codegen.remembering import recalling, rememberings
from engine.rulebook.codegen.runtime import RUNTIME
from engine.rulebook.codegen.sequencing import completing
from engine.rulebook.language.keys import KEY_PATHS, KEY_SOURCES, OWN_TEXT
from engine.rulebook.sections.dependencies import Dependencies, reached
from engine.rulebook.sections.ordered import SequenceDeclaration
from engine.rulebook.sections.rules import Clause, RuleDeclaration

_READERS_AT = {"count": "read_count_at", "distinct": "read_distinct_at"}


class Asked(NamedTuple):
    """Counters, what is remembered, and sequences, of one kind of entity."""

    counters: Sequence[Counter]
    memories: Sequence[Memory]
    sequences: Sequence[SequenceDeclaration] = ()


class EntityWriter:
    """Writes what routed events do at their entities."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._words = vocabulary

    def program(self, kind: str, event_type: str, entered: Asked, answered: Asked, is_target: bool) -> EntityProgram:
        """One kind of entity. `entered`: what this event enters; `answered`: what is read; `is_target`: whether the
        entity may be acted on."""
        namespace = dict(RUNTIME)
        keys, observe, read, withdraw = (self._words.scope(namespace, from_series, no_score) for _ in range(4))
        lines = observations(self._words, observe, entered.counters, event_type)
        lines += rememberings(self._words, observe, entered.memories)
        others = (*entered.memories, *answered.memories, *answered.sequences)
        named = [*entered.counters, *answered.counters] if not others else []
        source = [
            function("find(f)", keys, [f" return {self._keys(keys, kind, named)}"]),
            function("observe(f, s, now, k)", observe, lines),
            function("read(s, now, k)", read, [f" return {self._values(read, answered, kind if is_target else None)}"]),
        ]
        if is_follow_up(event_type):
            taken_out = withdrawals(self._words, withdraw, entered.counters)
            source.append(function("withdraw(f, s, now, k)", withdraw, taken_out))
        subject = f"{event_type} at {kind}"
        compiled(source, subject, namespace)
        before = [counter for counter in answered.counters if counter.before]
        return EntityProgram(
            namespace["find"],
            namespace["observe"],
            namespace["read"],
            most_of(kind),
            namespace.get("withdraw"),
            recalling(subject, answered.memories, before) if answered.memories or before else None,
        )

    def finder(self, kind: str, subject: str) -> FindKeys:
        """Finds the entities of a kind that an event names."""
        namespace = dict(RUNTIME)
        scope = self._words.scope(namespace, from_series, no_score)
        source = function("find(f)", scope, [f" return {self._keys(scope, kind, [])}"])
        compiled([source], f"{subject} at {kind}", namespace)
        find: FindKeys = namespace["find"]
        return find

    def gather(self, event_type: str, asked: Asked, scores: Iterable[str]) -> Any:
        """Reads the user's values and scores, for the rules that are decided after its entities, and for how long what
        its entities remember has been watched."""
        namespace = dict(RUNTIME)
        scope = self._words.scope(namespace, from_series, no_score)
        counters = asked.counters
        entries = [f"{counter.name!r}: {from_series(scope, counter)}" for counter in counters]
        entries += self._completions(scope, asked)
        names = [memory.name for memory in asked.memories if memory.by == USER]
        names += [memory.watched for memory in asked.memories if memory.warm_ms]
        entries += [f"{name!r}: s.recalled.get({name!r})" for name in names]
        entries += [f"{f'score.{model}'!r}: q.get({model!r})" for model in scores]
        source = function("gather(f, s, now, q)", scope, [f" return {self._words.values(scope, counters, entries)}"])
        compiled([source], event_type, namespace)
        return namespace["gather"]

    def judge(self, event_type: str, entered: Iterable[Counter]) -> Any:
        """Tells what `where` says for the counters of other entities for which it is asked at the user: the name under
        which it goes along, and true or false; nothing where it is unknown. None where there is no such counter."""
        judged = [counter for counter in entered if is_judged(self._words, counter, event_type)]
        if not judged:
            return None
        namespace = dict(RUNTIME)
        scope = self._words.scope(namespace, from_series, no_score)
        lines = [" said = {}"]
        for counter in judged:
            where = self._words.declared.counters[counter.name].where
            assert where is not None  # it is what is judged
            lines += scope.lines(f" if {scope.true(where)}: said[{judgement(counter)!r}] = True")
            lines.append(f" elif {scope.false(where)}: said[{judgement(counter)!r}] = False")
        compiled([function("judge(f, s, now)", scope, [*lines, " return said"])], event_type, namespace)
        return namespace["judge"]

    def eligible(self, event_type: str, rules: Rules, needs: Dependencies) -> Any:
        """Tells which of these rules have all their clauses hold, but for those about the entity."""
        namespace = dict(RUNTIME)
        scope = self._words.scope(namespace, from_series, lambda _, model: f"q.get({model!r})")
        lines = [" hits = []"]
        with scope.reads.in_order():
            for index, rule in rules:
                ours = [[clause for clause in group if not needs.kinds(clause)] for group in _groups(rule)]
                if len(ours[1]) < len(rule.any):  # which of them hold is only known at the entities
                    ours[1] = []
                condition = conditions(scope, *ours)
                lines += scope.lines(f" if {condition}: hits.append({index})")
        compiled([function("eligible(f, s, now, q)", scope, [*lines, " return hits"])], event_type, namespace)
        return namespace["eligible"]

    def watch(self, index: int, rule: RuleDeclaration, kind: str, counter: Counter, needs: Dependencies) -> Watch:
        """What to watch at the entities of one kind, for a rule with a lookback."""
        namespace = dict(RUNTIME)
        scope = self._words.scope(namespace, self._read, no_score)
        theirs = self.decided_at_entities(rule, needs)
        count = self._words.scope(namespace, from_series, no_score)
        names = {ref.target for group in theirs for clause in group for ref in reached(needs.declared, clause.expr)}
        within_ms = max(self._words.counters[name].over_ms for name in names if name in self._words.counters)
        has_enough = reachable(rule, self._words.counters, needs, within_ms)
        source = [
            function("crossings(s, times, k)", scope, self._crossings(scope, theirs, needs)),
            function("count(s, now, k)", count, [f" return {from_series(count, counter)}"]),
            function("reachable(s, now)", count, [f" return {has_enough}"]),
        ]
        compiled(source, f"{rule.rule.name} at {kind}", namespace)
        lookback_ms = rule.rule.then.lookback_ms
        assert lookback_ms is not None
        return Watch(
            rule=index,
            crossings=namespace["crossings"],
            reachable=namespace["reachable"],
            count=namespace["count"],
            counter=counter.name,
            series_key=counter.series_key,
            over_ms=counter.over_ms,
            lookback_ms=lookback_ms,
            within_ms=within_ms,
        )

    def _crossings(self, scope: Scope, theirs: list[list[Clause]], needs: Dependencies) -> list[str]:
        """Lines that ask the clauses at one time after the other, and read each counter once for all of them."""
        reads = {
            scope.given(ref): self._read_at(scope, self._words.counters[ref.target])
            for group in theirs
            for clause in group
            for ref in reached(needs.declared, clause.expr)
            if ref.kind == "counter" and self._words.counters[ref.target].counts_entries
        }
        condition = conditions(scope, *theirs)
        return [
            " held = []",
            f" for {', '.join(['now', *reads])}, in zip({', '.join(['times', *reads.values()])}):",
            *(f"  {name} = U" for name in scope.unread()),
            *(f" {line}" for line in scope.lines(f" if {condition}: held.append(now)")),
            " return held",
        ]

    def _read_at(self, scope: Scope, counter: Counter) -> str:
        left_out = excluding(self._words, scope, counter)
        reader, window = _READERS_AT[counter.kind], f"{counter.series_key}, times, {counter.over_ms}"
        values = f"{reader}({store_of(counter)}, {window})"
        return f"([None] * len(times) if k in {left_out[0]} else {values})" if left_out else values

    def rest(self, index: int, rule: RuleDeclaration, kind: str, needs: Dependencies) -> Rest:
        """What to ask at the entities of one kind, for a rule that rests there."""
        namespace, comes_last = dict(RUNTIME), kind.startswith(RESTING)
        scope = (
            self._words.scope(namespace, from_values, gathered_score)
            if comes_last
            else self._words.scope(namespace, self._read, no_score)
        )
        held = f" return {conditions(scope, *self.decided_at_entities(rule, needs))}"
        compiled([function("holds(f, s, now, k)", scope, scope.lines(held))], f"{rule.rule.name} at {kind}", namespace)
        return Rest(index, namespace["holds"])

    @staticmethod
    def decided_at_entities(rule: RuleDeclaration, needs: Dependencies) -> list[list[Clause]]:
        """The clauses of a rule that cannot be told before the event is at its entities; of `any` all, if one is."""
        late = [[clause for clause in group if needs.kinds(clause)] for group in _groups(rule)]
        return [late[0], rule.any if late[1] else [], late[2]]

    def _keys(self, scope: Scope, kind: str, counters: list[Counter]) -> str:
        """The keys that an event names, without those that every counter leaves out."""
        named, counted = parts_of(kind), parts_of(stored_kind(kind))
        values = ", ".join(
            OWN_TEXT if part == "text" and USER in counted else self._part(scope, part, counted_as)
            for part, counted_as in zip(named, counted, strict=True)
        )
        keys = f"pairs({values})" if is_pair(kind) else f"keys({values})"
        lists = [excluding(self._words, scope, counter) for counter in counters]
        if lists and all(lists):
            names = sorted({name for names in lists for name in names})
            keys = f"left_in({keys}, ({', '.join(names)},))"
        paths = KEY_PATHS.get(kind, ())  # most events have no pictures, and should not pay for those that have
        return f"{keys} if {paths[0]!r} in f else ()" if len(paths) == 1 else keys

    def _part(self, scope: Scope, part: str, counted_as: str) -> str:
        if part in KEY_SOURCES:
            return KEY_SOURCES[part]
        fetched = self._words.subject(scope, part)
        if self._words.declared.type_of(part) == "list":
            return f"member_tokens({fetched})"
        return f"addresses({fetched})" if counted_as == "ip" else f"tokens({fetched})"

    def _values(self, scope: Scope, asked: Asked, named: str | None) -> str:
        entries = [f"{entity_name(named)!r}: k"] if named is not None else []
        entries += [f"{counter.name!r}: {self._read(scope, counter)}" for counter in asked.counters]
        entries += [f"{memory.name!r}: s.recalled.get({memory.name!r})" for memory in asked.memories]
        return self._words.values(scope, asked.counters, [*entries, *self._completions(scope, asked)])

    def _completions(self, scope: Scope, asked: Asked) -> list[str]:
        """Sequences by name."""
        return [f"{each.name!r}: {completing(scope, each, self._words.counters)}" for each in asked.sequences]

    def _read(self, scope: Scope, counter: Counter) -> str:
        left_out = excluding(self._words, scope, counter)
        value = from_series(scope, counter)
        return f"(None if k in {left_out[0]} else {value})" if left_out else value


def finding_all(programs: Sequence[EntityProgram]) -> EntityProgram:
    """One that finds the entities that any of these finds."""
    finders = [program.keys for program in programs]

    def find(fields: dict[str, Any]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for keys in finders:
            for key in keys(fields):
                found[key] = None
        return tuple(found)

    return replace(programs[0], keys=find)


def no_score(_: Scope, model: str) -> str:
    """Where scores are not read."""
    raise AssertionError(f"the score of {model} is not read here")


def gathered_score(_: Scope, model: str) -> str:
    """Where scores were gathered."""
    return f"s.get({f'score.{model}'!r})"


def _groups(rule: RuleDeclaration) -> list[list[Clause]]:
    return [rule.when, rule.any, rule.unless]
