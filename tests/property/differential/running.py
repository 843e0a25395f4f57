"""Runs a case, a rulebook and a stream, through the engine and through the reference, and compares them.

Each clause stands in rules of its own, so that all of its answers can be seen: `when: [c]` fires when it is true,
`unless: [c]` when it is false. The other rules have several clauses: whether they hold is compared, and the result of
each clause that their decisions explain.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from engine.core.domain.decisions import Decision
from engine.core.domain.events import FieldMapping
from engine.core.domain.rules import Rulebook
from engine.core.kernel import hash64
from engine.reference.recorded import RecordedRow, RecordedTables
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.property.differential.description import (
    Absence,
    Arriving,
    Book,
    Deed,
    Expr,
    Labelled,
    Rule,
    Sent,
    is_among,
    milliseconds,
    text_of,
)
from tests.property.differential.history import History, Told
from tests.property.differential.reference import Moment


class Done(NamedTuple):
    """An action."""

    kind: str
    scope: str | None
    target_type: str
    target_id: str
    for_ms: int | None


class Hit(NamedTuple):
    """The clauses of a rule that holds, with their results, and what it does."""

    clauses: list[tuple[str, bool | None]]
    done: list[Done]


UserData = dict[tuple[str, str], Hit]
"""Hits by rule, and by the event that it holds for."""

Did = Mapping[tuple[str, str], list[tuple[Deed, str]] | None]
"""What rules did to events, as the reference has it."""

TRUE: Expr = ("const", True)
SEVERAL = "several_"
"""How the names of rules with several clauses begin."""


@dataclass(slots=True)
class Case:
    """A rulebook, clauses to be asked of it one by one, and a stream. `stored`: the events go through the workers, each
    by itself, and all records through their bytes; else they stay in memory, if they are all that arrives."""

    book: Book
    clauses: list[Expr]
    stream: list[Arriving]
    stored: bool = False

    @property
    def is_stored(self) -> bool:
        """Whether it goes through the workers: nothing else knows labels and revocations, tables,
        and that time passes."""
        waits = any(isinstance(one, Absence) for one in self.book.sequences.values())
        return self.stored or waits or bool(self.book.tables) or not all(isinstance(one, Sent) for one in self.stream)

    def rulebook(self) -> Book:
        """The rulebook with rules for each clause. Where actions are counted, these do not act."""
        made = replace(self.book, rules=dict(self.book.rules))
        is_shadow = any(kind.startswith("action.") for one in self.book.counters.values() for kind in one.of)
        for number, clause in enumerate(self.clauses):
            made.rules[f"true_{number}"] = Rule(("any",), when=(clause,), is_shadow=is_shadow)
            made.rules[f"false_{number}"] = Rule(("any",), (TRUE,), unless=(clause,), is_shadow=is_shadow)
        return made


class Difference(NamedTuple):
    """Where the engine gives another answer than the reference. `known`: it is right where what cannot be read counts
    as if it were not there."""

    place: int
    asked: str
    answer: Any
    right: str
    known: bool


class Question(NamedTuple):
    """What the engine says, and every right answer. `met`: the rule and the event, where it is about a rule."""

    asked: str
    met: tuple[str, str] | None
    answer: bool | None
    right: list[frozenset[bool | None] | None]


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
    rulebook = load_rulebook(book.sources())
    found = _stored(rulebook, case) if case.is_stored else _in_memory(rulebook, case.stream)
    right = book if against is None else against.rulebook()
    histories = (History(right, warms=case.is_stored), History(right, doubts=False, warms=case.is_stored))
    for place, (arriving, held) in enumerate(zip(case.stream, found, strict=True)):
        moments = [moment for one in histories if (moment := one.begin(arriving)) is not None]
        questions = [*_about_event(case, moments, held)] if moments else []
        told = [one.end(arriving) for one in histories]
        reached = set[tuple[str, str]]().union(*(one.reached for one in histories))
        lost = set[str]().union(*(one.lost for one in histories))
        for one in questions:
            # A rule that reaches earlier events may have reached this one, or another one of its id.
            if one.met is not None and (one.met in reached or one.met[0] in lost):
                outcome.untold += 1
            else:
                _compare(outcome, place, one.asked, one.answer, one.right)
        about = [name for name, rule in book.rules.items() if moments and is_among(moments[0].kind, rule.events)]
        own = {(name, moments[0].fields["event_id"]) for name in about}
        _compare_told(outcome, place, told, histories[0].did, held, own)
        for met in sorted(own - reached):
            if met[0] in case.book.rules.keys() - lost:
                _compare_actions(outcome, place, met, histories[0].did, held)
        expected = own.union(one.met for one in told[0])
        doubtful = set[str]().union(*(one.doubtful for one in histories))
        if more := sorted(one for one in held.keys() - expected if one[0] not in doubtful):
            outcome.differences.append(Difference(place, "nothing that is decided", more, "{}", False))
    return outcome


def _compare_told(
    outcome: Outcome, place: int, told: list[list[Told]], did: Did, held: UserData, own: set[tuple[str, str]]
) -> None:
    """Rules about follow-ups and earlier events. Two of one id at once are not told apart, nor one that has the id of
    the event itself, which has these `own`."""
    met = [one.met for one in told[0]]
    others = {other.met: other.right for other in told[1]}
    for one in told[0]:
        if met.count(one.met) > 1 or one.met in own:
            outcome.untold += 1
            continue
        asked = f"rule {one.rule} for {one.moment.kind} of {one.met[1]}"
        _compare(outcome, place, asked, one.met in held, [one.right, others.get(one.met)])
        _compare_actions(outcome, place, one.met, did, held)


def _about_event(case: Case, moments: list[Moment], held: UserData) -> Iterator[Question]:
    """What is asked about an event, with what is right before anything follows from it."""
    event_id = moments[0].fields["event_id"]
    for number, clause in enumerate(case.clauses):
        is_true, is_false = ((f"{word}_{number}", event_id) in held for word in ("true", "false"))
        answer = True if is_true else False if is_false else None
        yield Question(text_of(clause), None, answer, [moment.told(clause) for moment in moments])
    for name, rule in case.book.rules.items():
        if not is_among(moments[0].kind, rule.events):
            continue
        met = name, event_id
        yield Question(f"rule {name}", met, met in held, [one.holds(rule) for one in moments])
        explained = held[met].clauses if met in held else []
        for at, (_, result) in enumerate(explained[: len(rule.clauses())]):  # then comes how many strikes there are
            clause = rule.clauses()[at]
            meant = ("not", clause) if at >= len(rule.when) + len(rule.any) else clause
            told = [moment.told(meant) for moment in moments]
            yield Question(f"rule {name}, clause {text_of(meant)}", met, result, told)


def _compare_actions(outcome: Outcome, place: int, met: tuple[str, str], did: Did, held: UserData) -> None:
    """Where the engine says that a rule holds, whether it does what the rule says, in that order."""
    deeds = did.get(met)
    if met not in held or deeds is None:
        return
    right = [
        Done(deed.kind, deed.scope, deed.target, target, milliseconds(deed.lasts) if deed.lasts is not None else None)
        for deed, target in deeds
    ]
    outcome.compared += 1
    if held[met].done != right:
        asked = f"actions of rule {met[0]} on {met[1]}"
        outcome.differences.append(Difference(place, asked, held[met].done, str(right), False))


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


# -- the engine -----------------------------------------------------------------------------------


def _in_memory(rulebook: Rulebook, stream: Sequence[Arriving]) -> Iterator[UserData]:
    stage, mapping = ExampleStage(rulebook, {}), FieldMapping()
    for sent in stream:
        assert isinstance(sent, Sent)
        written = sent.written()
        event = mapping.read(orjson.loads(written), sent.arrived_ms, content=hash64(written))
        yield _traces(stage.send(event))


def _traces(decisions: list[Decision]) -> UserData:
    return {
        (hit.rule, decision.event_id): Hit(
            [(clause.text, clause.result) for clause in hit.clauses],
            [
                Done(one.kind, one.scope, one.target_type, one.target_id, one.for_ms)
                for one in decision.actions
                if one.rule == hit.rule
            ],
        )
        for decision in decisions
        for hit in decision.hits
    }


def _stored(rulebook: Rulebook, case: Case) -> Iterator[UserData]:
    settings, stream = Settings(), case.stream
    rows = {
        name: [RecordedRow(row.key, row.document, row.ts) for row in table.rows]
        for name, table in case.book.tables.items()
        if not table.is_file
    }
    engine = OfflineEngine(rulebook, settings, tables=RecordedTables(rows))
    actions: list[list[Mapping[str, Any]]] = []
    for arriving in stream:
        held: UserData = {}
        actions.append([])
        for message in engine.run(_arrivals(arriving, stream, actions)):
            if message.topic == settings.topics.actions:
                actions[-1].append(orjson.loads(message.value))
            if message.topic == settings.topics.decisions:
                decision = orjson.loads(message.value)
                held |= {
                    (hit["rule"], decision["event_id"]): Hit(
                        [(one["text"], one["result"]) for one in hit["clauses"]], []
                    )
                    for hit in decision["hits"]
                }
        for one in actions[-1]:
            held[one["rule"], one["event_id"]].done.append(_done(one))
        yield held


def _done(one: Mapping[str, Any]) -> Done:
    return Done(one["kind"], one.get("scope"), one["target"]["type"], one["target"]["id"], one.get("for_ms"))


def _arrivals(
    arriving: Arriving, stream: Sequence[Arriving], actions: Sequence[Sequence[Mapping[str, Any]]]
) -> Iterator[Arrival]:
    """What arrives, as the workers read it. `actions`: at each place of the stream, those that were published."""
    if isinstance(arriving, Sent):
        yield Arrival("event", arriving.arrived_ms, arriving.written().encode(), arriving.arrived_ms)
    elif isinstance(arriving, Labelled):
        event = stream[arriving.place]
        assert isinstance(event, Sent)
        label = {name: event.document[name] for name in ("user_id", "type", "event_id")}
        label |= {"label": arriving.verdict, "ts": arriving.ts, "moderator": "mia"}
        yield Arrival("label", arriving.arrived_ms, orjson.dumps(label))
    else:
        for action in actions[arriving.place]:
            if (action["rule"], action["kind"]) == (arriving.rule, arriving.kind):
                revocation = {"revokes": action["action_id"], "user_id": action["user_id"], "ts": arriving.arrived_ms}
                yield Arrival("label", arriving.arrived_ms, orjson.dumps(revocation))
