"""The `values:` section: what is computed from an event alone, under a name of its own."""

from collections.abc import Mapping, Sequence

from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Expr, names_in
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.records import ValueDeclaration

MAX_DEPTH = 4


def read_value(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one value into the declarations, or report what is wrong with it."""
    if node.entries is not None:
        made.diagnostics.error(
            node.span, f"value `{name}` is an expression, this is {node.kind}", "box: mailbox(email)"
        )
        return
    expr = made.value(node)
    if expr is None or not can_be_written_out(made, "values", name, span, [expr]):
        return
    if expr.type == "any":
        expr.type = "text"
    made.values[name] = ValueDeclaration(expr.type, expr, " ".join((node.text or "").split()))


def can_be_written_out(made: Declarations, title: str, name: str, span: Span, exprs: Sequence[Expr]) -> bool:
    """Whether a value, or a derived one, stands on few others: each is written into each place that uses it, and chains
    of them would grow without end. A condition is written twice: when it holds, and when it does not."""
    refs = [ref for expr in exprs for ref in names_in(expr)]
    depth = 1 + max((made.depths[ref.target] for ref in refs if ref.kind in ("value", "derived")), default=0)
    made.depths[name], made.layers[name] = depth, made.layer(refs)
    made.sizes[name] = sum(made.names_written(expr) * (2 if expr.type == "bool" else 1) for expr in exprs)
    if depth > MAX_DEPTH:
        made.diagnostics.error(span, f"{title} stand on each other at most {MAX_DEPTH} deep")
    return depth <= MAX_DEPTH and made.is_short(exprs, span)
