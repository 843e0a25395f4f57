"""What a rulebook costs: an estimate from its text, before it is used.

Microseconds of CPU for an event, by type, as measured on one machine (`benchmarks/costs.py` measures them again): they
tell which rule is dear, not how many events a second another machine decides. Bytes are what an entity's record takes
when all of its series are full.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.core.domain.counters import STATISTICS, Counter
from engine.core.domain.follow_ups import is_follow_up, written_type
from engine.core.domain.kinds import RESTING, parts_of
from engine.core.domain.programs import Program, RoutingProgram
from engine.core.domain.rules import ANY_EVENT, USER, Memory, ModelSpec, Rulebook, challengers
from engine.core.series.remembered import FIRST, MAX_RUNS, MAX_TEXT_BYTES
from engine.core.series.sketches import BUCKETS_PER_WINDOW
from engine.core.state.entities import RECENT_IDS
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.functions import FUNCTIONS
from engine.rulebook.language.nodes import Expr, Matches, Points, children
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import reached
from engine.rulebook.sections.reading import read_declarations
from engine.rulebook.sections.rules import RuleDeclaration, read_rules

EVENT_US = 16.0
"""An event of which nothing is asked: read, its user's record loaded and kept (decision 9, as of STOP_US)."""

FOLLOW_UP_US = 48.0
"""What has become of an event, as one more event: a hit that a counter asks about, an action, a label."""

COUNTER_US: Mapping[tuple[str, bool], float] = {
    ("count", False): 0.5, ("distinct", False): 1.4, ("sum", False): 5.5,
    ("count", True): 3.5, ("distinct", True): 9.0, ("sum", True): 3.5,
}  # fmt: skip
"""One more counter and its clause, by kind and whether it is approximate."""

STATISTIC_US, ENTRY_US = 5.5, 0.1
"""One more statistic, or `having`, and its clause; and for each entry that it looks at, all that it keeps at most."""

MEMORY_US = 6.0
"""One more remembered value and its clause."""

SEQUENCE_US, ABSENCE_US = 12.0, 30.0
"""One more sequence and its clause; an event that is waited upon, until its time is over."""

OUTCOME_US, WAITING_BYTES = 30.0, 250
"""What an event is to one more outcome, with its answer; what is kept while it waits, beside what models have read."""

CLAUSE_US, TERM_US, PATTERN_US, MODEL_US, STOP_US = 0.08, 0.15, 1.6, 9.0, 45.0
"""A clause, though most are not reached; a term of a scorecard, all of which are; a pattern; a model that learns; one
visit of a routed event at one entity."""

RIVER_US = 30.0
"""A pipeline of River's in place of the default learner."""

SEED_US = 6.0
"""What a model's seed makes of a text of 300 bytes."""

BANK_US = 200.0
"""Looking a picture up in a bank that does not have it, where it has not been looked up lately."""

_FRAMES_ASKED = 7
"""Of a video that a bank does not have."""

LOOKUP_US: Mapping[str, float] = {"mmdb": 8.0, "file": 1.0, "topic": 1.0}
"""Looking reference data up, of an address that is new."""

KEY_US: Mapping[str, float] = {"text": 12.0, "url_domain": 10.0, "ip_prefix": 1.0, "image": 3.0, "video": 200.0}
"""Finding out which entities an event names, where that is more than looking."""

STOPS: Mapping[str, int] = {"text": 2, "image": 16, "video": 16}
"""How many entities of a kind an event names, where that is more than one."""

_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_BANK = re.compile(r"(\bvideo (?:not )?in )?\b(banks\.\w+)")
_CALL, _WORD = re.compile(r"\b(\w+)\("), re.compile(r"\b\w+\b")

_RECORD_BYTES = 60 + 8 * RECENT_IDS
_SERIES_BYTES, _COUNT_BYTES, _DISTINCT_BYTES, _SUM_BYTES = 16, 4, 12, 12
_REGISTER_BYTES, _RUN_BYTES, _NUMBER_BYTES, _TEXT_BYTES = 25, 17, 8, 2 + MAX_TEXT_BYTES


@dataclass(frozen=True, slots=True)
class Costs:
    """`event_us`: by type of event; `record_bytes`: by kind of entity, at most; `waiting_bytes`: by outcome, of each
    event that waits for it; `challenger_us`: by challenger, what it adds to each event that its model scores, which is
    in `event_us` too."""

    event_us: Mapping[str, float]
    record_bytes: Mapping[str, int]
    waiting_bytes: Mapping[str, int]
    challenger_us: Mapping[str, float] = field(default_factory=dict)

    @property
    def dearest_us(self) -> float:
        """Of all types of events."""
        return max(self.event_us.values(), default=0.0)

    @property
    def largest_bytes(self) -> int:
        """Of all kinds of entities."""
        return max(self.record_bytes.values(), default=0)


def estimate_costs(rulebook: Rulebook) -> Costs:
    """What a rulebook costs."""
    counters = rulebook.counters.values()
    declared = read_declarations(rulebook.sources, Diagnostics(rulebook.sources))
    values = {name: value.text for name, value in declared.values.items()}
    rules, memories = read_rules(declared), rulebook.memories.values()
    kinds = sorted({counter.by for counter in counters} | {memory.by for memory in memories} | {USER})
    return Costs(
        {
            written_type(kind): round(
                _event_us(rulebook, values, kind)
                + _scores_us(declared, rules, kind)
                + SEQUENCE_US * _sequences(declared, rules, kind)
                + ABSENCE_US * len(rulebook.programs[kind].absences)
                + OUTCOME_US * len(rulebook.programs[kind].outcomes),
                1,
            )
            for kind in sorted(rulebook.programs)
        },
        {
            kind: _record_bytes(counter for counter in counters if counter.by == kind)
            + _remembered_bytes(memory for memory in memories if memory.by == kind)
            for kind in kinds
        },
        {name: WAITING_BYTES + _read_bytes(rulebook, name) for name in rulebook.outcomes},
        {name: _model_us(rulebook.models[name]) for name in challengers(rulebook.models)},
    )


def _read_bytes(rulebook: Rulebook, outcome: str) -> int:
    """What is kept of what models have read that learn an outcome: an entry in the index, a score, numbers, and
    categories of usual length; of texts as much as they have."""
    read = [model for model in rulebook.models.values() if model.outcome == outcome]
    numbers = sum(len(model.numbers) + (model.seed is not None) for model in read)
    return 8 * numbers + sum(51 + 16 * len(model.categories) + 200 * len(model.texts) for model in read)


def _event_us(rulebook: Rulebook, values: Mapping[str, str], event_type: str) -> float:
    program = rulebook.programs[event_type]
    counters = [counter for counter in rulebook.counters.values() if _concerns(counter.of, event_type)]
    rules = [rule for rule in rulebook.rules if _concerns(rule.events, event_type)]
    memories = [memory for memory in rulebook.memories.values() if _concerns(memory.of, event_type)]
    wheres = [counter.where for counter in counters if counter.where]
    wheres += [memory.where for memory in memories if memory.where]
    clauses = [clause for rule in rules for clause in rule.clauses] + wheres
    patterns = sum(clause.count(" matches ") for clause in clauses)
    read = [counter.field or "" for counter in counters]
    read += [part for counter in counters for part in {*parts_of(counter.by), *parts_of(counter.read_at)}]
    models = _models(program, rulebook)
    read += [name for model in models for name in model.read]
    cost = FOLLOW_UP_US if is_follow_up(event_type) else EVENT_US
    cost += CLAUSE_US * len(clauses) + PATTERN_US * patterns + sum(map(_model_us, models))
    asked = {found for clause in clauses for found in _BANK.findall(_QUOTED.sub("", clause))}
    cost += BANK_US * sum(_FRAMES_ASKED if is_video else 1 for is_video, _ in asked)
    cost += _computing_us([*clauses, *read], values) + sum(LOOKUP_US[lookup.kind] for lookup in program.lookups)
    cost += sum(map(_counter_us, counters)) + MEMORY_US * len(memories)
    return cost + (_routing_us(program.routing) if program.routing is not None else 0.0)


def _computing_us(texts: Iterable[str], values: Mapping[str, str]) -> float:
    """What functions cost in what is written, and in the values that it names: each of these once."""
    waiting, named = list(texts), set[str]()
    cost = 0.0
    while waiting:
        bare = _QUOTED.sub("", waiting.pop())
        cost += sum(FUNCTIONS[name].us for name in _CALL.findall(bare) if name in FUNCTIONS)
        found = {word for word in _WORD.findall(bare) if word in values} - named
        named |= found
        waiting += [values[name] for name in found]
        cost += sum(PATTERN_US * values[name].count(" matches ") for name in found)
    return cost


def _models(program: Program, rulebook: Rulebook) -> list[ModelSpec]:
    routed = program.routing.decider.models if program.routing is not None else ()
    return [rulebook.models[name] for name in (*program.decider.models, *routed)]


def _model_us(model: ModelSpec) -> float:
    return (MODEL_US if model.river is None else RIVER_US) + SEED_US * (model.seed is not None)


def _scores_us(declared: Declarations, rules: Iterable[RuleDeclaration], event_type: str) -> float:
    """Scorecards, and conditions of other rules, are computed once for an event, by any rule that asks."""
    seen: set[str] = set()
    for rule in rules:
        if _concerns(rule.rule.events, event_type):
            for clause in rule.all_clauses():
                deque(reached(declared, clause.expr, seen), 0)
    bodies = [declared.derived[name][1] for name in sorted(seen & declared.derived.keys())]
    terms = sum(len(body.terms) for body in bodies if isinstance(body, Points))
    return TERM_US * terms + PATTERN_US * sum(_patterns(body) for body in bodies if isinstance(body, Expr))


def _sequences(declared: Declarations, rules: Iterable[RuleDeclaration], event_type: str) -> int:
    """How many sequences rules about such events read: each once."""
    asked = [rule for rule in rules if _concerns(rule.rule.events, event_type)]
    refs = [ref for rule in asked for clause in rule.all_clauses() for ref in reached(declared, clause.expr)]
    return len({ref.target for ref in refs if ref.kind == "sequence"})


def _patterns(expr: Expr) -> int:
    return isinstance(expr, Matches) + sum(map(_patterns, children(expr)))


def _routing_us(routing: RoutingProgram) -> float:
    entity_keys = [kind.removeprefix(RESTING) for kind in (*routing.entities, *routing.clusters)]
    parts = [part for kind in entity_keys for part in parts_of(kind)]
    keys_us = sum(KEY_US.get(part, 0.0) for part in parts)
    return keys_us + STOP_US * sum(STOPS.get(kind, 1) for kind in entity_keys)


def _record_bytes(counters: Iterable[Counter]) -> int:
    return _RECORD_BYTES + sum(
        {(counter.series_key, counter.approx): _series_bytes(counter) for counter in counters}.values()
    )


def _remembered_bytes(memories: Iterable[Memory]) -> int:
    """Of each register once: with the longest texts, and with as many changes as it keeps."""
    return sum({memory.key: _register_bytes(memory) for memory in memories}.values())


def _register_bytes(memory: Memory) -> int:
    value_bytes = {"text": _TEXT_BYTES, "bool": 0}.get(memory.type, _NUMBER_BYTES) if memory.field else 0
    runs = MAX_RUNS[memory.register] * (2 if memory.register == FIRST and memory.where else 1)
    return _REGISTER_BYTES + runs * (_RUN_BYTES + value_bytes)


def _series_bytes(counter: Counter) -> int:
    if counter.approx and counter.kind != "distinct":
        return _SERIES_BYTES + _SUM_BYTES * (BUCKETS_PER_WINDOW + 1)
    each = {"count": _COUNT_BYTES, "distinct": _DISTINCT_BYTES, "sum": _SUM_BYTES, "occurrence": _DISTINCT_BYTES}[
        counter.series
    ]
    return _SERIES_BYTES + each * counter.cap


def _counter_us(counter: Counter) -> float:
    if counter.kind in STATISTICS or counter.having is not None:
        return STATISTIC_US + ENTRY_US * counter.cap
    return COUNTER_US[counter.kind, counter.approx]


def _concerns(types: Iterable[str], event_type: str) -> bool:
    return event_type in types or (ANY_EVENT in types and not is_follow_up(event_type))
