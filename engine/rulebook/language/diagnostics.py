"""Every error at once, each with its position, the line it is on, a caret, and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from engine.errors import RulebookError

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source file: zero-based line and column, and how many characters it covers."""

    file: str
    line: int
    column: int
    width: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `hint` says what to write instead."""

    span: Span
    severity: Severity
    message: str
    hint: str | None = None


class Diagnostics:
    """Collects findings over a whole rulebook."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._lines = {file: text.splitlines() for file, text in sources.items()}
        self._findings: dict[Diagnostic, None] = {}
        self.tests_run = 0

    def error(self, span: Span, message: str, hint: str | None = None) -> None:
        """Something that keeps the rulebook from being used. One error at a place is enough."""
        if any(finding.span == span and finding.severity == "error" for finding in self._findings):
            return
        self._findings[Diagnostic(span, "error", message, hint)] = None

    def warning(self, span: Span, message: str, hint: str | None = None) -> None:
        """Something that is probably not meant."""
        self._findings[Diagnostic(span, "warning", message, hint)] = None

    @property
    def findings(self) -> list[Diagnostic]:
        """All findings, in the order of the source."""
        return sorted(self._findings, key=lambda d: (d.span.file, d.span.line, d.span.column, d.message))

    @property
    def errors(self) -> list[Diagnostic]:
        """The findings that keep the rulebook from being used."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def raise_on_errors(self) -> None:
        """Raise RulebookError with the whole report if there is any error."""
        if self.errors:
            raise RulebookError(self.report(), len(self.errors))

    def report(self) -> str:
        """All findings as text: `file:line:column: error: message`, the line, a caret, a hint."""
        return "\n".join(self._render(finding) for finding in self.findings)

    def _render(self, finding: Diagnostic) -> str:
        span = finding.span
        rendered = [f"{span.file}:{span.line + 1}:{span.column + 1}: {finding.severity}: {finding.message}"]
        lines = self._lines.get(span.file, [])
        if span.line < len(lines):
            line = lines[span.line]
            width = max(1, min(span.width, len(line) - span.column))
            number = f"{span.line + 1:>5}"
            rendered.append(f"{number} | {line}")
            rendered.append(f"{' ' * len(number)} | {' ' * span.column}{'^' * width}")
        if finding.hint:
            rendered.append(f"      = {finding.hint}")
        return "\n".join(rendered)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The closest of the known names, as a hint, or None."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else None
