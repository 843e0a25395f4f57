"""The rules' inline tests: timelines of events, run through the evaluator that runs live."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.entities import EntityRecord
from engine.core.events import EARLIEST_MS, FieldMapping
from engine.core.identity import INVALID_FIELDS
from engine.core.kernel import hash64
from engine.core.rules import Rulebook
from engine.core.units import duration_ms, size_bytes
from engine.errors import EventError
from engine.rulebook.declarations import FieldDeclaration
from engine.rulebook.diagnostics import Diagnostics, did_you_mean
from engine.rulebook.failures import Witness, tell_failure
from engine.rulebook.presets import preset, what_is_wrong
from engine.rulebook.rules import steps_of
from engine.rulebook.schema import EXAMPLE, STEP_OF_EXAMPLE, read_mapping
from engine.rulebook.source import Node
from engine.rulebook.stage import Stage, scorer_of

MAX_EVENTS = 10_000
_FIRES = {"acted", "shadow", "strike", "allowed"}
"""What may come of a rule that fires, as a test has it."""
_START_MS = EARLIEST_MS + 365 * 86_400_000


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a test: an event, how often it is sent, and how far apart."""

    document: dict[str, Any]
    times: int
    every_ms: int


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
            _run(rulebook, rule, node, fields, known, diagnostics)


def _run(
    rulebook: Rulebook, rule: str, node: Node, fields: Mapping[str, FieldDeclaration], known: Collection[str],
    report: Diagnostics,
) -> None:  # fmt: skip
    keys = read_mapping(node, EXAMPLE, "a test", report)
    if ("send" in keys) == ("steps" in keys):
        report.error(
            node.span, "a test needs exactly one of `send` and `steps`", "- {send: {type: post}, fires: never}"
        )
        return
    reads_invalid = any(
        INVALID_FIELDS in clause for one in rulebook.rules if one.name == rule for clause in one.clauses
    )
    steps = [_step(one, fields, known, reads_invalid, report) for one in steps_of(node)]
    count = sum(step.times for step in steps if step is not None)
    expected = _expected(keys, count, report, node)
    if expected is None or None in steps:
        return
    if count > MAX_EVENTS:
        report.error(node.span, f"a test sends at most {MAX_EVENTS} events")
        return
    scores = keys["score"].plain() if "score" in keys else {}
    state = keys["state"].plain() if "state" in keys else {}
    wrong = what_is_wrong(rulebook, state)
    if wrong is not None:
        report.error(keys["state"].span, wrong, "for example {posts_1h: 40}")
        return
    if not _scores_fit(rulebook, scores):
        models = ", ".join(rulebook.models) or "none is declared"
        report.error(keys["score"].span, "`score` maps models to numbers from 0 to 1", f"models: {models}")
        return
    place = keys.get("send", keys.get("steps", node)).span
    try:
        sent = [step for step in steps if step is not None]
        fired = [event for event, effects in _play(rulebook, rule, sent, scores, state) if effects & _FIRES]
    except EventError as error:
        report.error(place, f"this event would become a dead letter: {error}")
        return
    except (ArithmeticError, ValueError, TypeError) as error:
        report.error(place, f"this event cannot be decided: {error!r}")
        return
    if fired != expected:
        span = keys.get("fires_at", keys.get("fires", node)).span
        why = _why(rulebook, rule, sent, scores, state, min({*fired} ^ {*expected}))
        report.error(span, f"rule `{rule}` fires at {_list(fired)}, the test expects {_list(expected)}", why)


def _step(
    node: Node, fields: Mapping[str, FieldDeclaration], known: Collection[str], reads_invalid: bool,
    report: Diagnostics,
) -> Step | None:  # fmt: skip
    """A part of a test, or None and an error."""
    entries = node.entries or {}
    if "steps" not in entries and ("fires" in entries or "fires_at" in entries):
        keys = {name: entries[name] for name in STEP_OF_EXAMPLE if name in entries}
    else:
        keys = read_mapping(node, STEP_OF_EXAMPLE, "a step of a test", report)
    times = keys["times"].scalar if "times" in keys else 1
    every_ms = duration_ms(keys["every"].text or "") if "every" in keys else 1_000
    sent = keys.get("send")
    if type(times) is not int or not 1 <= times <= MAX_EVENTS:
        report.error(keys["times"].span, f"`times` is a whole number from 1 to {MAX_EVENTS}")
    elif every_ms is None:
        report.error(keys["every"].span, "`every` is a duration, for example 4s")
    elif sent is None:
        report.error(node.span, "a step of a test needs `send`")
    elif sent.entries is None:
        report.error(sent.span, "`send` is an event: a mapping", "several kinds of events are `steps`")
    else:
        _check_names(sent, known, report)
        document = _document(sent.plain(), fields, sent, report, reads_invalid)
        return Step(document, times, every_ms) if document is not None else None
    return None


def _check_names(sent: Node, known: Collection[str], report: Diagnostics) -> None:
    for name, span in sent.keys.items():
        if name not in known and (hint := did_you_mean(name, known)) is not None:
            report.error(span, f"nothing reads `{name}`", hint)


def _expected(keys: Mapping[str, Node], times: object, report: Diagnostics, node: Node) -> list[int] | None:
    if ("fires_at" in keys) == ("fires" in keys):
        report.error(node.span, "a test needs exactly one of `fires_at` and `fires`")
        return None
    count = times if type(times) is int else 0
    if "fires" in keys:
        if keys["fires"].text in ("always", "never"):
            return list(range(1, count + 1)) if keys["fires"].text == "always" else []
        report.error(keys["fires"].span, "`fires` is always or never")
        return None
    wanted = keys["fires_at"].plain()
    if type(wanted) is not list or any(type(item) is not int or not 1 <= item <= count for item in wanted):
        report.error(keys["fires_at"].span, "`fires_at` lists whole numbers from 1 to `times`, for example [11]")
        return None
    return sorted(set(wanted))


_FITTING: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "number": (int, float), "text": (str,), "list": (list,),
    "duration": (int, float), "size": (int, float),
}  # fmt: skip


def _document(
    send: dict[str, Any], fields: Mapping[str, FieldDeclaration], node: Node, report: Diagnostics, reads_invalid: bool
) -> dict[str, Any] | None:
    """The event as a producer would have written it: values under their paths, in their units. None and an
    error where a value does not fit its field: a test that sends nonsense would prove nothing, unless the rule asks
    about that (`reads_invalid`)."""
    document: dict[str, Any] = {}
    for name, value in send.items():
        declared, raw = fields.get(name), value
        place_node = (node.entries or {}).get(name, node)
        if declared is not None:
            parsed = {"duration": duration_ms, "size": size_bytes}.get(declared.type)
            amount = parsed(value) if parsed is not None and type(value) is str else None
            raw = amount / declared.factor if amount is not None else value
            if raw is not None and type(raw) not in _FITTING[declared.type] and not reads_invalid:
                report.error(place_node.span, f"`{name}` is a {declared.type}, this is {place_node.kind}")
                return None
        *parents, last = (declared.path if declared is not None else name).split(".")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
            if type(place) is not dict:
                report.error(place_node.span, f"`{name}` is inside `{parent}`, which the test sends as a plain value")
                return None
        _put(place, last, raw)
    return document


def _put(place: dict[str, Any], name: str, value: Any) -> None:
    """Beside what another field has put there already, whichever is sent first."""
    known = place.get(name)
    if type(known) is dict and type(value) is dict:
        for inner, one in value.items():
            _put(known, inner, one)
    else:
        place[name] = value


def _scores_fit(rulebook: Rulebook, scores: Any) -> bool:
    return type(scores) is dict and all(
        name in rulebook.models and type(score) in (int, float) and 0 <= score <= 1 for name, score in scores.items()
    )


def _play(
    rulebook: Rulebook, rule: str, steps: Sequence[Step], scores: Mapping[str, Any], state: Mapping[str, Any]
) -> Iterator[tuple[int, set[str]]]:
    """The number of each event, with what came of the rule there."""
    stage = Stage(rulebook, {name: scorer_of(spec, scores.get(name)) for name, spec in rulebook.models.items()})
    mapping, now_ms = FieldMapping(), _START_MS
    documents = [(step.document, step.every_ms) for step in steps for _ in range(step.times)]
    for index, (document, every_ms) in enumerate(documents, 1):
        now_ms += every_ms if index > 1 else 0
        sent = {"event_id": f"example-{index}", "user_id": "example-user", "ts": now_ms, **numbered(document, index)}
        event = mapping.read(sent, content=hash64(repr(sent)))
        if index == 1 and state:
            user = stage.users.setdefault(event.user_id, EntityRecord())
            preset(rulebook, state, event, user, stage.entities)
        hits = [hit for decision in stage.send(event) for hit in decision.hits if decision.event_id == event.event_id]
        yield index, {hit.effect for hit in hits if hit.rule == rule}


def _why(
    rulebook: Rulebook, rule: str, steps: Sequence[Step], scores: Mapping[str, Any], state: Mapping[str, Any],
    event: int,
) -> str:  # fmt: skip
    """The same once more, up to an event that is not as expected."""
    witness = Witness(rulebook, rule)
    types = [str(step.document.get("type")) for step in steps for _ in range(step.times)]
    for number, effects in _play(witness.rulebook, rule, steps, scores, state):
        noted = witness.take()
        if number == event:
            return tell_failure(event, types[event - 1], noted, effects, bool(effects & _FIRES))
    raise AssertionError("a test has the events that it sends")


def numbered(document: Any, index: int) -> Any:
    """A test's event with `{n}` replaced by its number, everywhere: so that one line can be many users."""
    if type(document) is str:
        return document.replace("{n}", str(index))
    if type(document) is dict:
        return {key: numbered(value, index) for key, value in document.items()}
    return [numbered(item, index) for item in document] if type(document) is list else document


def _list(indices: list[int]) -> str:
    if not indices:
        return "no event"
    shown = ", ".join(str(index) for index in indices[:10])
    return shown + (f" and {len(indices) - 10} more" if len(indices) > 10 else "")
