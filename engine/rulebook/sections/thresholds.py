"""What is asked of each counter: the largest threshold that is put on it, or all that it can hold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Choice, Compare, Constant, Expr, Points, Ref, children, names_in
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import reached
from engine.rulebook.sections.parameters import constants
from engine.rulebook.sections.records import RatioDeclaration
from engine.rulebook.sections.rules import RuleDeclaration


@dataclass(slots=True)
class Thresholds:
    """`largest`: by counter, how many entries its largest threshold needs, and where that stands; `widest`: the
    counters that need all they can hold; `looked_back`: those of rules that look back."""

    declared: Declarations
    largest: dict[str, tuple[int, Span]] = field(default_factory=dict)
    widest: set[str] = field(default_factory=set)
    looked_back: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def visit(self, expr: Expr) -> None:
        """A count compared with a number, or with a parameter, needs one entry more than that; in arithmetic, in ratios
        and beside other values it needs all there can be."""
        if isinstance(expr, Compare):
            for side, other in ((expr.left, expr.right), (expr.right, expr.left)):
                limits = list(constants(self.declared, other))
                if isinstance(side, Ref) and side.kind == "counter" and limits:
                    for limit in limits:
                        self._note(side.target, limit)
                    return
        if isinstance(expr, Ref):
            self._widen(expr)
        for child in children(expr):
            self.visit(child)

    def _note(self, counter: str, limit: Constant) -> None:
        needed = int(abs(float(limit.value))) + 1
        if needed > self.largest.get(counter, (0, limit.span))[0]:
            self.largest[counter] = (needed, limit.span)

    def _widen(self, ref: Ref) -> None:
        """Conditions and scorecards put thresholds of their own on what they read."""
        if ref.kind == "counter":
            self.widest.add(ref.target)
        elif ref.kind == "derived" and ref.target not in self.seen:
            self.seen.add(ref.target)
            body = self.declared.derived[ref.target][1]
            if isinstance(body, RatioDeclaration):
                self._widen(body.numerator)
                self._widen(body.denominator)
            elif isinstance(body, Points) or body.type == "bool":
                self.visit(body)
            elif not isinstance(body, Choice):
                for part in names_in(body):
                    self._widen(part)


def find_thresholds(declared: Declarations, rules: Iterable[RuleDeclaration]) -> Thresholds:
    """Of all rules, of counters' `where`, and of what models are hinted at by."""
    thresholds = Thresholds(declared)
    for expr in _asked_elsewhere(declared):
        thresholds.visit(expr)
    for rule in rules:
        for clause in rule.all_clauses():
            thresholds.visit(clause.expr)
            if rule.rule.then.lookback_ms is not None:
                read = reached(declared, clause.expr)
                thresholds.looked_back |= {ref.target for ref in read if ref.kind == "counter"}
    return thresholds


def _asked_elsewhere(declared: Declarations) -> Iterator[Expr]:
    """The conditions outside rules that put thresholds on counters: those of other counters, and derived values that
    are conditions or scorecards (models read them)."""
    yield from (counter.where for counter in declared.counters.values() if counter.where is not None)
    for kind, body in declared.derived.values():
        if isinstance(body, Points) or (isinstance(body, Expr) and kind == "bool"):
            yield body
