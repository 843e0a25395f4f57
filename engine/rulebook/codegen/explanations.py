"""How a rule that has held is told: each clause with its values, and what would not have fired."""

from collections.abc import Iterable, Mapping

from engine.core.domain.counters import STATISTICS, Counter
from engine.core.domain.units import duration_text, size_text
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.language.nodes import Compare, Constant, Expr, Ref, names_in
from engine.rulebook.sections.parameters import PARAMETER
from engine.rulebook.sections.rules import Clause, RuleDeclaration


def trace(scope: Scope, clause: Clause, negated: bool) -> str:
    """Source text of one clause's ClauseTrace."""
    true, false = scope.true(clause.expr), scope.false(clause.expr)
    if negated:
        true, false = false, true
    read, text = values(scope, names_in(clause.expr)), clause_text(clause, negated)
    scores = [ref.target for ref in names_in(clause.expr) if ref.kind == "derived" and ref.target in scope.tallies]
    points = ", {" + ", ".join(f"{name!r}: {scope.tallies[name]}" for name in scores) + "}" if scores else ""
    return f"ClauseTrace({text!r}, {read}, True if {true} else False if {false} else None{points})"


def values(scope: Scope, refs: Iterable[Ref]) -> str:
    """Source text of what names stand for, as people read it."""
    return f"{{{', '.join(f'{ref.written!r}: {_shown(scope, ref)}' for ref in refs)}}}"


def clause_text(clause: Clause, negated: bool) -> str:
    """A clause as a decision has it."""
    if not negated:
        return clause.text
    return f"not {clause.text}" if isinstance(clause.expr, Ref) else f"not ({clause.text})"


def counterfactual(rule: RuleDeclaration, counters: Mapping[str, Counter]) -> str | None:
    """What would have been enough not to fire, from the first clause that compares a number with a limit."""
    for clause in rule.when:
        expr = clause.expr
        if isinstance(expr, Compare) and expr.op in (">", ">=", "<", "<=") and _is_read(expr.left):
            told = _at_limit(expr, expr.left, expr.right, counters)  # type: ignore[arg-type]  # a name, as was asked
            if told is not None:
                return f"at {told} this would not have fired"
    return None


def _is_read(expr: Expr) -> bool:
    return (
        isinstance(expr, Ref)
        and expr.kind in ("memory", "counter", "derived", "score")
        and not expr.target.startswith(PARAMETER)
    )


def _at_limit(expr: Compare, name: Ref, right: Expr, counters: Mapping[str, Counter]) -> str | None:
    side = "below" if expr.op == ">=" else "above"
    if isinstance(right, Ref) and right.target.startswith(PARAMETER):
        return f"{name.written} {'=' if expr.op in '><' else side} {right.written}"
    if not isinstance(right, Constant) or not isinstance(right.value, int | float):
        return None
    limit = right.value
    if expr.op in (">=", "<="):
        counter = counters.get(name.target) if name.kind == "counter" else None
        if counter is None or counter.kind in STATISTICS or type(limit) is not int:
            return f"{name.written} {side} {_limit(name, limit)}"
        limit += -1 if expr.op == ">=" else 1
    return f"{name.written} = {_limit(name, limit)}"


def _limit(ref: Ref, limit: float) -> object:
    """As people write it."""
    units = {"duration": duration_text, "size": size_text}.get(ref.type)
    return units(limit) if units is not None else limit


def _shown(scope: Scope, ref: Ref) -> str:
    loaded = scope.loaded(ref)
    if ref.type in ("duration", "size"):
        return f"{ref.type}_text({loaded})"
    if ref.type == "time":
        return f"moment_text({loaded})"
    if ref.type == "list":
        return f"items_text({loaded})"
    text = f"(None if {loaded} is None else {loaded}[:100])"
    if ref.type == "text or list":
        return f"(items_text({loaded}) if type({loaded}) is list else {text})"
    return text if ref.type == "text" else loaded
