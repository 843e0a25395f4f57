"""Reads what a rulebook's source must have at a place: a mapping of a shape, one of a few words, a duration, names."""

import re

from engine.core.domain.units import DURATION_MS, duration_ms
from engine.rulebook.language.diagnostics import Diagnostics, did_you_mean
from engine.rulebook.language.elsewhere import key_hint, needed_hint
from engine.rulebook.language.schema import MAX_DURATION_MS, Shape
from engine.rulebook.language.source import Node


def read_mapping(node: Node, shape: Shape, title: str, diagnostics: Diagnostics) -> dict[str, Node]:
    """The entries of a mapping that the shape knows; everything else about it becomes an error."""
    if node.entries is None:
        diagnostics.error(node.span, f"{title} must be a mapping, this is {node.kind}", f"its keys: {', '.join(shape)}")
        return {}
    for key in node.entries:
        if key not in shape:
            diagnostics.error(node.keys[key], f'{title} has no key "{key}"', key_hint(title, key, shape))
    for key, spec in shape.items():
        if spec.required and key not in node.entries:
            diagnostics.error(node.span, f"{title} needs `{key}`: {spec.meaning}", needed_hint(title, key))
    return {key: value for key, value in node.entries.items() if key in shape}


def choice(
    node: Node, allowed: tuple[str, ...], title: str, report: Diagnostics, meant: str | None = None
) -> str | None:
    """A scalar that must be one of a few words. `meant`: what to write, if that is known."""
    if node.text in allowed:
        return node.text
    hint = meant or did_you_mean(node.text or "", allowed) or f"one of: {', '.join(allowed)}"
    report.error(node.span, f"{title} cannot be {node.kind}", hint)
    return None


def duration(node: Node, report: Diagnostics) -> int | None:
    """A duration in ms, or None and an error."""
    span_ms = duration_ms(node.text or "")
    if span_ms is not None and span_ms > MAX_DURATION_MS:
        report.error(node.span, f"a duration is at most {MAX_DURATION_MS // DURATION_MS['d']}d long")
        return None
    if span_ms is None or span_ms <= 0:
        report.error(node.span, f"a duration is needed here, this is {node.kind}", _duration_meant(node.text or ""))
        return None
    return span_ms


_IN_WORDS = re.compile(r"(?i)(?:last\s+)?([0-9]*)\s*(sec|min|hour|day|week|month|year|y|quarter)[a-z]*")
_UNIT_OF = {"sec": "s", "min": "m", "hour": "h", "day": "d", "week": "w"}
_DAYS_OF = {"month": 30, "quarter": 90, "year": 365, "y": 365}
_CALENDAR = "windows slide: over: {}; by the calendar, count `by: [user_id, day]`, with `values: {{day: date(ts)}}`"


def _duration_meant(text: str) -> str:
    """What to write where a duration is written in words, or another thing stands."""
    match = _IN_WORDS.fullmatch(text.strip())
    if match is None:
        return f"with a unit: {text}s, {text}m or {text}h" if text.isdigit() else "for example 90s, 10m, 24h or 7d"
    many, unit = int(match[1] or 1), match[2].lower()
    meant = f"{many}{_UNIT_OF[unit]}" if unit in _UNIT_OF else f"{many * _DAYS_OF[unit]}d"
    return f"write: {meant}" if match[1] else _CALENDAR.format(meant)


def words(node: Node, title: str, report: Diagnostics) -> tuple[str, ...]:
    """One word, or a list of words."""
    texts = []
    for item in node.walk():
        if item.text and isinstance(item.scalar, str):
            texts.append(item.text)
        else:
            report.error(item.span, f"{title} is needed here, this is {item.kind}")
    if node.items is not None and not node.items:
        report.error(node.span, f"{title} is needed here, this list is empty")
    return tuple(texts)
