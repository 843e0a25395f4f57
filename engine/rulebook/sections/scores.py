"""Reads scorecards: numbers that are the points of all terms that hold, added up."""

from collections.abc import Mapping

from engine.core.values.scorecards import DECIMALS
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Points, Term
from engine.rulebook.language.schema import MAX_TERMS, MOST_POINTS
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.macros import condition

MAX_TERM_CHARS = 200


def read_score(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one scorecard into the declarations, or report what is wrong with it."""
    report, terms = made.diagnostics, []
    if not node.entries or len(node.entries) > MAX_TERMS:
        message = f"score `{name}` maps terms to points, from 1 to {MAX_TERMS} of them"
        report.error(node.span if node.entries else span, message, "for example: {not verified: 20}")
        return
    for text, value in node.entries.items():
        if len(text) > MAX_TERM_CHARS:
            hint = "give it a name under `derived:`"
            report.error(node.keys[text], f"a term has at most {MAX_TERM_CHARS} characters: decisions tell it", hint)
            continue
        written = condition(made, Node(node.keys[text], text=text, scalar=text, exact=False))
        points = _points(made, text, value)
        if written is not None and points is not None:
            terms.append(Term(" ".join(text.split()), written[1], points))
    if len(terms) == len(node.entries) and made.computed_once(name, span, [term.condition for term in terms]):
        made.derived[name] = ("number", Points(span, "number", terms))


def _points(made: Declarations, term: str, node: Node) -> float | int | None:
    points = node.scalar
    if type(points) in (int, float) and 0 < abs(float(points or 0)) <= MOST_POINTS:
        if round(float(points or 0), DECIMALS) == points:
            return points
        made.diagnostics.error(node.span, f"the points of `{term}` have at most {DECIMALS} decimals")
        return None
    message = f"the points of `{term}` are a number that is not 0, up to {MOST_POINTS:,}; this is {node.kind}"
    made.diagnostics.error(node.span, message)
    return None
