"""Whether event types are spelt alike wherever they stand: one that nothing else knows may be a slip."""

from collections import Counter
from collections.abc import Iterable, Iterator

from engine.core.domain.follow_ups import internal_type, is_follow_up
from engine.core.domain.rules import ANY_EVENT
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.rules import RuleDeclaration, given_of, steps_of

_LEAST_CHARS = 4


def check_event_types(made: Declarations, rules: Iterable[RuleDeclaration]) -> None:
    """Warn of a type that stands in one place alone and is a slip away from another."""
    uses = list(_uses(made, rules))
    counts = Counter(kind for kind, _, _ in uses)
    heard = {kind for kind, _, is_rule in uses if is_rule}
    for kind, span, is_rule in uses:
        if counts[kind] > 1 or kind == ANY_EVENT or len(kind) < _LEAST_CHARS or is_follow_up(kind):
            continue
        others = [other for other in counts if other != kind and is_a_slip_away(kind, other)]
        # Of two that stand in one place each, the rule's is taken for the right one.
        better = [other for other in others if counts[other] > 1 or (not is_rule and other in heard)]
        if better:
            message = f'nothing else knows events of type "{kind}"'
            made.diagnostics.warning(span, message, f'did you mean "{max(better, key=lambda other: counts[other])}"?')


def _uses(made: Declarations, rules: Iterable[RuleDeclaration]) -> Iterator[tuple[str, Span, bool]]:
    """Each type, where it stands, and whether a rule is about it."""
    for counter in made.counters.values():
        yield from ((kind, made.type_spans.get((counter.name, kind), counter.span), False) for kind in counter.of)
    for memory in made.memories.values():
        yield from ((kind, made.type_spans.get((memory.name, kind), memory.span), False) for kind in memory.of)
    for name, cluster in made.clusters.items():
        yield from ((kind, made.spans.get(f"clusters.{name}", Span("", 0, 0)), False) for kind in cluster.of)
    for rule in rules:
        yield from (
            (kind, made.type_spans.get((f"rules.{rule.rule.name}", kind), rule.span), True) for kind in rule.rule.events
        )
        for test in rule.tests:
            for sent in (
                step.entries.get("send") for step in (*given_of(test), *steps_of(test)) if step.entries is not None
            ):
                kind = (sent.entries or {}).get("type") if sent is not None else None
                if kind is not None and kind.text:
                    yield internal_type(kind.text), kind.span, False


def is_a_slip_away(word: str, other: str) -> bool:
    """Whether two words differ by one letter: added, dropped, replaced, or swapped with the next."""
    if abs(len(word) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    a, b = word[start:], other[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
