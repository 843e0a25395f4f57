"""How a rule that has held is told: each clause with its values, and what would not have fired."""

from collections.abc import Iterable

from engine.core.domain.units import duration_text, size_text
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.language.nodes import Compare, Constant, Ref, names_in
from engine.rulebook.sections.rules import Clause, RuleDeclaration


def trace(scope: Scope, clause: Clause, negated: bool) -> str:
    """Source text of one clause's ClauseTrace."""
    true, false = scope.true(clause.expr), scope.false(clause.expr)
    if negated:
        true, false = false, true
    read, text = values(scope, names_in(clause.expr)), clause_text(clause, negated)
    return f"ClauseTrace({text!r}, {read}, True if {true} else False if {false} else None)"


def values(scope: Scope, refs: Iterable[Ref]) -> str:
    """Source text of what names stand for, as people read it."""
    return f"{{{', '.join(f'{ref.written!r}: {_shown(scope, ref)}' for ref in refs)}}}"


def clause_text(clause: Clause, negated: bool) -> str:
    """A clause as a decision has it."""
    if not negated:
        return clause.text
    return f"not {clause.text}" if isinstance(clause.expr, Ref) else f"not ({clause.text})"


def counterfactual(rule: RuleDeclaration) -> str | None:
    """What would have been enough not to fire, from the first clause that compares a number with a limit."""
    for clause in rule.when:
        expr = clause.expr
        if (
            isinstance(expr, Compare) and isinstance(expr.left, Ref) and isinstance(expr.right, Constant)
            and expr.left.kind in ("memory", "counter", "derived", "score") and expr.op in (">", ">=", "<", "<=")
            and isinstance(expr.right.value, int | float)
        ):  # fmt: skip
            limit = expr.right.value
            if expr.op in (">=", "<="):
                if expr.left.kind != "counter" or expr.left.type != "number" or type(limit) is not int:
                    side = "below" if expr.op == ">=" else "above"
                    return f"at {expr.left.written} {side} {_limit(expr.left, limit)} this would not have fired"
                limit += -1 if expr.op == ">=" else 1
            return f"at {expr.left.written} = {_limit(expr.left, limit)} this would not have fired"
    return None


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
    return f"(None if {loaded} is None else {loaded}[:100])" if ref.type == "text" else loaded
