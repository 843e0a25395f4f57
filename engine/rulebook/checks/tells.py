"""Whether what users are told is known where a rule is decided, and may be told at all."""

from collections.abc import Iterable

from engine.core.domain.kinds import described
from engine.core.domain.rules import USER
from engine.rulebook.sections.dependencies import Dependencies, reached
from engine.rulebook.sections.rules import RuleDeclaration


def check_tells(rules: Iterable[RuleDeclaration], needs: Dependencies) -> None:
    """Report the texts that name a score, or a counter of an entity that the rule's clauses do not count by: an event
    travels to none only for the sake of a text."""
    report = needs.declared.diagnostics
    for rule in rules:
        counted = {USER}.union(*(needs.kinds(clause) for clause in rule.all_clauses()))
        for ref in rule.told:
            behind = list(reached(needs.declared, ref))
            kinds = {needs.counters[one.target].read_at for one in behind if one.kind == "counter"} - counted
            if any(one.kind == "score" for one in behind):
                message = f"`{ref.written}` is or reads a score: what a model thinks is told to nobody"
                report.error(ref.span, message, "tell a field or a counter")
            elif kinds:
                counted_by = ", ".join(map(described, sorted(kinds)))
                message = f"`{ref.written}` is counted by {counted_by}, and no clause of the rule is"
                report.error(ref.span, message, "name what the rule counts by, or the user")
