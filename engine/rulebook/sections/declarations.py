"""What the YAML declares, as plain records: every name, with its type and its place."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from engine.core.domain.actions import Ladder
from engine.core.domain.follow_ups import internal_type
from engine.core.domain.reference import Row
from engine.core.domain.rules import threshold_of
from engine.core.state.clusters import ClusterSpec
from engine.core.values.banks import Bank
from engine.core.values.lists import Conceal, LiveList, entries_of
from engine.keys.phrases import Phrases
from engine.rulebook.language.diagnostics import Diagnostics, Span, did_you_mean
from engine.rulebook.language.expressions import Parser
from engine.rulebook.language.keys import LIST_SOURCES
from engine.rulebook.language.listings import Listings
from engine.rulebook.language.literals import ExpressionText
from engine.rulebook.language.nodes import Constant, Expr, Logical, Not, Ref, Type, children, names_in
from engine.rulebook.language.reading import words
from engine.rulebook.language.slips import is_open
from engine.rulebook.language.source import Node
from engine.rulebook.sections.ordered import AbsenceDeclaration, OutcomeDeclaration, SequenceDeclaration
from engine.rulebook.sections.records import (
    CounterDeclaration,
    FieldDeclaration,
    Macro,
    MemoryDeclaration,
    RatioDeclaration,
    ValueDeclaration,
)

Fold = Callable[[str], str]
MAX_LAYERS = 4
MAX_NAMES = 500
"""An expression names so many at most, when all that it stands on is written out: to compile them takes a tenth of a
second."""
_MEASURES = {"length": "len", "size": "len", "count": "len", "lower": "lower", "domain": "domain", "host": "domain"}
"""What elsewhere is a property of a text."""
_MIXED = ("derived", "scores", "rules")


@dataclass(slots=True)
class Declarations:
    """All that the files of one rulebook declare, except the rules. `marks`: on which kind of entity, and for how long;
    `markers`: the rules that set each. `conceal`: what gives events pseudonyms, if there is something; `topics`: of
    tables that come on one, by name; `tables`: the rows of the others; `seeds`: of the models that have one, as files
    have them; `params`: those that are the same for all events, with what is written; `arguments`: those of the macro
    that is being read; `waiting`: what has not been read yet, and its section; `reading`: what is being read; `above`:
    what stands above that, and has not been read yet."""

    diagnostics: Diagnostics
    fields: dict[str, FieldDeclaration] = field(default_factory=dict)
    values: dict[str, ValueDeclaration] = field(default_factory=dict)
    clusters: dict[str, ClusterSpec] = field(default_factory=dict)
    memories: dict[str, MemoryDeclaration] = field(default_factory=dict)
    counters: dict[str, CounterDeclaration] = field(default_factory=dict)
    marks: dict[str, tuple[str, int]] = field(default_factory=dict)
    markers: dict[str, list[str]] = field(default_factory=dict)
    sequences: dict[str, SequenceDeclaration] = field(default_factory=dict)
    absences: dict[str, AbsenceDeclaration] = field(default_factory=dict)
    outcomes: dict[str, OutcomeDeclaration] = field(default_factory=dict)
    derived: dict[str, tuple[Type, Expr | RatioDeclaration]] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    type_spans: dict[tuple[str, str], Span] = field(default_factory=dict)
    entry_spans: dict[str, dict[str, Span]] = field(default_factory=dict)
    live: dict[str | None, LiveList] = field(default_factory=dict)
    banks: dict[str, Bank] = field(default_factory=dict)
    models: dict[str, dict[str, Node]] = field(default_factory=dict)
    seeds: dict[str, str] = field(default_factory=dict)
    ladders: dict[str, Ladder] = field(default_factory=dict)
    rules: dict[str, Node] = field(default_factory=dict)
    holdout: float = 0.0
    spans: dict[str, Span] = field(default_factory=dict)
    params: dict[str, tuple[Constant, Node]] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)
    arguments: dict[str, Constant] = field(default_factory=dict)
    waiting: dict[str, tuple[str, Callable[[], None]]] = field(default_factory=dict)
    reading: list[tuple[str, str]] = field(default_factory=list)
    conceal: Conceal | None = None
    reserved: Set[str] = frozenset()
    to_come: set[str] = field(default_factory=set)
    above: frozenset[str] = frozenset()
    depths: dict[str, int] = field(default_factory=dict)
    phrases: dict[tuple[str, Fold | None, bool], Phrases] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def entries(self, list_name: str | None, values: Iterable[Any]) -> Set[Any]:
        """What is in the list of a name, or in one that is written out; where ids have pseudonyms, those too."""
        if list_name in self.live:
            return self.live[list_name]
        if list_name is not None and list_name in self.banks:
            return self.banks[list_name]
        listed = frozenset(self.lists[list_name] if list_name is not None else values)
        if self.conceal is not None:
            listed |= {self.conceal(value) for value in listed if isinstance(value, str)}
        return entries_of(listed)

    def phrases_of(self, list_name: str, fold: Fold | None, are_words: bool) -> Phrases:
        """The entries of a list as they are looked for in texts to which `fold` has been done, or in their words."""
        key = (list_name, fold, are_words)
        if key not in self.phrases:
            self.phrases[key] = Phrases(self.live.get(list_name, self.lists[list_name]), fold, are_words)
        return self.phrases[key]

    def event_types(self, of: str, node: Node) -> tuple[str, ...]:
        """The event types in a node of a counter or rule."""
        self.type_spans |= {(of, internal_type(item.text)): item.span for item in node.walk() if item.text}
        return tuple(map(internal_type, words(node, "an event type", self.diagnostics)))

    def type_of(self, name: str) -> Type | None:
        """The type of a field or a value; None where there is none of this name."""
        declared = self.fields.get(name) or self.values.get(name)
        return declared.type if declared is not None else None

    def path_of(self, name: str) -> str:
        """Where a field, declared or not (`event.x` is `x`), is found in an event."""
        declared = self.fields.get(name)
        return declared.path if declared is not None else name

    def resolve(self, name: str, span: Span) -> Ref | None:
        """The thing that a clause names, or None and an error with a suggestion."""
        if name.startswith("event."):
            return Ref(span=span, type="any", kind="event", target=name.removeprefix("event."), written=name)
        if name.startswith("score."):
            model = name.removeprefix("score.")
            if model in self.models:
                return Ref(span=span, type="number", kind="score", target=model, written=name)
            hint = did_you_mean(model, self.models) or "declare it under `models:`; counters cannot use scores"
            self.diagnostics.error(span, f'unknown model "{model}"', hint)
            return None
        if name.startswith("threshold."):
            return self._threshold(name, span)
        if name.startswith("marked."):
            return self._mark(name, span)
        self._read_ahead(name)
        if name in self.fields:
            return Ref(span=span, type=self.fields[name].type, kind="field", target=name, written=name)
        if name in self.values:
            return Ref(span=span, type=self.values[name].type, kind="value", target=name, written=name)
        if name in self.memories:
            return Ref(span=span, type=self.memories[name].type, kind="memory", target=name, written=name)
        if name in self.counters:
            return Ref(span=span, type=self.counters[name].type, kind="counter", target=name, written=name)
        if name in self.sequences:
            return Ref(span=span, type="bool", kind="sequence", target=name, written=name)
        if name in self.absences:
            hint = f"write a rule about it: event: absent.{name}"
            self.diagnostics.error(span, f"`{name}` is known when its time is over, not at an event", hint)
            return None
        if name in self.derived:
            return Ref(span=span, type=self.derived[name][0], kind="derived", target=name, written=name)
        if name in LIST_SOURCES:
            return Ref(span=span, type="list", kind="keys", target=name, written=name)
        if name in (each for _, each in self.reading):
            self.diagnostics.error(span, f'"{name}" is defined by itself')
            return None
        if name.startswith(("params.", "rule.")):
            self._no_such(name, span)
            return None
        if name in self.macros:
            message = f'"{name}" is a macro, which stands alone as a clause'
            self.diagnostics.error(span, message, "for a part of an expression, use a derived value")
            return None
        if name in self.spans:
            return None  # its declaration is wrong and has been reported
        if name in self.to_come:
            self.diagnostics.error(span, f'"{name}" is declared further down', "what is used stands above its use")
            return None
        counters = [counter for counter in self.counters if " " not in counter]
        known = [*self.fields, *self.values, *self.memories, *counters, *self.sequences, *self.derived]
        known += [*self.macros, *LIST_SOURCES]
        self.diagnostics.error(span, f'unknown name "{name}"', self._how_to_name(name, known))
        return None

    def _how_to_name(self, name: str, known: Iterable[str]) -> str:
        """What may be meant by a name that nothing has."""
        first, dot, last = name.rpartition(".")
        if name in self.lists:
            return f"write: lists.{name}"
        if not dot:
            kept = name.isupper() or name[:1].isupper()
            quoted = f'if it is a text, write it in quotes: "{name}"' if kept else None
            return (
                did_you_mean(name, known)
                or quoted
                or f"declare it under `fields:` or `counters:`, or write event.{name}"
            )
        if self.type_of(first) in ("text", "list") and last in _MEASURES:
            return f"write: {_MEASURES[last]}({first})"
        columns = did_you_mean(name, [column for column in known if "." in column])
        return columns or f"declare it under `fields:` or `tables:`, or write event.{name}"

    def _mark(self, name: str, span: Span) -> Ref | None:
        if name in self.derived:
            return Ref(span=span, type="bool", kind="derived", target=name, written=name)
        mark = name.removeprefix("marked.")
        if f"marks.{mark}" not in self.spans:  # else it is wrong and has been reported
            hint = did_you_mean(mark, self.marks) or "declare it under `marks:`"
            self.diagnostics.error(span, f'unknown mark "{mark}"', hint)
        return None

    def is_short(self, exprs: Sequence[Expr], span: Span) -> bool:
        """Whether expressions stay short when values and derived values are written out, as they are wherever something
        names them. An error where they do not."""
        names = sum(self.names_written(expr) for expr in exprs)
        if names > MAX_NAMES:
            message = f"this is {names:,} names when what it stands on is written out, at most {MAX_NAMES}"
            self.diagnostics.error(span, message, "let it stand on fewer, or on a score: that is computed once")
        return names <= MAX_NAMES

    def names_written(self, expr: Expr) -> int:
        """How many names an expression is, with those of the values and derived values that it stands on."""
        if isinstance(expr, Not | Logical):
            return sum(map(self.names_written, children(expr)))
        return sum(1 + self.sizes.get(ref.target, 0) for ref in names_in(expr))

    def computed_once(self, name: str, span: Span, exprs: Iterable[Expr]) -> bool:
        """Note a scorecard, or a rule's condition, that a function computes once, wherever it is read. False and an
        error where too many of them stand on each other."""
        self.depths[name] = 0
        self.layers[name] = 1 + self.layer([ref for expr in exprs for ref in names_in(expr)])
        if self.layers[name] > MAX_LAYERS:
            self.diagnostics.error(span, f"scores and rules stand on each other at most {MAX_LAYERS} deep")
        return self.layers[name] <= MAX_LAYERS

    def layer(self, refs: Iterable[Ref]) -> int:
        """How many scores and rules stand on each other below these names."""
        return max((self.layers.get(ref.target, 0) for ref in refs if ref.kind == "derived"), default=0)

    def _read_ahead(self, name: str) -> None:
        """Derived values, scorecards and rules may name each other wherever they stand: what is asked for is read
        first. Of its own kind, each names what stands above it, which is still to be read where it is read ahead
        itself."""
        asking = self.reading[-1][0] if self.reading else "rules"
        section, read = self.waiting.get(name, ("", None))
        if read is not None and asking in _MIXED and (section != asking or section == "rules" or name in self.above):
            above = frozenset(takewhile(lambda each: each != name, self.waiting))
            del self.waiting[name]
            (arguments, self.arguments), (before, self.above) = (self.arguments, {}), (self.above, above)
            read()
            self.arguments, self.above = arguments, before

    def _no_such(self, name: str, span: Span) -> None:
        """Say what is wrong with `params.x` or `rule.x`, unless that has been said where it is declared."""
        kind, _, own = name.partition(".")
        if name not in self.to_come:
            known = [each.removeprefix(f"{kind}.") for each in self.to_come if each.startswith(f"{kind}.")]
            word, section = ("rule", "rules") if kind == "rule" else ("parameter", "params")
            hint = did_you_mean(own, sorted(known)) or f"declare it under `{section}:`"
            self.diagnostics.error(span, f'unknown {word} "{own}"', hint)
        elif name in self.waiting:
            self.diagnostics.error(span, f"`{name}` is not known here", "ask about it in a rule, or in a score")
        elif own in self.params:
            self.diagnostics.error(span, f"`{name}` is a constant, which cannot stand here")

    def named(self, name: str, span: Span) -> Ref | Constant | None:
        """What a name in an expression stands for: a constant where it is a parameter, or a macro's argument."""
        if name in self.arguments:
            return replace(self.arguments[name], span=span)
        if name.startswith("params.") and (own := name.removeprefix("params.")) in self.params:
            return replace(self.params[own][0], span=span)
        return self.resolve(name, span)

    def _threshold(self, name: str, span: Span) -> Ref | None:
        model = name.removeprefix("threshold.")
        if "precision" in self.models.get(model, {}):
            return Ref(span=span, type="number", kind="score", target=threshold_of(model), written=name)
        hint = f"add `precision: 0.99` to model `{model}`" if model in self.models else did_you_mean(model, self.models)
        self.diagnostics.error(span, f'no threshold is chosen for "{model}"', hint)
        return None

    def condition(self, node: Node) -> Expr | None:
        """The clause in a node, type-checked."""
        parser = self._parser(node)
        expr = parser.condition() if parser else None
        return expr if expr is None or self.is_short([expr], node.span) else None

    def value(self, node: Node) -> Expr | None:
        """The expression in a node, of any type."""
        parser = self._parser(node)
        return parser.expression() if parser else None

    def _parser(self, node: Node) -> Parser | None:
        if node.text is None or node.scalar is None:
            self.diagnostics.error(node.span, f"an expression is needed here, this is {node.kind}")
            return None
        if node.exact and is_open(node.text):
            message = "this expression ends too early: YAML takes a comma between braces, or ` #`, for its own"
            self.diagnostics.error(node.span, message, "put the whole expression in single quotes: '…'")
            return None
        text = ExpressionText(node.text, node.span, node.exact)
        return Parser(text, self.named, Listings(self.lists, self.banks), self.diagnostics)
