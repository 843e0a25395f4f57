"""The expression language: a typed subset of Python's expressions, read into nodes of our own.

Comparisons, and/or/not, in, arithmetic, `text matches "pattern"` (RE2), durations and sizes as literals
(7d, 10MB), and the functions of `functions.py`. No attributes but `score.x`, `lists.x`, `banks.x`, `event.x` and
columns of tables, no other calls, no subscripts: an expression cannot reach anything but the values it names.
"""

import ast
import re
from collections.abc import Callable, Iterable

from engine.core.domain.units import DURATION_MS, SIZE_BYTES, duration_ms, size_bytes
from engine.keys.keywords import unmasked
from engine.keys.measures import MAX_MATCHES
from engine.rulebook.language.agreement import (
    NUMERIC,
    as_address,
    as_time,
    expect,
    how_to_compare,
    look_at_literal,
    names_no_address,
    unify,
)
from engine.rulebook.language.arithmetic import combined
from engine.rulebook.language.calls import CallReader
from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.keys import IMAGE
from engine.rulebook.language.listings import LISTS, Listings
from engine.rulebook.language.literals import MAX_DEPTH, ExpressionText, depth_of, rooted_in_event
from engine.rulebook.language.nodes import (
    Call,
    Compare,
    Constant,
    Contains,
    Expr,
    Logical,
    Matches,
    Member,
    Not,
    Ref,
    Search,
    a_type,
    any_wrong,
)
from engine.rulebook.language.patterns import as_skeleton, compiles, look_at_classes, warn_of_capitals
from engine.rulebook.language.slips import ends_early, find_slip

MAX_CHARS = 2_000
_NETWORKS = "networks stand in lists: `lists: {networks: {values: [10.0.0.0/8]}}`, and write: ip in lists.networks"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "\\": "\\"}
_COMPARE = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}

Resolve = Callable[[str, Span], Ref | Constant | None]
"""Finds a name, which may stand for a constant, or reports it as unknown and gives None."""


class Parser:
    """Reads one expression's text. Every problem goes to the diagnostics, at its exact place."""

    def __init__(self, text: ExpressionText, resolve: Resolve, listings: Listings, diagnostics: Diagnostics) -> None:
        self._source = text
        self._resolve, self._listings, self._diagnostics = resolve, listings, diagnostics
        self._calls = CallReader(self._read, self._pattern, self._source.span_of, listings.lists, diagnostics)

    def condition(self) -> Expr | None:
        """The expression if it is a truth value, else None (and an error)."""
        expr = self.expression()
        if expr is None:
            return None
        expect(self._diagnostics, expr, "bool")
        return None if any_wrong(expr) else expr

    def expression(self) -> Expr | None:
        """The expression, whatever its type, or None (and an error)."""
        if len(self._source.text) > MAX_CHARS:
            self._diagnostics.error(self._source.span, f"this expression is longer than {MAX_CHARS} characters")
            return None
        slip = find_slip(self._source.text)
        if slip is not None:
            self._diagnostics.error(self._source.place(slip.column, slip.width), slip.message, slip.hint)
            return None
        tree = self._source.parse()
        if isinstance(tree, Span):
            message, hint = "this is not an expression", "for example: posts_1m > 10 and account_age < 7d"
            if ends_early(self._source.text):
                message, hint = "this expression ends too early", "something is missing behind its last word"
            self._diagnostics.error(tree, message, hint)
            return None
        if depth_of(tree) > MAX_DEPTH:
            self._diagnostics.error(self._source.span, "this expression is nested too deeply")
            return None
        expr = self._read(tree)
        return None if any_wrong(expr) else expr

    def _wrong(self, span: Span, message: str, hint: str | None = None) -> Expr:
        self._diagnostics.error(span, message, hint)
        return Expr(span, "wrong")

    def _read(self, node: ast.expr) -> Expr:
        span = self._source.span_of(node)
        match node:
            case ast.Constant():
                return self._constant(node, span)
            case ast.Name():
                return self._name(node, span)
            case ast.Attribute() if rooted_in_event(node):
                return self._resolve(ast.unparse(node), span) or Expr(span, "wrong")
            case ast.Attribute(value=ast.Name(id="lists" | "banks" as kind)):
                example = f"{'some_name' if kind == LISTS else IMAGE} in {ast.unparse(node)}"
                return self._wrong(span, f"a {kind[:-1]} can only stand after `in`", f"write: {example}")
            case ast.Attribute(value=ast.Name(id=kind), attr=attr):  # score.x, threshold.x, or a table's column
                return self._resolve(f"{kind}.{attr}", span) or Expr(span, "wrong")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(span, "bool", expect(self._diagnostics, self._read(operand), "bool"))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return Constant(span, "number", -number)
            case ast.BoolOp(op=op, values=values):
                parts = [expect(self._diagnostics, self._read(value), "bool") for value in values]
                return Logical(span, "bool", "and" if isinstance(op, ast.And) else "or", parts)
            case ast.Compare():
                return self._comparison(node, span)
            case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                return self._matches(left, right, span)
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
                return self._arithmetic(node, _ARITHMETIC[type(op)], span)
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                return self._calls.call(function, arguments, span)
        return self._wrong(
            span,
            "this is not part of the rule language",
            "it has comparisons, and/or/not, in, + - * / %, matches, and functions such as len() and count()",
        )

    def _constant(self, node: ast.Constant, span: Span) -> Expr:
        match node.value:
            case str():
                return self._quoted(node, span)
            case bool():
                return self._wrong(span, f"write {str(node.value).lower()} in small letters")
            case int() | float() if abs(node.value) < 1e18:
                return Constant(span, "number", node.value)
        return self._wrong(span, "this literal is not part of the rule language")

    def _quoted(self, node: ast.Constant, span: Span) -> Expr:
        written = self._source.literal(node)
        if written is None:
            return self._wrong(span, "a text stands in one pair of quotes, without a letter before it")
        quote = written[0]
        plain = written[1:-1].replace("\\" + quote, quote)
        stray = next((match[0] for match in _ESCAPE.finditer(plain) if match[0][1:] not in _ESCAPED), None)
        if stray is not None:
            return self._wrong(
                span, f"`{stray}` means something in a pattern alone", f"write \\{stray} for the two signs"
            )
        return Constant(span, "text", _ESCAPE.sub(lambda match: _ESCAPED[match[0][1:]], plain))

    def _pattern(self, node: ast.expr) -> str | None:
        """What is written in a pair of quotes, for RE2; None for anything else."""
        written = self._source.literal(node) if isinstance(node, ast.Constant) else None
        return written[1:-1].replace("\\" + written[0], written[0]) if written is not None else None

    def _name(self, node: ast.Name, span: Span) -> Expr:
        literal = self._source.literal(node)
        if literal is not None:
            return self._unit_literal(literal, span)
        if node.id in ("true", "false"):
            return Constant(span, "bool", node.id == "true")
        return self._resolve(node.id, span) or Expr(span, "wrong")

    def _unit_literal(self, literal: str, span: Span) -> Expr:
        for kind, amount in (("duration", duration_ms(literal)), ("size", size_bytes(literal))):
            if amount is not None:
                return Constant(span, kind, amount)  # type: ignore[arg-type]  # one of two literals
        units = ", ".join([*DURATION_MS, *SIZE_BYTES])
        return self._wrong(span, f"`{literal}` has no known unit", f"units: {units}")

    def _comparison(self, node: ast.Compare, span: Span) -> Expr:
        parts: list[Expr] = []
        left_node = node.left
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                member = self._membership(left_node, right_node, span)
                parts.append(Not(span, "bool", member) if isinstance(op, ast.NotIn) else member)
            elif type(op) in _COMPARE:
                parts.append(self._compare(_COMPARE[type(op)], self._read(left_node), self._read(right_node), span))
            else:
                return self._wrong(span, "this comparison is not part of the rule language", "use == or !=")
            left_node = right_node
        return parts[0] if len(parts) == 1 else Logical(span, "bool", "and", parts)

    def _compare(self, op: str, left: Expr, right: Expr, span: Span) -> Expr:
        left, right = unify(self._diagnostics, self._value(left), self._value(right))
        if "wrong" in (left.type, right.type):
            return Expr(span, "wrong")
        if "list" in (left.type, right.type):
            names = [side.written for side in (left, right) if isinstance(side, Ref) and side.type == "list"]
            name = names[0] if names else "some_list"
            return self._wrong(
                span, "lists cannot be compared", f'"x" in {name} asks for an item, len({name}) for its length'
            )
        if any(isinstance(side, Ref) and side.target == "ip" for side in (left, right)):
            for side in (left, right):
                if names_no_address(side):
                    return self._wrong(side.span, "no address is equal to this", _NETWORKS)
            left, right = as_address(left), as_address(right)
        left, right = as_time(left, right), as_time(right, left)
        if left.type != right.type:
            message = f"{a_type(left.type)} {op} {a_type(right.type)}: the two sides differ in type"
            return self._wrong(span, message, how_to_compare(left, right))
        if op not in ("==", "!=") and left.type not in (*NUMERIC, "any"):
            return self._wrong(span, f"`{op}` compares numbers, durations and sizes, not {a_type(left.type)}")
        if left.type == "any" and op not in ("==", "!="):
            expect(self._diagnostics, left, "number")
            expect(self._diagnostics, right, "number")
        for side, other in ((left, right), (right, left)):
            look_at_literal(self._diagnostics, side, other)
            if isinstance(side, Search) and side.function == "count" and _is_beyond(other, MAX_MATCHES):
                return self._wrong(other.span, f"count() counts to {MAX_MATCHES}", "use a smaller threshold")
        return Compare(span=span, type="bool", op=op, left=left, right=right)

    def _membership(self, item_node: ast.expr, container: ast.expr, span: Span) -> Expr:
        item = self._value(self._read(item_node))
        match container:
            case ast.Attribute(value=ast.Name(id="lists" | "banks" as kind), attr=name):
                place = self._source.span_of(container)
                return self._listings.member(kind, name, item, span, place, self._diagnostics)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                quiet = all(isinstance(element, ast.Name) for element in elements)
                values = [] if quiet else [self._read(element) for element in elements]
                constants = [value for value in values if isinstance(value, Constant)]
                if not values or len(constants) != len(values) or len({value.type for value in constants}) > 1:
                    names = [value.id for value in elements if isinstance(value, ast.Name)]
                    place = self._source.span_of(container)
                    return self._wrong(place, "a list holds literals of one type", _quoted_list(names))
                expect(self._diagnostics, item, constants[0].type if item.type != "list" else "list")
                entries = frozenset(value.value for value in constants)
                return Member(span=span, type="bool", item=item, list_name=None, values=entries)
        if isinstance(container, ast.Name) and container.id in self._listings.lists:
            place, name = self._source.span_of(container), container.id
            return self._wrong(place, f"a list is named with its section: lists.{name}", f"write: in lists.{name}")
        whole = self._read(container)
        if isinstance(item, Ref) and item.target == "ip" and isinstance(whole, Constant):
            return self._wrong(whole.span, "an address stands in a network of a list", _NETWORKS)
        if whole.type == "any":
            expect(self._diagnostics, whole, "text or list" if isinstance(item, Constant) else "list")
        if whole.type not in ("text", "list", "text or list"):
            return self._wrong(whole.span, f"`in` needs a list or a text on its right, this is {a_type(whole.type)}")
        if isinstance(item, Constant) and isinstance(whole, Call) and whole.function == "skeleton":
            whole.is_searched = True
            item = Constant(item.span, item.type, unmasked(str(item.value)))
        return Contains(span, "bool", expect(self._diagnostics, item, "text"), whole)

    def _matches(self, left: ast.expr, right: ast.expr, span: Span) -> Expr:
        subject = self._read(left)
        if subject.type != "list":  # of which one of the items may match
            subject = expect(self._diagnostics, subject, "text")
        pattern, place = self._pattern(right), self._source.span_of(right)
        if pattern is None:
            return self._wrong(place, "`matches` needs a pattern in quotes", 'for example: text matches "free money"')
        if isinstance(subject, Call) and subject.function == "skeleton":
            pattern = as_skeleton(pattern, place, self._diagnostics)
            subject.is_searched = "^" not in pattern and "$" not in pattern  # where the text begins and ends matters
        elif isinstance(subject, Call) and subject.function == "lower":
            warn_of_capitals("lower", pattern, place, self._diagnostics)
        look_at_classes(pattern, place, self._diagnostics)
        if not compiles(pattern, place, self._diagnostics):
            return Expr(place, "wrong")
        return Matches(span, "bool", subject, pattern)

    def _arithmetic(self, node: ast.BinOp, op: str, span: Span) -> Expr:
        left, right = self._read(node.left), self._read(node.right)
        if op == "-" and right.type == "wrong" and rooted_in_event(node.left) and isinstance(node.right, ast.Name):
            name = f"{ast.unparse(node.left)}-{node.right.id}".removeprefix("event.")
            hint = f"a name with a hyphen is declared: `fields: {{{node.right.id}: {{type: text, from: {name}}}}}`"
            self._diagnostics.error(span, "this is taken for one value less another", hint)
        return combined(self._diagnostics, op, left, right, span)

    def _value(self, expr: Expr) -> Expr:
        """Refuse a condition where a value is compared."""
        if expr.type == "bool" and not isinstance(expr, Ref | Constant):
            return self._wrong(expr.span, "a condition cannot be compared", "join conditions with and, or, not")
        return expr


def _quoted_list(names: Iterable[str]) -> str:
    """A list as it is meant, when its texts stand there without quotes."""
    written = ", ".join(f'"{name}"' for name in names) or '"a", "b"'
    return f"write: [{written}]"


def _is_beyond(limit: Expr, most: int) -> bool:
    return isinstance(limit, Constant) and isinstance(limit.value, int | float) and limit.value >= most
