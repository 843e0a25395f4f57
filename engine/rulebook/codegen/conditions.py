"""Expressions as Python source. Three-valued logic becomes two-valued code.

For every expression two conditions can be generated: one that holds when it is definitely true, one
when it is definitely false (Kleene's logic; unknown makes both fail). A rule fires on the first, so
unknown never enforces, and no value "unknown" is ever passed around at run time. A count of which only a lower bound is
known (`core/values/bounds.py`) makes a comparison definitely true or false where the bound decides it.

Names are read on first use and kept in a local variable: a clause that is not reached costs nothing. What the
models read is read in any case, and at once. Scorecards are computed by lines of their own, once, above the line that
first names them (`Scope.lines`).
"""

from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from typing import Any

from engine.core.values.lists import LiveList
from engine.keys.patterns import quietly_compiled
from engine.rulebook.codegen.reads import Reads
from engine.rulebook.codegen.searches import PhrasesOf, prepared
from engine.rulebook.language.functions import FUNCTIONS
from engine.rulebook.language.keys import CANONICAL, VIDEO
from engine.rulebook.language.nodes import (
    Arithmetic,
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
    children,
    names_in,
)

Entries = Callable[[str | None, Iterable[Any]], Set[Any]]
"""What is in the list of a name, or in one that is written out."""

Loader = Callable[["Scope", Ref], str]
"""Gives the source text that reads a name once; None at run time means unknown."""


_OPPOSITES = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_CERTAINLY = {"==": "equals", "!=": "differs"}
_METHODS = {"lower": "lower", "starts_with": "startswith", "ends_with": "endswith"}
"""Functions that are methods of texts."""


def counts(expr: Expr) -> bool:
    """Whether a value may be a bound."""
    named = any(
        ref.kind in ("counter", "derived", "value") or (ref.kind == "memory" and ref.type == "duration")
        for ref in names_in(expr)
    )
    return named or _has_matches_counted(expr)


def _has_matches_counted(expr: Expr) -> bool:
    is_counted = isinstance(expr, Search) and expr.function == "count"
    return is_counted or any(map(_has_matches_counted, children(expr)))


class Scope:
    """The local variables of one generated function, and the constants it needs. `hidden`: whether events have
    pseudonyms where rules have ids."""

    def __init__(
        self, load: Loader, entries: Entries, phrases: PhrasesOf, hidden: bool, constants: dict[str, Any]
    ) -> None:
        self._load, self._entries, self._phrases, self._hidden = load, entries, phrases, hidden
        self.constants = constants
        self._answers: dict[int, tuple[Call, str]] = {}
        self.variables: dict[tuple[str, str, str], str] = {}
        self.tallies: dict[str, str] = {}
        self._assigned: set[str] = set()
        self.reads = Reads()
        self._above: list[str] = []

    def variable(self, ref: Ref) -> str:
        """The local variable that holds a name, once it is loaded."""
        key = (ref.kind, ref.target, ref.type)
        return self.variables.setdefault(key, f"v{len(self.variables)}")

    def loaded(self, ref: Ref) -> str:
        """An expression that gives the name's value, reading it if that has not happened yet."""
        name = self.variable(ref)
        if name in self._assigned or name in self.reads:
            return name
        with self.reads.apart():
            source = self._load(self, ref)
        return name if name in self._assigned else self.reads.read(name, source)

    def once(self, ref: Ref, source: str) -> str:
        """The local variable of a name that a line above the one at hand computes: it is long, and read often."""
        name = self.given(ref)
        self._above.append(f" {name} = {source}")
        return name

    def lines(self, *lines: str) -> list[str]:
        """Lines, below those that compute what they name."""
        above, self._above = self._above, []
        return [*above, *lines]

    def assign(self, refs: Sequence[Ref], source: str | None = None) -> str:
        """A line that reads names whether or not a clause gets so far; from now on they are plain variables.
        `source` gives them all, one after the other; without it, each is read by itself."""
        names = [self.variable(ref) for ref in refs]
        line = f" {', '.join(names)}, = {source}" if source else "; ".join([f" {self.loaded(ref)}" for ref in refs])
        self._assigned.update(names)
        return line

    def given(self, ref: Ref) -> str:
        """The local variable that holds a name, where the function's own lines set it."""
        name = self.variable(ref)
        self._assigned.add(name)
        return name

    def unread(self) -> list[str]:
        """The variables that are set when they are read."""
        return [name for name in self.variables.values() if name not in self._assigned]

    def constant(self, prefix: str, value: Any) -> str:
        """A global of the generated code."""
        name = f"{prefix}{len(self.constants)}"
        self.constants[name] = value
        return name

    def declarations(self) -> str:
        """The first line of the function: nothing is read yet."""
        asked = [name for name in self.variables.values() if name in self.reads.asked]
        return " = ".join([*asked, "U"]) if asked else "pass"

    # -- conditions -------------------------------------------------------------------------------

    def true(self, expr: Expr) -> str:
        """Source that is true exactly when `expr` is definitely true."""
        match expr:
            case Constant(value=value):
                return repr(value)
            case Ref():
                return f"({self.loaded(expr)} is True)"
            case Not(operand=operand):
                return self.false(operand)
            case Logical(op=op, operands=operands):
                return self.reads.joined(op, [partial(self.true, part) for part in operands])
            case Call(function="known", arguments=[Ref() as ref]):
                return f"({self.loaded(ref)} is not None)"
        return self._when_known(expr, self._test(expr))

    def false(self, expr: Expr) -> str:
        """Source that is true exactly when `expr` is definitely false."""
        match expr:
            case Constant(value=value):
                return repr(not value)
            case Ref():
                return f"({self.loaded(expr)} is False)"
            case Not(operand=operand):
                return self.true(operand)
            case Logical(op=op, operands=operands):
                other = "or" if op == "and" else "and"
                return self.reads.joined(other, [partial(self.false, part) for part in operands])
            case Call(function="known", arguments=[Ref() as ref]):
                return f"({self.loaded(ref)} is None)"
        return self._when_known(expr, self._opposite(expr))

    def value(self, expr: Expr) -> str:
        """Source for a value, None when it is unknown."""
        if isinstance(expr, Constant):
            return repr(expr.value)
        if isinstance(expr, Ref):
            return self.loaded(expr)
        if expr.type == "bool":
            return f"(True if {self.true(expr)} else False if {self.false(expr)} else None)"
        known = self._known(expr)
        return f"({self._plain(expr)} if {self.reads.joined('and', known)} else None)" if known else self._plain(expr)

    def _when_known(self, expr: Expr, test: str) -> str:
        return self.reads.joined("and", [*self._known(expr), lambda: test])

    def _known(self, expr: Expr) -> list[Callable[[], str]]:
        named = [partial(self._is_known, ref) for ref in names_in(expr)]
        return [*named, *[partial(str, condition) for condition in self._safe(expr)]]

    def _is_known(self, ref: Ref) -> str:
        return f"{self.loaded(ref)} is not None"

    def _safe(self, expr: Expr) -> list[str]:
        """What has to hold beside that all names are known, innermost first: division by zero is unknown, and so is
        what a function knows no answer for."""
        match expr:
            case Arithmetic(op=op, left=left, right=right):
                divisors = self._safe(left) + self._safe(right)
                return (
                    [*divisors, self._compared("!=", right, Constant(right.span, "number", 0))]
                    if op in "/%"
                    else divisors
                )
            case Compare(left=left, right=right):
                return self._safe(left) + self._safe(right)
            case Call(function=function, arguments=arguments):
                inner = [condition for part in arguments for condition in self._safe(part)]
                if not FUNCTIONS[function].may_fail:
                    return inner
                return [*inner, f"({self._answer(expr)} := {self._called(expr)}) is not None"]
            case Contains(item=item, container=container_expr):
                return self._safe(item) + self._safe(container_expr)
            case Member(item=item) | Matches(subject=item) | Search(subject=item):
                return self._safe(item)
        return []

    def _test(self, expr: Expr) -> str:
        match expr:
            case (
                Compare(op="==" | "!=" as op, left=other, right=Constant(value=str(text)))
                | Compare(op="==" | "!=" as op, left=Constant(value=str(text)), right=other)
            ) if self._hidden:
                same = self._is_among(other, None, (text,))
                return same if op == "==" else f"(not {same})"
            case Compare(op=op, left=left, right=right):
                return self._compared(op, left, right)
            case Member(item=item, list_name=name, values=values):
                return self._is_among(item, name, values)
            case Contains(item=Constant(value=str(text)), container=container_expr) if self._hidden:
                within = self._plain(container_expr)
                return (
                    "(" + " or ".join(f"{entry!r} in {within}" for entry in sorted(self._entries(None, (text,)))) + ")"
                )
            case Contains(item=item, container=container_expr):
                return f"({self._plain(item)} in {self._plain(container_expr)})"
            case Matches(subject=subject, pattern=pattern):
                search = self.constant("R", quietly_compiled(pattern).search)
                if subject.type == "list":
                    return f"any_matches({search}, {self._plain(subject)})"
                return f"({search}({self._plain(subject)}) is not None)"
            case Call() | Search():
                return self._plain(expr)
        raise AssertionError(f"no test for {expr}")  # the type checker lets no other condition pass

    def _opposite(self, expr: Expr) -> str:
        """Source that is true when a test of known values fails. With a bound it may do neither."""
        if isinstance(expr, Compare) and "text" not in (expr.left.type, expr.right.type):
            return self._compared(_OPPOSITES[expr.op], expr.left, expr.right)
        if isinstance(expr, Member) and counts(expr.item):
            entries = self.constant("L", self._entries(expr.list_name, expr.values))
            return f"is_outside({self._plain(expr.item)}, {entries})"
        return f"not {self._test(expr)}"

    def _compared(self, op: str, left: Expr, right: Expr) -> str:
        left_source, right_source = self._plain(left), self._plain(right)
        if op in _CERTAINLY and (counts(left) or counts(right)):
            return f"{_CERTAINLY[op]}({left_source}, {right_source})"
        return f"({left_source} {op} {right_source})"

    def _is_among(self, item: Expr, list_name: str | None, values: Iterable[Any]) -> str:
        if isinstance(item, Ref) and item.kind == "keys" and item.target == VIDEO:
            return f"is_known_video({self._plain(item)}, {self.constant('L', self._listed(item, list_name, values))})"
        if item.type == "list":
            return f"among({self._plain(item)}, {self.constant('L', self._listed(item, list_name, values))})"
        return f"({self._plain(item)} in {self.constant('L', self._entries(list_name, values))})"

    def _listed(self, item: Expr, list_name: str | None, values: Iterable[Any]) -> Set[Any]:
        """The entries that the items of an event's list are looked up in: also as these are written."""
        written = CANONICAL.get(item.target) if isinstance(item, Ref) and item.kind == "keys" else None
        entries = self._entries(list_name, values)
        if written is None or isinstance(entries, LiveList):
            return entries
        return self._entries(None, {*entries, *(key for entry in entries for key in written(entry))})

    def _plain(self, expr: Expr) -> str:
        """Source for a value all of whose names are loaded and known."""
        match expr:
            case Constant(value=value):
                return repr(value)
            case Ref():
                return self.variable(expr)
            case Arithmetic(op=op, left=left, right=right):
                # In floating point: integers of any length would make division overflow. A bound stays one.
                first = f"({self._plain(left)} + 0.0)" if counts(left) else f"float({self._plain(left)})"
                return f"({first} {op} {self._plain(right)})"
            case Call(function=function):
                return self._answer(expr) if FUNCTIONS[function].may_fail else self._called(expr)
            case Search(subject=subject):
                return f"{self.constant('S', prepared(expr, self._phrases))}({self._plain(subject)})"
        raise AssertionError(f"no value for {expr}")  # the type checker lets no other value pass

    def _called(self, call: Call) -> str:
        """Source of a call."""
        arguments = [self._plain(part) for part in call.arguments]
        if call.function in _METHODS:
            return f"{arguments[0]}.{_METHODS[call.function]}({', '.join(arguments[1:])})"
        function = "readings" if call.function == "skeleton" and call.is_searched else call.function
        return f"{function}({', '.join(arguments)})"

    def _answer(self, call: Call) -> str:
        """The local variable that holds what a function has answered that may know no answer."""
        return self._answers.setdefault(id(call), (call, f"a{len(self._answers)}"))[1]
