"""A rulebook that also tells what every signal is, at each event: for those who look at data.

The signals are read by a rule of their own, in shadow, which always holds. So they are what rules see: on the same
functions, with the same bounds, at the same time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.rules import ANY_EVENT, ModelSpec, Rule, Rulebook
from engine.core.values.hashing import hash32
from engine.core.values.identity import EVENT_TIME, IDENTITY_FIELDS
from engine.core.values.lists import Conceal
from engine.rulebook.compiler import load_rulebook, read_directory
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Constant, Expr, Logical, Ref, Type
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.rules import Clause, RuleDeclaration

OBSERVED = "observed signals"
"""The rule's name: none in a file can have it."""

_SPAN = Span("", 0, 0)
_SAID_ANYWAY = (*IDENTITY_FIELDS, EVENT_TIME)
_NO_SIGNALS = ("params.", "rule.")
"""Constants, and what rules make of signals."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A rulebook with the rule that observes, and the types of the signals by name."""

    rulebook: Rulebook
    signals: Mapping[str, Type]


def observe(
    source: Path | Mapping[str, str], conceal: Conceal | None = None, event_type: str | None = None,
    model: str | None = None,
) -> Observed:  # fmt: skip
    """Compile a rulebook that observes all signals, or those that a model reads; at all events, or at those of a type.
    `conceal`: what gives people pseudonyms, where they have some. Raises RulebookError."""
    sources = read_directory(source) if isinstance(source, Path) else source
    signals: dict[str, Type] = {}

    def further(declared: Declarations, models: Mapping[str, ModelSpec]) -> list[RuleDeclaration]:
        names = _declared(declared) if model is None else []
        if model is not None and model not in models:
            known = ", ".join(models) or "none"
            declared.diagnostics.error(_SPAN, f'there is no model "{model}"', f"the rulebook has: {known}")
        read = [spec for name, spec in models.items() if model in (None, name)]
        names += [name for spec in read for name in (*spec.numbers, *spec.texts, *spec.categories)]
        refs = [ref for name in dict.fromkeys(names) if (ref := declared.resolve(name, _SPAN)) is not None]
        signals.update((ref.written, ref.type) for ref in refs if ref.target not in _SAID_ANYWAY)
        return [_observing((ref for ref in refs if ref.written in signals), event_type or ANY_EVENT)]

    return Observed(load_rulebook(sources, conceal, further), signals)


def _declared(declared: Declarations) -> list[str]:
    """All that has a value at an event."""
    counters = (name for name in declared.counters if " " not in name)  # others are parts of something else
    names = [*declared.fields, *declared.values, *declared.memories, *counters, *declared.sequences]
    return names + [name for name in declared.derived if not name.startswith(_NO_SIGNALS)]


def _observing(refs: Iterable[Ref], event_type: str) -> RuleDeclaration:
    """A rule that always holds and names them all: raw, since what is of any type is told as it is."""
    raw: list[Expr] = [replace(ref, type="any") for ref in refs]
    always = Logical(_SPAN, "bool", "or", [Constant(_SPAN, "bool", True), *raw])
    rule = Rule(
        name=OBSERVED, key=hash32(f"rule {OBSERVED}"), events=(event_type,), clauses=(OBSERVED,),
        then=ActionTemplate(kind="flag", scope=None, for_ms=None, target="user", path="user_id"), cooldown_ms=0,
        mode="shadow", reason=OBSERVED, meta={},
    )  # fmt: skip
    return RuleDeclaration(rule=rule, span=_SPAN, rests_at=_SPAN, when=[Clause(OBSERVED, always)])
