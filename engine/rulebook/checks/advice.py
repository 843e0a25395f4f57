"""What is probably not meant, and what a rule that acts should say about itself: warnings, which stop nothing."""

from collections.abc import Iterable, Sequence
from math import inf

from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.nodes import Compare, Expr, Member, Not, Points, Ref, children
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import concern_alike, reached
from engine.rulebook.sections.parameters import constants
from engine.rulebook.sections.rules import Clause, RuleDeclaration

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_EXPECTED_META = ("owner", "why", "expires")


def advise(declared: Declarations, rules: Sequence[RuleDeclaration]) -> None:
    """Look at all rules."""
    diagnostics = declared.diagnostics
    first_by_sense: dict[tuple[object, ...], str] = {}
    for rule in rules:
        _look_at_origin(rule, diagnostics)
        _look_at_clauses(declared, rule)
        _look_at_exemptions(rule, diagnostics)
        _look_at_rules(declared, rule)
        sense = (
            rule.rule.events,
            (rule.rule.then, *rule.rule.further),
            *[frozenset(clause.text for clause in group) for group in _groups(rule)],
        )
        if not rule.rule.clauses:
            continue  # all of them are wrong
        other = first_by_sense.setdefault(sense, rule.rule.name)
        if other != rule.rule.name:
            diagnostics.warning(rule.span, f"rule `{rule.rule.name}` says the same as `{other}`", "drop one of them")


def _look_at_origin(rule: RuleDeclaration, diagnostics: Diagnostics) -> None:
    if rule.rule.mode == "shadow" or rule.rule.then.kind == "allow":
        return
    if rule.rule.holdout and rule.rule.told.get("severity") == "critical":
        message = f"rule `{rule.rule.name}` finds what is critical, and does nothing to those who are held out"
        diagnostics.warning(rule.span, message, "write `holdout: false`, or why this harm may go on")
    missing = [f"`{key}`" for key in _EXPECTED_META if not rule.rule.meta.get(key)] + ([] if rule.tests else ["tests"])
    if missing:
        message = f"rule `{rule.rule.name}` acts, and has no {', '.join(missing)}"
        diagnostics.warning(
            rule.span, message, "who answers for it, why it is there, until when, and what shows it right"
        )


def _look_at_rules(declared: Declarations, rule: RuleDeclaration) -> None:
    """Other rules that can never hold where this one is asked."""
    for clause in rule.all_clauses():
        for ref in reached(declared, clause.expr):
            if ref.target.startswith("rule."):
                keys = declared.rules[ref.target.removeprefix("rule.")].entries or {}
                types = tuple(node.text or "" for node in keys["event"].walk()) if "event" in keys else ()
                if types and not concern_alike(rule.rule.events, types):
                    message = f"`{ref.written}` is about {', '.join(types)} events, and never holds here"
                    declared.diagnostics.warning(clause.expr.span, message)


def _look_at_clauses(declared: Declarations, rule: RuleDeclaration) -> None:
    diagnostics = declared.diagnostics
    required = {clause.text for clause in rule.when}
    for clause in rule.unless:
        if clause.text in required:
            diagnostics.warning(clause.expr.span, "this is asked for above: the rule never holds")
    for name, bounds in _bounds(declared, rule.when).items():
        low, high = max(bound[0] for bound in bounds), min(bound[1] for bound in bounds)
        open_ends = any(bound[2] and low in bound[:2] for bound in bounds)
        if low > high or (low == high and open_ends):
            message = f"no `{name}` is both: {' and '.join(text for _, _, _, text in bounds)}; the rule never holds"
            diagnostics.warning(rule.span, message)


def _look_at_exemptions(rule: RuleDeclaration, diagnostics: Diagnostics) -> None:
    """Links by which an event is spared: one of them is enough, and senders put in what they like."""
    allows = rule.rule.then.kind == "allow"
    spared = [(clause, allows) for clause in (*rule.when, *rule.any)] + [(clause, not allows) for clause in rule.unless]
    for clause, spares in spared:
        if _spares_by_a_link(clause.expr, spares):
            message = "one link that is listed spares an event, whatever else it links to"
            hint = "write `except: lists.NAME` at a counter `by: url_domain`: what is listed does not count there"
            diagnostics.warning(clause.expr.span, message, hint)


def _spares_by_a_link(expr: Expr, spares: bool) -> bool:
    if isinstance(expr, Not):
        return _spares_by_a_link(expr.operand, not spares)
    if isinstance(expr, Member) and isinstance(expr.item, Ref):
        return spares and expr.item.kind == "keys" and expr.item.target == "url_domain"
    return any(_spares_by_a_link(child, spares) for child in children(expr))


def _bounds(declared: Declarations, clauses: Iterable[Clause]) -> dict[str, list[tuple[float, float, bool, str]]]:
    """By name, what comparisons with a number leave over: from, to, whether without the ends, and the clause. Of a
    parameter by segment, what its most generous value leaves; of a scorecard, what its points can be besides."""
    bounds: dict[str, list[tuple[float, float, bool, str]]] = {}
    for clause in clauses:
        expr = clause.expr
        if not isinstance(expr, Compare) or expr.op not in _MIRRORED:
            continue
        op, left, right = expr.op, expr.left, expr.right
        if constants(declared, left):
            op, left, right = _MIRRORED[op], right, left
        limits = [float(limit.value) for limit in constants(declared, right) if type(limit.value) in (int, float)]
        if isinstance(left, Ref) and limits:
            low = min(limits) if op in (">", ">=", "==") else -inf
            high = max(limits) if op in ("<", "<=", "==") else inf
            known = bounds.setdefault(left.written, _range(declared, left))
            known.append((low, high, op in ("<", ">"), f"`{clause.text}`"))
    return bounds


def _range(declared: Declarations, ref: Ref) -> list[tuple[float, float, bool, str]]:
    """The least and the most points of a scorecard."""
    body = declared.derived[ref.target][1] if ref.kind == "derived" else None
    if not isinstance(body, Points):
        return []
    points = [term.points for term in body.terms]
    least, most = sum(each for each in points if each < 0), sum(each for each in points if each > 0)
    return [(least, most, False, f"from {least:g} to {most:g} (its points)")]


def _groups(rule: RuleDeclaration) -> tuple[list[Clause], list[Clause], list[Clause]]:
    return rule.when, rule.any, rule.unless
