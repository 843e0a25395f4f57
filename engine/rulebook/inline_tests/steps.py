"""The events that a rule's test sends: read from its steps, written as a producer would write them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.domain.units import duration_ms, size_bytes
from engine.core.kernel import lookup
from engine.core.values.hashing import hash32
from engine.keys.calendar import time_ms
from engine.rulebook.language.diagnostics import Diagnostics, did_you_mean
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.rule_schema import STEP_OF_EXAMPLE
from engine.rulebook.language.source import Node
from engine.rulebook.sections.records import FieldDeclaration

MAX_EVENTS = 10_000
EVERY_MS = 1_000
"""How far apart events are where a step does not say."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a test: an event, how often it is sent, how far apart, and by how much more or less."""

    document: dict[str, Any]
    times: int
    every_ms: int
    jitter_ms: int = 0

    def gap_ms(self, number: int) -> int:
        """How long after the event before it the event of this number comes: the same in every run."""
        shift = hash32(f"gap {number}") % (2 * self.jitter_ms + 1) - self.jitter_ms
        return self.every_ms + shift


@dataclass(frozen=True, slots=True)
class StepReader:
    """What tests may send: declared fields, and the names that something reads (`known`)."""

    fields: Mapping[str, FieldDeclaration]
    known: Collection[str]

    def read(self, node: Node, reads_invalid: bool, report: Diagnostics) -> Step | None:
        """A part of a test, or None and an error. `reads_invalid`: whether the rule asks about fields that do not
        fit."""
        entries = node.entries or {}
        if "steps" not in entries and ("fires" in entries or "fires_at" in entries):
            keys = {name: entries[name] for name in STEP_OF_EXAMPLE if name in entries}
        else:
            keys = read_mapping(node, STEP_OF_EXAMPLE, "a step of a test", report)
        times = keys["times"].scalar if "times" in keys else 1
        every_ms = duration_ms(keys["every"].text or "") if "every" in keys else EVERY_MS
        jitter_ms = duration_ms(keys["jitter"].text or "") if "jitter" in keys else 0
        sent = keys.get("send")
        if type(times) is not int or not 1 <= times <= MAX_EVENTS:
            report.error(keys["times"].span, f"`times` is a whole number from 1 to {MAX_EVENTS}")
        elif every_ms is None:
            report.error(keys["every"].span, "`every` is a duration, for example 4s", _said_in_every(keys["every"]))
        elif jitter_ms is None or jitter_ms > every_ms:
            report.error(
                keys["jitter"].span, "`jitter` is a duration, at most as long as `every`", "every: 4s, jitter: 1s"
            )
        elif sent is None:
            report.error(node.span, "a step of a test needs `send`")
        elif sent.entries is None:
            report.error(sent.span, "`send` is an event: a mapping", "several kinds of events are `steps`")
        else:
            self._check_names(sent, report)
            document = _document(sent.plain(), self.fields, sent, report, reads_invalid)
            return Step(document, times, every_ms, jitter_ms) if document is not None else None
        return None

    def _check_names(self, sent: Node, report: Diagnostics, before: str = "") -> None:
        for name, span in sent.keys.items():
            path = before + name
            is_read = path in self.known or any(known.startswith(f"{path}.") for known in self.known)
            hint = None if is_read else self._meant(path, before)
            if hint is not None:
                report.error(span, f"nothing reads `{path}`", hint)
            elif (inner := (sent.entries or {})[name]).entries is not None and name not in self.fields:
                self._check_names(inner, report, f"{path}.")

    def _meant(self, path: str, before: str) -> str | None:
        """The name that was probably meant: inside of the same object, where it stands in one."""
        within = [known.removeprefix(before) for known in self.known if known.startswith(before)]
        return did_you_mean(path.removeprefix(before), within)


def timeline(steps: Collection[Step]) -> Iterator[tuple[dict[str, Any], int]]:
    """Each event, with its number in it, and how long after the event before it it comes. Where a step says
    the time, the first of its events has it, and the others go on from there."""
    number = 0
    for step in steps:
        following = {name: value for name, value in step.document.items() if name != "ts" or "{n}" in str(value)}
        for place in range(step.times):
            number += 1
            yield numbered(following if place else step.document, number), step.gap_ms(number)


def numbered(document: Any, index: int) -> Any:
    """A test's event with `{n}` replaced by its number, everywhere: so that one line can be many users."""
    if type(document) is str:
        return document.replace("{n}", str(index))
    if type(document) is dict:
        return {key: numbered(value, index) for key, value in document.items()}
    return [numbered(item, index) for item in document] if type(document) is list else document


def _said_in_every(every: Node) -> str | None:
    """What to write where somebody has put the jitter there."""
    parts = (every.text or "").replace("+-", "±").replace("+/-", "±").split("±")
    return f"every: {parts[0].strip()}, jitter: {parts[1].strip()}" if len(parts) == 2 else None


_FITTING: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "number": (int, float), "text": (str,), "list": (list,),
    "duration": (int, float), "size": (int, float), "time": (int, float, str),
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
        *parents, last = (declared.path if declared is not None else name).split(".")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
            if type(place) is not dict:
                report.error(place_node.span, f"`{name}` is inside `{parent}`, which the test sends as a plain value")
                return None
        _put(place, last, raw)
    if not reads_invalid and not _fits(document, fields, node, report):
        return None
    return document


def _fits(document: dict[str, Any], fields: Mapping[str, FieldDeclaration], node: Node, report: Diagnostics) -> bool:
    """Whether each declared field has a value of its type, under whichever of its names it was sent."""
    entries = node.entries or {}
    for name, declared in fields.items():
        raw = lookup(document, declared.path)
        fitting = (*_FITTING[declared.type], str) if declared.is_spelt else _FITTING[declared.type]
        is_no_time = declared.type == "time" and type(raw) is str and time_ms(raw) is None
        if raw is not None and (type(raw) not in fitting or is_no_time) and name != "ts":
            first = declared.path.partition(".")[0]
            place = next((entries[key] for key in (name, declared.path, first) if key in entries), node)
            report.error(_inner(place, declared.path).span, f"`{name}` is a {declared.type}, this is {_kind(raw)}")
            return False
    return True


def _inner(node: Node, path: str) -> Node:
    """The node at a path whose first part is this one, as far as there is one."""
    for part in path.split(".")[1:]:
        node = (node.entries or {}).get(part, node)
    return node


def _kind(raw: Any) -> str:
    return "a mapping" if type(raw) is dict else "a list" if type(raw) is list else f"`{raw}`"


def _put(place: dict[str, Any], name: str, value: Any) -> None:
    """Beside what another field has put there already, whichever is sent first."""
    known = place.get(name)
    if type(known) is dict and type(value) is dict:
        for inner, inner_value in value.items():
            _put(known, inner, inner_value)
    else:
        place[name] = value
