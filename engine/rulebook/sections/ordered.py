"""Sequences as they were written, by the counters that they are made of."""

from dataclasses import dataclass

from engine.rulebook.language.diagnostics import Span


@dataclass(frozen=True, slots=True)
class SequenceDeclaration:
    """Steps in an order. `steps`: the counter of each, and how many of its events make it; `without`: the counter of
    what may not lie in between."""

    name: str
    span: Span
    by: str
    within_ms: int
    steps: tuple[tuple[str, int], ...]
    without: str | None

    def counters(self) -> list[str]:
        """All that it is made of."""
        return [*(counter for counter, _ in self.steps), *([self.without] if self.without is not None else [])]


@dataclass(frozen=True, slots=True)
class AbsenceDeclaration:
    """Events after which something did not come: the counters of both."""

    name: str
    span: Span
    within_ms: int
    after: str
    none: str
