"""Writes the Python functions of one event type, and compiles them.

Three functions for each type: `observe` enters the event into its series, `decide` asks the models and
evaluates all rules, fused into one body that reads each value once, and `explain` traces one rule. The
generated source names nothing but its own locals and the functions of `RUNTIME`.
"""

from collections.abc import Iterable
from typing import Any

from engine.core.decisions import ClauseTrace
from engine.core.entities import MAX_LATENESS_MS
from engine.core.events import lookup
from engine.core.hashing import hash64
from engine.core.rules import ANY_EVENT, Counter, ModelInputs, ModelSpec, Program
from engine.core.windows import add_amount, add_count, add_distinct, read_count, read_distinct, read_total
from engine.rulebook.codegen import Scope
from engine.rulebook.declarations import Declarations, RatioDeclaration
from engine.rulebook.diagnostics import Span
from engine.rulebook.nodes import Compare, Constant, Expr, Ref, names_in
from engine.rulebook.rules import Clause, RuleDeclaration
from engine.rulebook.units import duration_text, size_text


def number(value: Any) -> float | int | None:
    """A JSON number, or unknown."""
    return value if type(value) is int or type(value) is float else None


def scaled(value: Any, factor: int) -> float | int | None:
    """A number of units as milliseconds or bytes, or unknown."""
    return value * factor if type(value) is int or type(value) is float else None


def text(value: Any) -> str | None:
    """A JSON string, or unknown."""
    return value if type(value) is str else None


def truth(value: Any) -> bool | None:
    """A JSON truth value, or unknown."""
    return value if type(value) is bool else None


def items(value: Any) -> list[Any] | None:
    """A JSON list, or unknown."""
    return value if type(value) is list else None


def token(value: Any) -> str | None:
    """What a distinct counter tells values apart by: strings as they are, numbers by their digits."""
    if type(value) is str:
        return value
    return repr(value) if type(value) in (int, float, bool) else None


def amount(value: Any) -> float | None:
    """What a sum counter adds up: finite numbers of a size that adds exactly enough."""
    return float(value) if type(value) in (int, float) and abs(value) < 1e15 else None


def items_text(value: list[Any] | None) -> str | None:
    """A list for an explanation: its first plain items. Nested ones could be of any depth."""
    if value is None:
        return None
    shown = [str(item)[:40] if type(item) in (str, int, float, bool) else "…" for item in value[:4]]
    return ", ".join(shown) + (f" and {len(value) - 4} more" if len(value) > 4 else "")


def ratio(
    numerator: float | None, denominator: float | None, at_least: float, wilson: bool, full: int, full_below: int
) -> float | None:
    """numerator / denominator, or the lower end of its 95 % Wilson interval.

    Unknown below `at_least`, and when a count has reached its cap (`full`, `full_below`): "at least 1,000
    of at least 1,000" is no share.
    """
    if numerator is None or denominator is None or denominator <= 0 or denominator < at_least:
        return None
    if numerator >= full or denominator >= full_below:
        return None
    if not wilson:
        return numerator / denominator
    share, z2 = min(1.0, max(0.0, numerator / denominator)), 1.959964**2
    spread = (share * (1 - share) / denominator + z2 / (4 * denominator * denominator)) ** 0.5
    return float((share + z2 / (2 * denominator) - 1.959964 * spread) / (1 + z2 / denominator))


_UNREAD = object()
_READERS = {"count": "read_count", "distinct": "read_distinct", "sum": "read_total"}
RUNTIME: dict[str, Any] = {
    "__builtins__": {"len": len, "abs": abs, "min": min, "max": max, "str": str, "float": float},
    "U": _UNREAD, "number": number, "scaled": scaled, "text": text, "truth": truth, "items": items, "token": token,
    "amount": amount, "ratio": ratio, "lookup": lookup, "hash64": hash64, "read_count": read_count,
    "read_distinct": read_distinct, "read_total": read_total, "add_count": add_count, "add_distinct": add_distinct,
    "add_amount": add_amount, "ClauseTrace": ClauseTrace, "ModelInputs": ModelInputs,
    "duration_text": duration_text, "items_text": items_text, "size_text": size_text,
}  # fmt: skip


class ProgramWriter:
    """Holds what all event types share; `program` writes and compiles one type's functions."""

    def __init__(
        self,
        declared: Declarations,
        counters: dict[str, Counter],
        rules: list[RuleDeclaration],
        models: dict[str, ModelSpec],
    ) -> None:
        self._declared, self._counters, self._rules, self._models = declared, counters, rules, models
        self._caps = {name: counter.cap for name, counter in counters.items() if counter.kind != "sum"}
        self._caps |= {name: 1 << 62 for name, counter in counters.items() if counter.kind == "sum"}
        self._retention: dict[int, int] = {}
        for counter in counters.values():
            kept = counter.over_ms + min(counter.over_ms, MAX_LATENESS_MS)
            self._retention[counter.series_key] = max(kept, self._retention.get(counter.series_key, 0))

    def program(self, event_type: str) -> Program:
        """The functions for one event type."""
        namespace = dict(RUNTIME)
        rules = [(i, rule) for i, rule in enumerate(self._rules) if _concerns(rule.rule.events, event_type)]
        asked = self._models_asked(rule for _, rule in rules)
        source = [
            self._observe(event_type, namespace),
            self._decide(rules, asked, namespace),
            self._explain(rules, namespace),
        ]
        exec(compile("\n".join(source), f"<rules for {event_type}>", "exec"), namespace)  # noqa: S102  # our own source
        return Program(namespace["observe"], namespace["decide"], namespace["explain"], tuple(asked))

    def _scope(self, namespace: dict[str, Any]) -> Scope:
        return Scope(self._load, self._declared.lists, self._caps, namespace)

    def _load(self, scope: Scope, ref: Ref) -> str:
        match ref.kind:
            case "field":
                declared = self._declared.fields[ref.target]
                found = _fetch(declared.path)
                return (
                    f"scaled({found}, {declared.factor})"
                    if declared.factor != 1
                    else f"{_GUARD[declared.type]}({found})"
                )
            case "event":
                return f"{_GUARD[ref.type]}({_fetch(ref.target)})" if ref.type in _GUARD else _fetch(ref.target)
            case "counter":
                counter = self._counters[ref.target]
                return f"{_READERS[counter.kind]}(s, {counter.series_key}, now, {counter.over_ms}, {counter.cap})"
            case "score" if scope.asks_models:
                return f"ask({ref.target!r}, {self._inputs(scope, ref.target)})"
            case "score":
                return f"q.get({ref.target!r})"
        body = self._declared.derived[ref.target][1]
        if isinstance(body, RatioDeclaration):
            parts = f"{scope.loaded(body.numerator)}, {scope.loaded(body.denominator)}"
            full = [self._caps.get(ref.target, 1 << 62) for ref in (body.numerator, body.denominator)]
            return f"ratio({parts}, {body.at_least!r}, {body.wilson!r}, {full[0]}, {full[1]})"
        return scope.value(body)

    def _models_asked(self, rules: Iterable[RuleDeclaration]) -> list[str]:
        asked = {
            ref.target for rule in rules for clause in rule.all_clauses() for ref in self._reached(clause.expr)
            if ref.kind == "score"
        }  # fmt: skip
        return [name for name in self._models if name in asked]

    def _reached(self, expr: Expr) -> Iterable[Ref]:
        for ref in names_in(expr):
            yield ref
            if ref.kind == "derived":
                body = self._declared.derived[ref.target][1]
                if isinstance(body, RatioDeclaration):
                    yield from (body.numerator, body.denominator)
                else:
                    yield from self._reached(body)

    # -- the functions -----------------------------------------------------------------------

    def _observe(self, event_type: str, namespace: dict[str, Any]) -> str:
        scope, lines, done = self._scope(namespace), [], set()
        for counter in self._counters.values():
            if counter.series_key in done or not _concerns(counter.of, event_type):
                continue
            done.add(counter.series_key)
            tail = f"{counter.cap}, {self._retention[counter.series_key]})"
            where = self._declared.counters[counter.name].where
            indent = " "
            if where is not None:
                lines.append(f" if {scope.true(where)}:")
                indent = "  "
            if counter.kind == "count":
                lines.append(f"{indent}add_count(s, {counter.series_key}, now, {tail}")
                continue
            declared = self._declared.fields.get(counter.field or "")
            path = declared.path if declared else counter.field or ""
            reader, argument = ("token", "hash64(x)") if counter.kind == "distinct" else ("amount", "x")
            factor = f" * {declared.factor}" if counter.kind == "sum" and declared and declared.factor != 1 else ""
            lines.append(f"{indent}x = {reader}({_fetch(path)})")
            lines.append(f"{indent}if x is not None: add_{'distinct' if counter.kind == 'distinct' else 'amount'}"
                         f"(s, {counter.series_key}, now, {argument}{factor}, {tail}")  # fmt: skip
        return "\n".join(["def observe(f, s, now):", f" {scope.declarations()}", *lines])

    def _decide(self, rules: list[tuple[int, RuleDeclaration]], asked: list[str], namespace: dict[str, Any]) -> str:
        scope, lines = self._scope(namespace), []
        scope.asks_models = True
        for name in asked:  # whether or not a rule gets so far: labels are to find a score for every event
            lines.append(f" {scope.loaded(Ref(Span('', 0, 0), 'number', 'score', name, f'score.{name}'))}")
        for index, rule in rules:
            parts = [scope.true(clause.expr) for clause in _cheapest_first(rule.when)]
            if rule.any:
                parts.append("(" + " or ".join(scope.true(clause.expr) for clause in _cheapest_first(rule.any)) + ")")
            parts += [scope.false(clause.expr) for clause in _cheapest_first(rule.unless)]
            lines.append(f" if {' and '.join(parts)}: hits.append({index})")
        head = ["def decide(f, s, now, ask):", " hits = []", f" {scope.declarations()}"]
        return "\n".join([*head, *lines, " return hits"])

    def _explain(self, rules: list[tuple[int, RuleDeclaration]], namespace: dict[str, Any]) -> str:
        scope, lines = self._scope(namespace), []
        for index, rule in rules:
            traces = [self._trace(scope, clause, False) for clause in [*rule.when, *rule.any]]
            traces += [self._trace(scope, clause, True) for clause in rule.unless]
            lines.append(
                f" if i == {index}: return ({' '.join(f'{trace},' for trace in traces)}), {_counterfactual(rule)!r}"
            )
        return "\n".join(["def explain(i, f, s, now, q):", f" {scope.declarations()}", *lines, " return (), None"])

    def _trace(self, scope: Scope, clause: Clause, negated: bool) -> str:
        values = ", ".join(f"{ref.written!r}: {_shown(scope, ref)}" for ref in names_in(clause.expr))
        text_ = (
            (f"not {clause.text}" if isinstance(clause.expr, Ref) else f"not ({clause.text})")
            if negated
            else clause.text
        )
        true, false = scope.true(clause.expr), scope.false(clause.expr)
        if negated:
            true, false = false, true
        return f"ClauseTrace({text_!r}, {{{values}}}, True if {true} else False if {false} else None)"

    def _inputs(self, scope: Scope, name: str) -> str:
        model, groups = self._models[name], []
        for names, wanted in ((model.numbers, "number"), (model.texts, "text"), (model.categories, "text")):
            values = []
            for written in names:
                ref = self._declared.resolve(written, self._declared.spans[f"models.{name}"])
                assert ref is not None  # the compiler has resolved it before
                if ref.type == "any":
                    ref.type = wanted  # type: ignore[assignment]  # one of two literals
                values.append(scope.loaded(ref))
            groups.append(f"({' '.join(f'{value},' for value in values)})")
        return f"ModelInputs({', '.join(groups)})"


_GUARD = {"bool": "truth", "number": "number", "text": "text", "list": "items", "duration": "number", "size": "number"}
_COST = {"field": 0, "event": 0, "counter": 1, "derived": 2, "score": 1}


def _fetch(path: str) -> str:
    return f"lookup(f, {path!r})" if "." in path else f"f.get({path!r})"


def _concerns(types: tuple[str, ...], event_type: str) -> bool:
    return event_type in types or ANY_EVENT in types


def _cheapest_first(clauses: list[Clause]) -> list[Clause]:
    """Clauses are pure, so their order is free: those on plain fields go first."""
    return sorted(clauses, key=lambda clause: max((_COST[ref.kind] for ref in names_in(clause.expr)), default=0))


def _shown(scope: Scope, ref: Ref) -> str:
    loaded = scope.loaded(ref)
    if ref.type in ("duration", "size"):
        return f"{ref.type}_text({loaded})"
    if ref.type == "list":
        return f"items_text({loaded})"
    return f"(None if {loaded} is None else {loaded}[:100])" if ref.type == "text" else loaded


def _counterfactual(rule: RuleDeclaration) -> str | None:
    """What would have been enough not to fire, from the first clause that compares a number with a limit."""
    for clause in rule.when:
        expr = clause.expr
        if (
            isinstance(expr, Compare) and isinstance(expr.left, Ref) and isinstance(expr.right, Constant)
            and expr.left.kind in ("counter", "derived", "score") and expr.op in (">", ">=", "<", "<=")
            and isinstance(expr.right.value, int | float)
        ):  # fmt: skip
            limit = expr.right.value
            if expr.op in (">=", "<="):
                if expr.left.kind != "counter" or type(limit) is not int:
                    side = "below" if expr.op == ">=" else "above"
                    return f"at {expr.left.written} {side} {limit} this would not have fired"
                limit += -1 if expr.op == ">=" else 1
            return f"at {expr.left.written} = {limit} this would not have fired"
    return None
