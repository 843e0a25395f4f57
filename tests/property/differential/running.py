"""Runs a case, a rulebook and a stream, through the engine and through the reference, and compares them.

Each clause stands in rules of its own, so that all of its answers can be seen: `when: [c]` fires when it is true,
`unless: [c]` when it is false. The other rules have several clauses: whether they hold is compared, and the result of
each clause that their decisions explain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

import orjson

from engine.core.domain.decisions import Decision
from engine.core.domain.events import FieldMapping
from engine.core.domain.rules import Rulebook
from engine.core.kernel import hash64
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.settings import Settings
from engine.stream.offline.engine import Arrival, OfflineEngine
from tests.property.differential.description import Book, Expr, Rule, Sent, text_of
from tests.property.differential.reference import Moment, NotToldError, Reference

UserData = dict[str, list[tuple[str, bool | None]]]
"""By rule that holds, its clauses with their results."""

TRUE: Expr = ("const", True)
SEVERAL = "several_"
"""How the names of rules with several clauses begin."""


@dataclass(slots=True)
class Case:
    """A rulebook, clauses to be asked of it one by one, and a stream. `stored`: the events go through the workers, each
    by itself, and all records through their bytes; else they stay in memory."""

    book: Book
    clauses: list[Expr]
    stream: list[Sent]
    stored: bool = False

    def rulebook(self) -> Book:
        """The rulebook with rules for each clause."""
        made = replace(self.book, rules=dict(self.book.rules))
        for number, clause in enumerate(self.clauses):
            made.rules[f"true_{number}"] = Rule(("any",), when=(clause,))
            made.rules[f"false_{number}"] = Rule(("any",), when=(TRUE,), unless=(clause,))
        return made


class Difference(NamedTuple):
    """Where the engine gives another answer than the reference. `known`: it is right where what cannot be read counts
    as if it were not there."""

    place: int
    asked: str
    answer: Any
    right: str
    known: bool


@dataclass(slots=True)
class Outcome:
    """What came of a case. `compared`: pairs of an event and a clause or rule; `answers`: how often each one was given;
    `untold`: those of which the reference cannot tell."""

    differences: list[Difference] = field(default_factory=list)
    compared: int = 0
    untold: int = 0
    answers: dict[bool | None, int] = field(default_factory=dict)


def run(case: Case, against: Case | None = None) -> Outcome:
    """Compare all answers. `against`: what the reference evaluates instead of the same."""
    book, outcome = case.rulebook(), Outcome()
    rulebook = load_rulebook({"rules.yaml": book.yaml()})
    found = _stored(rulebook, case.stream) if case.stored else _in_memory(rulebook, case.stream)
    right = book if against is None else against.rulebook()
    references = (Reference(right, warms=case.stored), Reference(right, doubts=False, warms=case.stored))
    for place, (sent, held) in enumerate(zip(case.stream, found, strict=True)):
        moments = [moment for one in references if (moment := one.take(sent)) is not None]
        if not moments:
            if held:
                outcome.differences.append(Difference(place, "an event that was sent again", sorted(held), "{}", False))
            continue
        for number, clause in enumerate(case.clauses):
            answer = True if f"true_{number}" in held else False if f"false_{number}" in held else None
            _compare(outcome, place, text_of(clause), answer, [_answers(moment, clause) for moment in moments])
        for name, rule in case.book.rules.items():
            if {"any", moments[0].fields["type"]} & set(rule.events):
                _compare(outcome, place, f"rule {name}", name in held, [_holds(moment, rule) for moment in moments])
            for at, (_, result) in enumerate(held.get(name, [])):
                clause = rule.clauses()[at]
                explained = ("not", clause) if at >= len(rule.when) + len(rule.any) else clause
                told = [_answers(moment, explained) for moment in moments]
                _compare(outcome, place, f"rule {name}, clause {text_of(explained)}", result, told)
    return outcome


def _compare(
    outcome: Outcome, place: int, asked: str, answer: bool | None, right: list[frozenset[bool | None] | None]
) -> None:
    if right[0] is None:
        outcome.untold += 1
        return
    outcome.compared += 1
    outcome.answers[answer] = outcome.answers.get(answer, 0) + 1
    if answer not in right[0]:
        known = right[1] is None or answer in right[1]
        outcome.differences.append(Difference(place, asked, answer, " or ".join(map(str, right[0])), known))


def _answers(moment: Moment, clause: Expr) -> frozenset[bool | None] | None:
    try:
        return moment.answers(clause)
    except NotToldError:
        return None


def _holds(moment: Moment, rule: Rule) -> frozenset[bool | None] | None:
    """Whether all of `when`, one of `any` and none of `unless` are so for certain."""
    each = [_answers(moment, clause) for clause in rule.clauses()]
    told = [one for one in each if one is not None]
    if len(told) < len(each):
        return None
    first, second = len(rule.when), len(rule.when) + len(rule.any)
    return frozenset(
        all(one is True for one in results[:first])
        and (not rule.any or any(one is True for one in results[first:second]))
        and all(one is False for one in results[second:])
        for results in product(*told)
    )


# -- the engine -----------------------------------------------------------------------------------


def _in_memory(rulebook: Rulebook, stream: list[Sent]) -> Iterator[UserData]:
    stage, mapping = ExampleStage(rulebook, {}), FieldMapping()
    for sent in stream:
        written = sent.written()
        event = mapping.read(orjson.loads(written), sent.arrived_ms, content=hash64(written))
        yield _traces(stage.send(event))


def _traces(decisions: list[Decision]) -> UserData:
    return {
        hit.rule: [(clause.text, clause.result) for clause in hit.clauses]
        for decision in decisions
        for hit in decision.hits
    }


def _stored(rulebook: Rulebook, stream: list[Sent]) -> Iterator[UserData]:
    settings = Settings()
    engine = OfflineEngine(rulebook, settings)
    for sent in stream:
        arrival = Arrival("event", sent.arrived_ms, sent.written().encode(), sent.arrived_ms)
        held: UserData = {}
        for message in engine.run([arrival]):
            if message.topic == settings.topics.decisions:
                hits: list[Mapping[str, Any]] = orjson.loads(message.value)["hits"]
                held |= {hit["rule"]: [(one["text"], one["result"]) for one in hit["clauses"]] for hit in hits}
        yield held
