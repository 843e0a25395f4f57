"""Why a rule's test fails: what the rule's clauses were at an event, with the values that they read."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from engine.core.domain.decisions import ClauseTrace, explain, points_text
from engine.core.domain.programs import AskModel, Decider, ModelNumbers, Program, Readings
from engine.core.domain.rules import Rulebook

Clauses = tuple[ClauseTrace, ...]

_MAX_LISTED = 4


class Witness:
    """Notes one rule's clauses whenever it is decided, whether it holds or not. `rulebook`: the one to play."""

    def __init__(self, rulebook: Rulebook, rule: str) -> None:
        self._index = next(index for index, candidate in enumerate(rulebook.rules) if candidate.name == rule)
        self._noted: list[Clauses] = []
        programs = {event_type: self._watched(program) for event_type, program in rulebook.programs.items()}
        self.rulebook = replace(rulebook, programs=programs)

    def take(self) -> list[Clauses]:
        """What was noted since the last call: several times where an event names several entities."""
        noted, self._noted = self._noted, []
        return noted

    def _watched(self, program: Program) -> Program:
        routing = program.routing
        if routing is not None:
            routing = replace(routing, decider=self._noting(routing.decider))
        return replace(program, decider=self._noting(program.decider), routing=routing)

    def _noting(self, decider: Decider) -> Decider:
        def decide(fields: dict[str, Any], readings: Readings, now: int, ask: AskModel) -> list[int]:
            scores: dict[str, float | None] = {}

            def note_score(model: str, numbers: ModelNumbers) -> float | None:
                scores[model] = score = ask(model, numbers)
                return score

            held = decider.decide(fields, readings, now, note_score)
            clauses, _ = decider.explain(self._index, fields, readings, now, scores)
            if clauses:
                self._noted.append(clauses)
            return held

        return replace(decider, decide=decide)


def tell_failure(event: int, event_type: str, noted: list[Clauses], effects: Collection[str], fires: bool) -> str:
    """Why a rule fires at an event (`fires`), or does not: in one sentence."""
    if not noted:
        return f"at event {event}: the rule is not asked about the type `{event_type}`"
    nearest = min(noted, key=lambda clauses: sum(clause.result is not True for clause in clauses))
    if fires:
        return f"at event {event}: {explain(nearest, None)}"
    if effects:
        return f"at event {event}: all its clauses hold, and what came of it is `{', '.join(sorted(effects))}`"
    wrong = [_clause_text(clause) for clause in nearest if clause.result is not True]
    more = f", and {len(wrong) - _MAX_LISTED} more" if len(wrong) > _MAX_LISTED else ""
    return f"at event {event}: {', '.join(wrong[:_MAX_LISTED])}{more}"


def _clause_text(clause: ClauseTrace) -> str:
    missing = [name for name, value in clause.values.items() if value is None]
    if clause.result is None and missing:
        return f"`{clause.text}` is unknown, as {' and '.join(missing)} {'are' if missing[1:] else 'is'} not there"
    read = clause.values.items()
    values = ", ".join(f"{name} = {_value(value)}{points_text(clause, name)}" for name, value in read)
    return f"`{clause.text}` is {'unknown' if clause.result is None else 'false'}" + (f" ({values})" if values else "")


def _value(value: Any) -> str:
    if type(value) is float:
        return f"{value:.6g}"
    return repr(value) if type(value) is str else "not known" if value is None else str(value)
