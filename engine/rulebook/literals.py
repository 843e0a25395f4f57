"""An expression's text, made readable for Python's parser, and the way back to places in the file.

Python's parser has no `7d` and no `matches`, and a backslash means something else to it than to a
pattern. Stand-ins of the same length take their places, so that every column stays true.
"""

import ast
import re

from engine.rulebook.diagnostics import Span

MAX_DEPTH = 40

_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\bmatches\b|(?<![\w.])[0-9]+(?:\.[0-9]+)?[A-Za-z]+""")


class ExpressionText:
    """One expression as it was written, at a place in a file."""

    def __init__(self, text: str, span: Span) -> None:
        self.text, self.span = text, span
        self._lines = text.split("\n")
        self._literals: dict[tuple[int, int], str] = {}

    def parse(self) -> ast.expr | Span:
        """Python's tree of it, or the place where it stops being an expression."""
        try:
            return ast.parse("(" + _TOKEN.sub(self._stand_in, self.text) + "\n)", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line, column = getattr(error, "lineno", 1) or 1, getattr(error, "offset", 1) or 1
            if line > len(self._lines):  # it ends too early
                line, column = len(self._lines), len(self._lines[-1]) + (2 if len(self._lines) == 1 else 1)
            return self._place(line, column - 1, 1)

    def span_of(self, node: ast.expr) -> Span:
        """Where a node stands in the file."""
        column = self._column(node.lineno, node.col_offset)
        end = column + 1
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            end = self._column(node.lineno, node.end_col_offset)
        return self._place(node.lineno, column, max(1, end - column))

    def literal(self, node: ast.expr) -> str | None:
        """What a stand-in stands for: a quoted text with its quotes, or a number with its unit."""
        column = self._column(node.lineno, node.col_offset) - (node.lineno == 1)
        written = self._literals.get((node.lineno - 1, column))
        return written if written is not None and len(written) == self.span_of(node).width else None

    def _stand_in(self, match: re.Match[str]) -> str:
        token = match.group()
        if token == "matches":
            return "   @   "
        line = self.text.count("\n", 0, match.start())
        column = match.start() - (self.text.rfind("\n", 0, match.start()) + 1)
        self._literals[line, column] = token
        return f'"{"_" * (len(token) - 2)}"' if token[0] in "\"'" else "_" * len(token)

    def _column(self, line: int, byte_offset: int) -> int:
        text = ("(" if line == 1 else "") + (self._lines[line - 1] if line <= len(self._lines) else "")
        return len(text.encode()[:byte_offset].decode(errors="replace"))

    def _place(self, line: int, column: int, width: int) -> Span:
        span = self.span
        if line == 1:
            return Span(span.file, span.line, span.column + max(0, column - 1), width)
        return Span(span.file, span.line + line - 1, max(0, column), width)


def rooted_in_event(node: ast.expr) -> bool:
    """Whether a chain of attributes begins with `event`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "event"


def depth_of(node: ast.AST) -> int:
    """How deeply a tree is nested; the search stops a little beyond MAX_DEPTH."""
    deepest, stack = 0, [(node, 1)]
    while stack:
        current, depth = stack.pop()
        deepest = max(deepest, depth)
        if depth > MAX_DEPTH:
            break
        stack += [(child, depth + 1) for child in ast.iter_child_nodes(current)]
    return deepest
