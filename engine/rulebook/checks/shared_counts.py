"""What goes wrong with counters that many users share: warnings, which stop nothing.

A clause may be about a count that has to be low: the lower part of a ratio, `<`, `unless`. One event that leaves out
the field which a `where` asks for makes such a count "at least" for everybody, so one account silences the rule. And a
ratio of few events says little, least of all while a worker catches up and has read one partition before the others.
"""

from collections.abc import Iterator, Sequence, Set

from engine.core.domain.rules import USER
from engine.core.series.statistics import Z95
from engine.core.values.identity import COMPUTED_FIELDS, EVENT_TIME, IDENTITY_FIELDS
from engine.rulebook.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    Constant,
    Expr,
    Logical,
    Member,
    Not,
    Ref,
    children,
    names_in,
)
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.records import CounterDeclaration, RatioDeclaration
from engine.rulebook.sections.rules import RuleDeclaration

FEW = 10
"""A share of fewer events crosses any threshold by chance."""

_ALWAYS_THERE = frozenset((*IDENTITY_FIELDS, *COMPUTED_FIELDS, EVENT_TIME))


def check_shared_counts(declared: Declarations, rules: Sequence[RuleDeclaration]) -> None:
    """Look at all rules."""
    told = set[str]()
    for rule in rules:
        clauses = [(clause.expr, True) for clause in (*rule.when, *rule.any)]
        clauses += [(clause.expr, False) for clause in rule.unless]
        followed = set[tuple[str, bool]]()
        low = [name for expr, holds in clauses for name in kept_low(declared, expr, holds, followed)]
        for name in dict.fromkeys(low):
            counter = declared.counters[name]
            if counter.by != USER and name not in told:
                told.add(name)
                _look_at_where(declared, name, counter)
        if rule.rule.mode != "shadow" and rule.rule.then.kind not in ("allow", "flag", "review"):
            _look_at_shares(declared, rule)


def kept_low(declared: Declarations, expr: Expr, up: bool, followed: set[tuple[str, bool]]) -> Iterator[str]:
    """The counters that must not be high for an expression to hold, or to be high (`up`), or for the opposite of it.
    `followed`: the derived values and scores that have been looked into, with `up`; each is once."""
    for part, up_there in _parts(declared, expr, up, followed):
        yield from kept_low(declared, part, up_there, followed)
    if isinstance(expr, Ref) and expr.kind == "counter" and not up and expr.target in declared.counters:
        yield expr.target


def _parts(declared: Declarations, expr: Expr, up: bool, followed: set[tuple[str, bool]]) -> list[tuple[Expr, bool]]:
    """What an expression is made of, and whether that is to be high for it to hold."""
    match expr:
        case Ref(kind="derived", target=name) if (name, up) not in followed:
            followed.add((name, up))
            body = declared.derived[name][1]
            return (
                [(body.numerator, up), (body.denominator, not up)]
                if isinstance(body, RatioDeclaration)
                else [(body, up)]
            )
        case Ref():
            return []
        case Not(operand=operand):
            return [(operand, not up)]
        case Compare(op=">" | ">=", left=high, right=low) | Compare(op="<" | "<=", left=low, right=high):
            return [(high, up), (low, not up)]
        case Arithmetic(op="-" | "/", left=high, right=low):
            return [(high, up), (low, not up)]
        case Compare() | Member() | Arithmetic(op="%") | Call(function="abs"):
            return [(part, either) for part in children(expr) for either in (True, False)]
    return [(part, up) for part in children(expr)]


def _look_at_where(declared: Declarations, name: str, counter: CounterDeclaration) -> None:
    if counter.where is None:
        return
    omitted = dict.fromkeys(ref.written for ref in _unguarded(declared, counter.where))
    if omitted:
        known = " and ".join(f"known({field})" for field in omitted)
        message = f'an event without {" or ".join(f"`{field}`" for field in omitted)} makes `{name}` "at least" for '
        message += f"everybody at its {counter.by}, and a clause needs it low: whoever leaves the field out silences it"
        declared.diagnostics.warning(
            counter.where.span, message, f"where: {known} and …; or say what counts without it"
        )


def _unguarded(declared: Declarations, expr: Expr, known: Set[str] = frozenset()) -> Iterator[Ref]:
    """The fields of the sender without which an expression is unknown. `known`: those that are asked about beside it,
    so that this decides without them."""
    match expr:
        case Logical(op=op, operands=operands):
            asked = {name for part in operands for name in _asked(part, op == "and")}
            for part in operands:
                yield from _unguarded(declared, part, known | asked)
        case Not(operand=operand):
            yield from _unguarded(declared, operand, known)
        case Call(function="known"):
            return
        case _:
            for ref in names_in(expr):
                if ref.written in known:
                    continue
                if ref.kind == "value":
                    yield from _unguarded(declared, declared.values[ref.target].expr, known)
                elif _may_be_omitted(declared, ref):
                    yield ref


def _may_be_omitted(declared: Declarations, ref: Ref) -> bool:
    field = declared.fields[ref.target] if ref.kind == "field" else None
    path = field.path if field is not None else ref.target
    is_sent = ref.kind == "event" or (field is not None and field.reference is None)
    return is_sent and path not in _ALWAYS_THERE


def _asked(expr: Expr, positive: bool) -> Iterator[str]:
    """The fields about which `known` decides: `known(x) and …`, `not known(x) or …`."""
    match expr:
        case Call(function="known", arguments=[Ref() as ref]) if positive:
            yield ref.written
        case Not(operand=operand):
            yield from _asked(operand, not positive)
        case Logical(op="and", operands=operands) if positive:
            for part in operands:
                yield from _asked(part, positive)


def _look_at_shares(declared: Declarations, rule: RuleDeclaration) -> None:
    """Ratios at shared entities that a handful of events crosses."""
    least = {expr.left.target: _limit(expr) for expr in _comparisons(rule) if isinstance(expr.left, Ref)}
    for expr in _comparisons(rule):
        name = expr.left
        body = declared.derived[name.target][1] if isinstance(name, Ref) and name.kind == "derived" else None
        if not isinstance(name, Ref) or not isinstance(body, RatioDeclaration) or body.denominator.kind != "counter":
            continue
        parts = (body.numerator.target, body.denominator.target)
        counter, share = declared.counters.get(parts[1]), _limit(expr)
        if counter is None or counter.read_at == USER or not 0 < share < 1:
            continue
        crossed = Z95**2 * share / (1 - share) if body.wilson else 1
        fewest = max(body.at_least, crossed, *(least.get(part, 0) for part in parts))
        if fewest < FEW:
            message = f"`{name.written}` may be crossed by {max(1, round(fewest))} events at one {counter.read_at}, by "
            message += "chance: most of all while a worker catches up, as it reads one partition before another"
            declared.diagnostics.warning(
                expr.span, message, f"at_least: {2 * FEW} at the ratio, or a clause about its count"
            )


def _comparisons(rule: RuleDeclaration) -> list[Compare]:
    """What has to be high."""
    return [clause.expr for clause in rule.when if isinstance(clause.expr, Compare) and clause.expr.op in (">", ">=")]


def _limit(expr: Compare) -> float:
    is_number = isinstance(expr.right, Constant) and type(expr.right.value) in (int, float)
    return float(expr.right.value) if is_number else 0.0  # type: ignore[attr-defined]  # as was asked
