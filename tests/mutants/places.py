"""Where one sign of a source can be flipped: a comparison, a plus or a minus, a boolean.

Left alone is what decides nothing, or nothing that a test could ask for: types, texts, what is logged, the options of
classes and decorators, and `zip`'s `strict`.
"""

import ast
import io
import tokenize
from dataclasses import dataclass
from itertools import pairwise

FLIPS = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",),
    "is": ("is not",), "is not": ("is",), "in": ("not in",), "not in": ("in",), "and": ("or",), "or": ("and",),
    "not": ("",), "True": ("False",), "False": ("True",), "+": ("-",), "-": ("+",), "+=": ("-=",), "-=": ("+=",),
}  # fmt: skip
"""What stands for what: a comparison's neighbour at the boundary, and its opposite."""

_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_JOINED = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One flip. `first` and `last`: the lines of the expression around it; `called`: whether a call runs it, and not
    the import of its module."""

    path: str
    line: int
    column: int
    old: str
    new: str
    text: str
    first: int
    last: int
    called: bool

    @property
    def changed(self) -> str:
        """The line as the flip leaves it."""
        end = self.column + len(self.old)
        rest = self.text[end:] if self.new else self.text[end:].lstrip()
        return self.text[: self.column] + self.new + rest

    @property
    def where(self) -> str:
        """For people."""
        return f"{self.path}:{self.line}"

    @property
    def diff(self) -> str:
        """The line before and after."""
        return f"- {self.text.strip()}\n+ {self.changed.strip()}"


def find_mutations(path: str, source: str) -> list[Mutation]:
    """All flips of a source, in the order of its text."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda one: (one.line, one.column, one.new))


def apply(source: str, mutations: list[Mutation]) -> str:
    """The source with some of its lines flipped; no two flips of one line."""
    lines = source.split("\n")
    for one in mutations:
        lines[one.line - 1] = one.changed
    return "\n".join(lines)


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: str) -> None:
        self._path, self._lines = path, source.split("\n")
        words = (tokenize.NAME, tokenize.OP)
        read = tokenize.generate_tokens(io.StringIO(source).readline)
        self._tokens = [token for token in read if token.type in words and token.string not in "()"]
        self._span: tuple[int, int] | None = None
        self._called = False
        self.found: list[Mutation] = []

    def visit(self, node: ast.AST) -> None:
        if not isinstance(node, ast.expr) or self._span is not None:
            super().visit(node)
            return
        self._span = node.lineno, node.end_lineno or node.lineno
        super().visit(node)
        self._span = None

    def visit_all(self, nodes: list[ast.stmt] | list[ast.expr] | list[ast.expr | None]) -> None:
        """Each of them, where there is one."""
        for node in nodes:
            if node is not None:
                self.visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_all([*node.args.defaults, *node.args.kw_defaults])
        before, self._called = self._called, True
        self.visit_all(node.body)
        self._called = before

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        before, self._called = self._called, True
        self.visit(node.body)
        self._called = before

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all(node.body)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            self.visit_all(node.orelse)
        else:
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id == "__slots__" for target in node.targets):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit_all([node.value])

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """A text for people; and its parts have no places of their own before Python 3.12."""

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _LEVELS:
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if name.endswith("log"):
                return
        zipped = isinstance(node.func, ast.Name) and node.func.id == "zip"
        self.visit_all([node.func, *node.args, *(one.value for one in node.keywords if not zipped)])

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, right in pairwise(operands):
            self._between(left, right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in pairwise(node.values):
            self._between(left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not (_is_joined(node.left) or _is_joined(node.right)):
            self._between(node.left, node.right)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if not _is_joined(node.value):
            self._span = node.lineno, node.end_lineno or node.lineno
            self._between(node.target, node.value)
            self._span = None
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self._flip(node.lineno, self._column(node.lineno, node.col_offset),
                       "not" if isinstance(node.op, ast.Not) else "-")  # fmt: skip
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if node.value is True or node.value is False:
            self._flip(node.lineno, self._column(node.lineno, node.col_offset), str(node.value))

    def _between(self, left: ast.expr, right: ast.expr) -> None:
        assert left.end_lineno is not None and left.end_col_offset is not None
        begin = left.end_lineno, self._column(left.end_lineno, left.end_col_offset)
        end = right.lineno, self._column(right.lineno, right.col_offset)
        signs = [token for token in self._tokens if begin <= token.start and token.end <= end]
        old = " ".join(token.string for token in signs)
        if signs and self._lines[signs[0].start[0] - 1].startswith(old, signs[0].start[1]):
            self._flip(*signs[0].start, old)

    def _flip(self, line: int, column: int, old: str) -> None:
        first, last = self._span or (line, line)
        text = self._lines[line - 1]
        for new in FLIPS.get(old, ()):
            self.found.append(Mutation(self._path, line, column, old, new, text, first, last, self._called))

    def _column(self, line: int, bytes_before: int) -> int:
        """The parser counts bytes, the tokenizer characters."""
        return len(self._lines[line - 1].encode()[:bytes_before].decode())


def _is_joined(node: ast.expr) -> bool:
    """Whether a plus here puts texts or lists together, as far as the source shows."""
    if isinstance(node, ast.BinOp):
        return _is_joined(node.left) or _is_joined(node.right)
    return isinstance(node, _JOINED) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
