"""The rules' inline tests: timelines of events, run through the evaluator that runs live."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from engine.core.domain.decisions import Action, Decision, Effect
from engine.core.domain.events import EARLIEST_MS, LATEST_MS, FieldMapping, epoch_ms
from engine.core.domain.rules import Rule, Rulebook
from engine.core.kernel import hash64
from engine.core.state.entities import EntityRecord
from engine.core.values.identity import INVALID_FIELDS
from engine.errors import EventError
from engine.rulebook.inline_tests.expectations import Expectations, read_actions, read_firing, tell_actions
from engine.rulebook.inline_tests.failures import Clauses, Witness, tell_failure
from engine.rulebook.inline_tests.presets import in_numbers, preset, what_is_wrong
from engine.rulebook.inline_tests.stage import ExampleStage, scorer_of
from engine.rulebook.inline_tests.steps import MAX_EVENTS, Step, StepReader, timeline
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.rule_schema import EXAMPLE
from engine.rulebook.language.source import Node
from engine.rulebook.sections.records import FieldDeclaration
from engine.rulebook.sections.rules import given_of, steps_of

_FIRES: set[Effect] = {"acted", "shadow", "strike", "spared", "holdout", "allowed"}
"""What may come of a rule that fires, as a test has it."""
Told = tuple[int, set[Effect], list[Action]]
_START_MS = EARLIEST_MS + 365 * 86_400_000


def run_examples(
    rulebook: Rulebook,
    tests: Mapping[str, list[Node]],
    fields: Mapping[str, FieldDeclaration],
    known: Collection[str],
    diagnostics: Diagnostics,
) -> None:
    """Run every rule's examples; failures become errors at their place. `known`: the names that something reads."""
    for rule, nodes in tests.items():
        for node in nodes:
            diagnostics.tests_run += 1
            _run(rulebook, rule, node, StepReader(fields, known), diagnostics)


@dataclass(frozen=True, slots=True)
class Play:
    """A test as it is played. `given`: what comes before the events that count."""

    rule: str
    given: Sequence[Step]
    sent: Sequence[Step]
    scores: Mapping[str, Any]
    state: Mapping[str, Any]

    def perform(self, rulebook: Rulebook) -> Iterator[Told]:
        """The number of each event, 0 of those that are given, with what came of the rule there and what it did: once
        more where that came later, as something did not come."""
        scorers = {name: scorer_of(spec, self.scores.get(name)) for name, spec in rulebook.models.items()}
        stage, mapping, now_ms = ExampleStage(rulebook, scorers), FieldMapping(), _START_MS
        numbers: dict[str, int] = {}
        before = [(0, f"given-{at}", *step) for at, step in enumerate(timeline(self.given), 1)]
        then = ((at, f"example-{at}", *step) for at, step in enumerate(timeline(self.sent), 1))
        for place, (number, event_id, document, gap_ms) in enumerate(chain(before, then)):
            now_ms = _stated_ms(document) or now_ms + (gap_ms if place else 0)
            sent = {"event_id": event_id, "user_id": "example-user", "ts": now_ms, **document}
            event = mapping.read(sent, content=hash64(repr(sent)))
            if place == 0 and self.state:
                user = stage.users.setdefault(event.user_id, EntityRecord())
                preset(rulebook, self.state, event, user, stage.entities)
            for decision in stage.pass_time(event.ts_ms):
                yield self._told(numbers[decision.event_id], [decision])
            numbers[event.event_id] = number
            decisions = stage.send(event)
            yield self._told(number, [decision for decision in decisions if decision.event_id == event.event_id])
        for decision in stage.pass_time(LATEST_MS):
            yield self._told(numbers[decision.event_id], [decision])

    def _told(self, number: int, decisions: Sequence[Decision]) -> Told:
        effects = {hit.effect for decision in decisions for hit in decision.hits if hit.rule == self.rule}
        actions = [action for decision in decisions for action in decision.actions if action.rule == self.rule]
        return number, effects, actions


def _stated_ms(document: Mapping[str, Any]) -> int | None:
    """The time that a test gives an event itself."""
    try:
        return epoch_ms(document["ts"], "auto") if "ts" in document else None
    except EventError:
        return None


def _run(rulebook: Rulebook, rule: str, node: Node, sending: StepReader, report: Diagnostics) -> None:
    keys = read_mapping(node, EXAMPLE, "a test", report)
    if ("send" in keys) == ("steps" in keys):
        report.error(
            node.span, "a test needs exactly one of `send` and `steps`", "- {send: {type: post}, fires: never}"
        )
        return
    declared = next(candidate for candidate in rulebook.rules if candidate.name == rule)
    reads_invalid = any(INVALID_FIELDS in clause for clause in declared.clauses)
    given, sent = (
        [sending.read(step, reads_invalid, report) for step in part] for part in (given_of(node), steps_of(node))
    )
    count = sum(step.times for step in sent if step is not None)
    firing = read_firing(keys, count, report, node)
    if firing is None or None in sent or None in given:
        return
    scores, state = _presets(keys)
    play = Play(
        rule=rule,
        given=[step for step in given if step],
        sent=[step for step in sent if step],
        scores=scores,
        state=in_numbers(rulebook, state),
    )
    if sum(step.times for step in (*play.given, *play.sent)) > MAX_EVENTS:
        report.error(node.span, f"a test sends at most {MAX_EVENTS} events")
        return
    expectations = None
    if "acts" in keys:
        if declared.then.kind == "allow":
            report.error(keys["acts"].span, "a rule that allows does nothing to anybody", "drop `acts`")
            return
        expectations = read_actions(keys["acts"], firing, report)
        if expectations is None:
            return
    if _can_begin(rulebook, keys, play, report):
        _compare(rulebook, keys, play, firing, expectations, node, report)


def _presets(keys: Mapping[str, Node]) -> tuple[Any, Any]:
    """What models and counters say in a test."""
    return tuple(keys[name].plain() if name in keys else {} for name in ("score", "state"))


def _can_begin(rulebook: Rulebook, keys: Mapping[str, Node], play: Play, report: Diagnostics) -> bool:
    wrong = what_is_wrong(rulebook, play.state)
    if wrong is not None:
        report.error(keys["state"].span, wrong, "for example {posts_1h: 40}")
    elif not _scores_fit(rulebook, play.scores):
        models = ", ".join(rulebook.models) or "none is declared"
        report.error(keys["score"].span, "`score` maps models to numbers from 0 to 1", f"models: {models}")
    else:
        return True
    return False


def _compare(
    rulebook: Rulebook, keys: Mapping[str, Node], play: Play, firing: list[int], expectations: Expectations | None,
    node: Node, report: Diagnostics,
) -> None:  # fmt: skip
    place = keys.get("send", keys.get("steps", node)).span
    acting = _enforcing(rulebook, play.rule) if expectations is not None else rulebook
    done: dict[int, list[Action]] = {}
    try:
        for number, effects, actions in play.perform(acting):
            if number and effects & _FIRES:
                done[number] = actions
    except EventError as error:
        report.error(place, f"this event would become a dead letter: {error}")
        return
    except (ArithmeticError, ValueError, TypeError) as error:
        report.error(place, f"this event cannot be decided: {error!r}")
        return
    fired = sorted(done)
    if fired != firing:
        span = keys.get("fires_at", keys.get("fires", node)).span
        message = f"rule `{play.rule}` fires at {_list(fired)}, the test expects {_list(firing)}"
        report.error(span, message, _why(acting, play, min({*fired} ^ {*firing})))
        return
    for number, expected in zip(fired, expectations or (), strict=False):
        if not expected.is_met_by(done[number], number):
            report.error(
                keys["acts"].span, f"at event {number} rule `{play.rule}` does something else than the test expects",
                f"it does {tell_actions(done[number])}",
            )  # fmt: skip
            return


def _enforcing(rulebook: Rulebook, name: str) -> Rulebook:
    """The rulebook with one rule in force for all: a test of what it does looks ahead."""
    rules = (_in_force(rule) if rule.name == name else rule for rule in rulebook.rules)
    return replace(rulebook, rules=tuple(rules))


def _in_force(rule: Rule) -> Rule:
    return replace(rule, mode="enforce", plan=(), holdout=0.0, arm=None, spares=0.0)


def _why(rulebook: Rulebook, play: Play, event: int) -> str:
    """The same once more, up to an event that is not as expected."""
    witness = Witness(rulebook, play.rule)
    types = [str(document.get("type")) for document, _ in timeline(play.sent)]
    all_noted, came = list[Clauses](), set[Effect]()
    for number, effects, _ in play.perform(witness.rulebook):
        noted = witness.take()
        if number == event:
            all_noted += noted
            came |= effects
    return tell_failure(event, types[event - 1], all_noted, came, bool(came & _FIRES))


def _scores_fit(rulebook: Rulebook, scores: Any) -> bool:
    return type(scores) is dict and all(
        name in rulebook.models and type(score) in (int, float) and 0 <= score <= 1 for name, score in scores.items()
    )


def _list(indices: list[int]) -> str:
    if not indices:
        return "no event"
    shown = ", ".join(str(index) for index in indices[:10])
    return shown + (f" and {len(indices) - 10} more" if len(indices) > 10 else "")
