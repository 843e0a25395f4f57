"""An expression's text, made readable for Python's parser, and the way back to places in the file.

Python's parser has no `7d` and no `matches`, and a backslash means something else to it than to a
pattern. Stand-ins of the same length take their places, so that every column stays true.
"""

import ast
import re
from keyword import kwlist

from engine.rulebook.language.diagnostics import Span

MAX_DEPTH = 40

_OURS = frozenset(("and", "or", "not", "in", "is", "if", "else", "for", "lambda", "True", "False", "None"))
_NAMES = "|".join(sorted({*kwlist} - _OURS))
_TOKEN = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\bmatches\b|(?<![\w.])[0-9]+(?:\.[0-9]+)?[A-Za-z][A-Za-z0-9]*"""
    rf"|\b(?:{_NAMES})\b"
)
_FOREIGN = re.compile(r"[@#;`\\$!](?!=)")
"""What Python's parser would take for something that this language does not have."""


_WIDER = 0xFEE0
"""How far the wide form of a letter lies behind it."""


class ExpressionText:
    """One expression as it was written, at a place in a file."""

    def __init__(self, text: str, span: Span, exact: bool) -> None:
        self.text, self.span, self._exact = text, span, exact
        self._literals: dict[tuple[int, int], str] = {}
        self._source = _TOKEN.sub(self._stand_in, text)
        self._lines = self._source.split("\n")

    def parse(self) -> ast.expr | Span:
        """Python's tree of it, or the place where it stops being an expression."""
        stray = self._stray()
        if stray is not None:
            return self._place(stray[0], stray[1] + (stray[0] == 1), 1)
        try:
            return ast.parse("(" + self._source + "\n)", mode="eval").body
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

    def place(self, at: int, width: int) -> Span:
        """Where some characters of the text stand in the file."""
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1)
        return self._place(line, column + (line == 1), width)

    def literal(self, node: ast.expr) -> str | None:
        """What a stand-in stands for: a quoted text with its quotes, or a number with its unit."""
        column = self._column(node.lineno, node.col_offset) - (node.lineno == 1)
        written = self._literals.get((node.lineno - 1, column))
        end = self._column(node.lineno, node.end_col_offset or 0) - (node.lineno == 1)
        return written if written is not None and len(written) == end - column else None

    def _stand_in(self, match: re.Match[str]) -> str:
        token = match.group()
        if token == "matches":
            return "   @   "
        if token in kwlist:  # a name such as `from`: Python takes wide letters for letters, and for no word of its own
            return chr(ord(token[0]) + _WIDER) + token[1:]
        line = self.text.count("\n", 0, match.start())
        column = match.start() - (self.text.rfind("\n", 0, match.start()) + 1)
        self._literals[line, column] = token
        return f'"{"_" * (len(token) - 2)}"' if token[0] in "\"'" else "_" * len(token)

    def _column(self, line: int, byte_offset: int) -> int:
        text = ("(" if line == 1 else "") + (self._lines[line - 1] if line <= len(self._lines) else "")
        return len(text.encode()[:byte_offset].decode(errors="replace"))

    def _stray(self) -> tuple[int, int] | None:
        """Line and column of a character that does not belong here, or of a bracket that closes nothing."""
        bare = _TOKEN.sub(lambda token: " " * len(token.group()), self.text)
        depth, at = 0, -1
        for index, character in enumerate(bare):
            depth += (character in "([{") - (character in ")]}")
            if depth < 0:
                at = index
                break
        foreign = _FOREIGN.search(bare)
        if at < 0 and foreign is None:
            return None
        at = min([index for index in (at, foreign.start() if foreign else -1) if index >= 0])
        return self.text.count("\n", 0, at) + 1, at - (self.text.rfind("\n", 0, at) + 1)

    def _place(self, line: int, column: int, width: int) -> Span:
        span = self.span
        if not self._exact:
            return span  # written over several lines or with escapes: point at the whole
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
