"""Writes how sequences are read, and says which events are waited upon."""

from collections.abc import Collection, Mapping

from engine.core.domain.counters import Counter
from engine.core.domain.follow_ups import absence_type
from engine.core.domain.programs import Absence, Invalid
from engine.core.domain.rules import ANY_EVENT
from engine.core.series.sequences import Plan
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.ordered import SequenceDeclaration


def completing(scope: Scope, sequence: SequenceDeclaration, counters: Mapping[str, Counter]) -> str:
    """Source text that tells of the entity at hand whether a sequence has been completed."""
    steps = tuple([(counters[name].series_key, many) for name, many in sequence.steps])
    without = counters[sequence.without].series_key if sequence.without is not None else None
    plan = Plan(steps, without, sequence.within_ms)
    return f"completed(s.counts, now, {scope.constant('P', plan)})"


def sequences_asked(declared: Declarations, names: Collection[str]) -> list[SequenceDeclaration]:
    """The sequences of these names, in the order of their declaration."""
    return [sequence for name, sequence in declared.sequences.items() if name in names]


def find_absences(
    declared: Declarations,
    counters: Mapping[str, Counter],
    taken_along: Mapping[str, tuple[str, ...]],
    invalid: Invalid,
) -> dict[str, Absence]:
    """What is waited for, by the type of the follow-up. `taken_along`: what follow-ups take along that are asked for:
    for no others anything is waited for; `invalid` tells which fields are not what they should be."""
    absences = {}
    for name, declared_as in declared.absences.items():
        kind = absence_type(name)
        if kind in taken_along:
            after, none = counters[declared_as.after].series_key, counters[declared_as.none].series_key
            absences[kind] = Absence(kind, declared_as.within_ms, after, none, taken_along[kind], invalid)
    return absences


def absences_after(declared: Declarations, absences: Mapping[str, Absence], event_type: str) -> tuple[Absence, ...]:
    """What is waited for from an event of this type on."""
    after = {absence_type(each.name): declared.counters[each.after].of for each in declared.absences.values()}
    return tuple([each for kind, each in absences.items() if event_type in after[kind] or ANY_EVENT in after[kind]])
