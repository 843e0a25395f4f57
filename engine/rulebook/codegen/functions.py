"""The parts that all generated functions are made of: how names are read, how events enter series."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.core.domain.counters import Counter
from engine.core.domain.events import MAX_CLOCK_TOLERANCE_MS
from engine.core.domain.follow_ups import is_follow_up
from engine.core.domain.rules import ANY_EVENT, USER, Memory, ModelSpec
from engine.core.evaluation.shares import Part, Share
from engine.core.state.entities import MAX_LATENESS_MS
from engine.core.values.identity import CLOCK_SKEW, COMPUTED_FIELDS, CONFLICTING_IDS, INVALID_FIELDS
from engine.rulebook.codegen.conditions import Scope, counts
from engine.rulebook.codegen.readings import from_values
from engine.rulebook.codegen.scorecards import chosen, tally
from engine.rulebook.codegen.sequencing import completing
from engine.rulebook.codegen.validity import DeclaredTypes, declared_types, invalid
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.keys import CANONICAL, LIST_SOURCES
from engine.rulebook.language.nodes import Choice, Points, Ref
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.records import RatioDeclaration
from engine.rulebook.sections.rules import RuleDeclaration

_NUMBER = ("int", "float")
_TYPES = {
    "bool": ("bool",), "number": _NUMBER, "text": ("str",), "list": ("list",), "duration": _NUMBER, "size": _NUMBER,
    "time": _NUMBER, "text or list": ("str", "list"),
}  # fmt: skip
_CLASSES = {
    "bool": (bool,), "number": (int, float), "text": (str,), "list": (list,), "duration": (int, float),
    "size": (int, float), "time": (int, float, str),
}  # fmt: skip
_COMPUTED = {CLOCK_SKEW: "0", INVALID_FIELDS: "[]", CONFLICTING_IDS: "False"}
"""What an event has of the engine's findings where there is nothing to find."""

Rules = list[tuple[int, RuleDeclaration]]
"""Rules with their places in the rulebook."""

CounterSource = Callable[[Scope, Counter], str]
"""Source text that reads a counter."""

ScoreSource = Callable[[Scope, str], str]
"""Source text that reads or asks for a model's score."""


@dataclass(slots=True)
class Vocabulary:
    """Everything that generated functions of one rulebook have in common."""

    declared: Declarations
    counters: Mapping[str, Counter]
    models: Mapping[str, ModelSpec]
    memories: Mapping[str, Memory]

    def scope(self, namespace: dict[str, Any], counter: CounterSource, score: ScoreSource) -> Scope:
        """A new function's scope, with the places from which it reads counters and scores."""
        return Scope(
            lambda scope, ref: self._load(scope, ref, counter, score), self.declared.entries, self.declared.phrases_of,
            self.declared.conceal is not None, namespace,
        )  # fmt: skip

    def _load(self, scope: Scope, ref: Ref, counter: CounterSource, score: ScoreSource) -> str:
        match ref.kind:
            case "field":
                declared = self.declared.fields[ref.target]
                fetched = fetch(declared.path)
                if declared.is_spelt or ref.target == "ip":
                    fetched = f"{'spelt' if declared.is_spelt else 'address'}({fetched})"
                if declared.path == INVALID_FIELDS:
                    return f"invalid(f, {scope.constant('W', self._declared_types())})"
                if declared.factor != 1 or (declared.type == "time" and declared.path != "ts"):
                    return f"{'instant' if declared.type == 'time' else 'scaled'}({fetched}, {declared.factor})"
                return guarded(fetched, declared.type)
            case "event" if ref.type == "time":
                return f"instant({fetch(ref.target)})"
            case "event":
                return guarded(fetch(ref.target), ref.type)
            case "keys":
                return LIST_SOURCES[ref.target]
            case "counter":
                return counter(scope, self.counters[ref.target])
            case "memory":
                return recalled(self.memories[ref.target], "s" if counter is from_values else "s.recalled")
            case "sequence" if counter is from_values:
                return f"s.get({ref.target!r})"
            case "sequence":
                return completing(scope, self.declared.sequences[ref.target], self.counters)
            case "score":
                return score(scope, ref.target)
            case "value":
                value = self.declared.values[ref.target].expr
                return f"settled({scope.value(value)})" if counts(value) else scope.value(value)
        body = self.declared.derived[ref.target][1]
        if isinstance(body, Points):
            return tally(scope, ref, body)
        if isinstance(body, Choice):
            return chosen(scope, body, self.declared.conceal)
        if isinstance(body, RatioDeclaration):
            parts = f"{scope.loaded(body.numerator)}, {scope.loaded(body.denominator)}"
            share = self.share(ref.target)
            if share is not None:
                parts = f"*aligned({parts}, s, now, {scope.constant('Q', share)})"
            return f"ratio({parts}, {body.at_least!r}, {body.wilson!r})"
        if ref.target.startswith("rule."):
            return scope.once(ref, scope.value(body))
        return f"settled({scope.value(body)})" if counts(body) else scope.value(body)

    def subject(self, scope: Scope, name: str) -> str:
        """Source text of what counters count, add up or hang on: a value, or what an event has in a field."""
        if name not in self.declared.values:
            return fetch(self.declared.path_of(name.removeprefix("event.")))
        declared = self.declared.values[name]
        return scope.loaded(Ref(span=Span("", 0, 0), type=declared.type, kind="value", target=name, written=name))

    def share(self, name: str) -> Share | None:
        """A ratio as one of two exact counts of the same entity over the same window, if it is one."""
        body = self.declared.derived[name][1]
        if not isinstance(body, RatioDeclaration):
            return None
        asked = [self.counters[ref.target] for ref in (body.numerator, body.denominator) if ref.kind == "counter"]
        first = asked[0] if len(asked) == 2 else None
        if first is None or {(each.read_at, each.over_ms) for each in asked} != {(first.read_at, first.over_ms)}:
            return None
        if not all(counter.counts_entries for counter in asked):
            return None
        return Share(name, *(Part(c.name, c.kind, c.series_key, c.over_ms) for c in asked))

    def shares(self, counters: Iterable[Counter]) -> tuple[Share, ...]:
        """The ratios of which both parts are among these counters."""
        names = {counter.name for counter in counters}
        shares = [self.share(name) for name in self.declared.derived]
        return tuple(
            share for share in shares if share is not None and {share.numerator.name, share.denominator.name} <= names
        )

    def values(self, scope: Scope, counters: Sequence[Counter], entries: Iterable[str]) -> str:
        """Source text of what is read of an entity: these entries, and what ratios of these counters need beside."""
        shares, source = self.shares(counters), f"{{{', '.join(entries)}}}"
        return f"with_shares({source}, s, now, {scope.constant('Q', shares)})" if shares else source

    def _declared_types(self) -> DeclaredTypes:
        """Each field that is declared to be of a type."""
        declared = [
            (name, field, _CLASSES[field.type]) for name, field in self.declared.fields.items()
            if field.type in _CLASSES and field.path not in (*COMPUTED_FIELDS, "ts") and field.reference is None
        ]  # fmt: skip
        return declared_types(
            (name, field.path, first if dot else None, (*types, str) if field.is_spelt else types)
            for name, field, types in declared
            for first, dot, _ in [field.path.partition(".")]
        )

    def invalid(self) -> Callable[[dict[str, Any]], list[str]]:
        """Tells what `invalid_fields` is of an event."""
        declared = self._declared_types()
        return lambda fields: invalid(fields, declared)

    def numbers(self, scope: Scope, model: str) -> str:
        """Source text of what a model reads of an event's numbers."""
        return self._group(scope, model, self.models[model].numbers, "number")

    def texts(self, scope: Scope, model: str) -> str:
        """Source text of what a model reads of an event's texts and categories."""
        spec = self.models[model]
        groups = [self._group(scope, model, names, "text") for names in (spec.texts, (*spec.categories, *spec.slices))]
        return f"({', '.join(groups)})"

    def assignments(self, scope: Scope, models: Iterable[str], together: bool) -> list[str]:
        """Lines that read what these models need of an event's numbers. `together`: the user's counts in one call."""
        refs = {
            (ref.kind, ref.target): ref
            for model in models
            for ref in self._refs(model, self.models[model].numbers, "number")
        }
        counts = [ref for ref in refs.values() if together and self._is_count(ref)]
        lines = [line for ref in refs.values() if ref not in counts for line in scope.lines(scope.assign([ref]))]
        if counts:
            asked = [self.counters[ref.target] for ref in counts]
            questions = array("q", [part for counter in asked for part in (counter.series_key, counter.over_ms)])
            lines.append(scope.assign(counts, f"read_counts(s.counts, now, {scope.constant('Q', questions)})"))
        return lines

    def _is_count(self, ref: Ref) -> bool:
        counter = self.counters[ref.target] if ref.kind == "counter" else None
        return counter is not None and counter.kind == "count" and counter.counts_entries

    def _refs(self, model: str, names: Iterable[str], value_type: Literal["number", "text"]) -> list[Ref]:
        refs = []
        for written in names:
            ref = self.declared.resolve(written, self.declared.spans[f"models.{model}"])
            assert ref is not None  # the compiler has resolved it before
            if ref.type == "any":
                ref.type = value_type
            refs.append(ref)
        return refs

    def _group(self, scope: Scope, model: str, names: Iterable[str], value_type: Literal["number", "text"]) -> str:
        values = [self._for_model(scope, ref, value_type) for ref in self._refs(model, names, value_type)]
        return f"({' '.join(f'{value},' for value in values)})"

    def _for_model(self, scope: Scope, ref: Ref, value_type: str) -> str:
        """A value as models take it: of a bound, the number that is certain."""
        loaded = scope.loaded(ref)
        if ref.type == "bool" and value_type == "text":
            return f"yes_or_no({loaded})"
        if not counts(ref):
            return loaded
        name = scope.variable(ref)
        return f"({name}.least if type({loaded}) is AtLeast else {name})"

    def retention_ms(self, series_key: int) -> int:
        """How long a series keeps its entries: its longest window, and as long again as answers may be late.
        Partitions of shared entities run apart when a worker is down, users' do not."""
        return max(
            counter.over_ms + (MAX_LATENESS_MS if _runs_apart(counter) else _lateness_ms(counter))
            for counter in self.counters.values()
            if counter.series_key == series_key
        )


def _lateness_ms(counter: Counter) -> int:
    """Users' events may come out of order by the window's length, and by what is believed of their times: one may lie
    ahead of its arrival as far as another behind."""
    return max(min(counter.over_ms, MAX_LATENESS_MS), 2 * MAX_CLOCK_TOLERANCE_MS)


def _runs_apart(counter: Counter) -> bool:
    """Approximate series are bounded by time, so they do not reach so far back."""
    return counter.by != USER and not counter.approx


def recalled(memory: Memory, store: str) -> str:
    """What was remembered just before the event at hand. `store`: where that is kept by name."""
    value = f"{store}.get({memory.name!r})"
    return f"warmed({value}, {store}.get({memory.watched!r}), {memory.warm_ms})" if memory.warm_ms else value


def excluding(vocabulary: Vocabulary, scope: Scope, counter: Counter) -> list[str]:
    """The constants that hold the keys which a counter leaves out: none, or one."""
    name = vocabulary.declared.counters[counter.name].excluded
    if name is None:
        return []
    entries = vocabulary.declared.lists[name]
    canonical = CANONICAL.get(counter.by)
    keys = {key for entry in entries for key in canonical(entry)} if canonical is not None else set()
    return [scope.constant("L", vocabulary.declared.entries(None, entries | keys))]


def fetch(path: str) -> str:
    """Source text that reads a path of the event."""
    if path in _COMPUTED:
        return f"f.get({path!r}, {_COMPUTED[path]})"
    return f"lookup(f, {path!r})" if "." in path else f"f.get({path!r})"


def guarded(source: str, value_type: str) -> str:
    """Source text of a JSON value, None (unknown) where it is of another type. Written out: a call costs more."""
    if value_type not in _TYPES:
        return source
    fits = " or ".join(f"type(x) is {name}" for name in _TYPES[value_type]).replace(
        "type(x)", f"type(x := {source})", 1
    )
    return f"(x if {fits} else None)"


def concerns(types: tuple[str, ...], event_type: str) -> bool:
    """Whether a declaration for these event types is about this one. Follow-ups have to be named."""
    return event_type in types or (ANY_EVENT in types and not is_follow_up(event_type))


def compiled(source: list[str], subject: str, namespace: dict[str, Any]) -> None:
    """Define functions in a namespace."""
    exec(compile("\n".join(source), f"<rules for {subject}>", "exec"), namespace)  # noqa: S102  # our own source


def function(head: str, scope: Scope, lines: list[str]) -> str:
    """A function's source text."""
    assert not scope.lines(), "what a line computes stands above another one"
    return "\n".join([f"def {head}:", f" {scope.declarations()}", *lines])
