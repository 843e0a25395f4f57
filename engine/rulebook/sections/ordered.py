"""Sequences and outcomes as they were written, by the counters that they are made of."""

from dataclasses import dataclass

from engine.core.domain.outcomes import Otherwise
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Expr


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


@dataclass(frozen=True, slots=True)
class OutcomeDeclaration:
    """What may come of an event. `after` and `comes`: the types of events; `counters`: of both, at their user; `value`:
    what those that come say, and how that was written."""

    name: str
    span: Span
    after: tuple[str, ...]
    comes: tuple[str, ...]
    by: str
    from_ms: int
    until_ms: int
    otherwise: Otherwise
    counters: tuple[str, str]
    value: Expr | None
    value_text: str | None
