"""Whether follow-ups that counters and rules ask about can be: of rules that are there, and of none that asks about
itself.

A rule asks about another where it is about its hits, or reads a counter of them. Were it in a circle of such questions,
its own hits would make it hold again and again.
"""

import re
from collections.abc import Iterable, Mapping

from engine.core.domain.follow_ups import (
    absence_met,
    hit_type,
    is_follow_up,
    is_of_decision,
    is_withdrawn,
    rule_met,
    written_type,
)
from engine.rulebook.language.diagnostics import Span, did_you_mean
from engine.rulebook.language.rule_schema import ACTION_KINDS
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import reached
from engine.rulebook.sections.rules import RuleDeclaration

_ANY = "any"
_SINGULAR = {"labels": "label", "label": "label", "hits": "hit", "hit": "hit", "actions": "action", "action": "action"}
_MEANT = re.compile(rf"(?P<kind>{'|'.join(_SINGULAR)})\.(?P<of>\w+)")
_WORDS = "the engine's own are label.spam, label.ham, hit.RULE, shadow.RULE, action.KIND, action.any"


def check_follow_ups(made: Declarations, rules: list[RuleDeclaration]) -> None:
    """Report types of follow-ups that cannot be, and circles."""
    names = {rule.rule.name for rule in rules}
    for name, counter in made.counters.items():
        if any(map(is_follow_up, counter.of)) and counter.approx:
            made.diagnostics.error(counter.span, f"`{name}` counts what may be taken back", "leave out `approx`")
        for kind in counter.of:
            _check_type(made, names, kind, made.type_spans.get((name, kind), counter.span))
    for name, memory in made.memories.items():
        for kind in memory.of:
            span = made.type_spans.get((name, kind), memory.span)
            _check_type(made, names, kind, span)
            if is_withdrawn(kind):
                made.diagnostics.error(span, f"`{name}` would remember what may be taken back", "count it instead")
    for rule in rules:
        for kind in rule.rule.events:
            span = made.type_spans.get((f"rules.{rule.rule.name}", kind), rule.span)
            _check_type(made, names, kind, span)
            if kind.startswith("@action."):
                made.diagnostics.error(span, "a rule cannot be about actions: its own would be among them",
                                       "write hit.x, with the name of a rule")  # fmt: skip
        if any(map(is_follow_up, rule.rule.events)):
            _check_rule(made, rule)
    _warn_of_shadows(made, rules)
    if not made.diagnostics.errors:
        _check_circles(made, rules)


def _check_type(made: Declarations, rules: Iterable[str], kind: str, span: Span) -> None:
    meant = _MEANT.fullmatch(kind)
    if meant is not None:
        word = f"{_SINGULAR[meant['kind']]}.{meant['of']}"
        made.diagnostics.warning(span, f'"{kind}" is a type of a producer\'s', f"is `{word}` meant? {_WORDS}")
    rule = rule_met(kind)
    if rule is not None and rule not in rules:
        hint = did_you_mean(rule, rules) or "it has to be a rule of this rulebook"
        made.diagnostics.error(span, f'`{written_type(kind)}` is about the hits of "{rule}", which is no rule', hint)
    sequence = absence_met(kind)
    if sequence is not None and sequence not in made.absences:
        known = [f"absent.{name}" for name in made.absences]
        hint = did_you_mean(written_type(kind), known) or f"declare it: {sequence}: {{after: …, none: …, within: 24h}}"
        if sequence in made.sequences:
            hint = f"`{sequence}` has steps: ask about it in a clause"
        made.diagnostics.error(span, f"`{written_type(kind)}` is about no sequence with `after` and `none`", hint)
    if kind.startswith("@action.") and kind.removeprefix("@action.") not in (*ACTION_KINDS, _ANY):
        known = [f"action.{each}" for each in (_ANY, *ACTION_KINDS)]
        hint = did_you_mean(written_type(kind), known) or f"one of: {', '.join(known)}"
        made.diagnostics.error(span, f"there is no action `{written_type(kind)}`", hint)


def _warn_of_shadows(made: Declarations, rules: Iterable[RuleDeclaration]) -> None:
    """Hits of a rule in shadow are told apart: a counter of the others stays at 0."""
    shadows = {hit_type(rule.rule.name, is_shadow=False): rule.rule.name for rule in rules if _is_in_shadow(rule)}
    for counter in made.counters.values():
        if counter.of and all(kind in shadows for kind in counter.of):
            rule = shadows[counter.of[0]]
            if counter.name.startswith("marked."):
                message, hint = (
                    f"`{counter.name}` is false while rule `{rule}` is in shadow",
                    "what is in shadow marks nobody",
                )
            else:
                message = f"`{counter.name}` stays at 0 while rule `{rule}` is in shadow"
                hint = f"shadow.{rule} counts what a rule meets in shadow"
            made.diagnostics.warning(counter.span, message, hint)


def _is_in_shadow(rule: RuleDeclaration) -> bool:
    return rule.rule.mode == "shadow" and not rule.rule.plan


def _check_rule(made: Declarations, rule: RuleDeclaration) -> None:
    """What rules about follow-ups cannot do."""
    for clause in rule.all_clauses():
        for ref in reached(made, clause.expr):
            if ref.kind == "score":
                message = f"models score events, and no {written_type(rule.rule.events[0])}"
                made.diagnostics.error(ref.span, message, "ask about the score in a rule of the event's own type")


def _check_circles(made: Declarations, rules: list[RuleDeclaration]) -> None:
    asked = {rule.rule.name: _asked(made, rule) for rule in rules}
    spans = {rule.rule.name: rule.span for rule in rules}
    for name in asked:
        circle = _circle(asked, name)
        if circle is not None and name == min(circle):
            told = " → ".join([*circle, circle[0]])
            message = f"rule `{name}` asks about its own hits: {told}"
            made.diagnostics.error(spans[name], message, "count other rules' hits, or use a ladder")


def _asked(made: Declarations, rule: RuleDeclaration) -> set[str]:
    """The rules whose hits a rule asks about."""
    kinds = set(rule.rule.events)
    for clause in rule.all_clauses():
        for ref in reached(made, clause.expr):
            if ref.kind == "counter":
                kinds |= set(made.counters[ref.target].of)
    return {met for kind in kinds if is_of_decision(kind) and (met := rule_met(kind)) is not None}


def _circle(asked: Mapping[str, set[str]], start: str) -> list[str] | None:
    """A way from a rule back to itself, if there is one."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in sorted(asked.get(way[-1], ())):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return None
