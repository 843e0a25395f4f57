"""Reads what is said of one field, or of one column of a table: its type, its unit, where it stands."""

import re

from engine.core.domain.units import DURATION_MS, SIZE_BYTES
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.elsewhere import type_hint
from engine.rulebook.language.reading import choice, read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.records import FieldDeclaration

_TIME_MS = {"ms": 1, "s": 1_000}
"""Of times that are numbers: since 1970, in milliseconds unless it is said."""

_PATH = re.compile(r"[^\s\[\],{}0-9][^\s\[\],{}]*")


def read_field(report: Diagnostics, name: str, span: Span, node: Node, title: str = "field") -> FieldDeclaration | None:
    """A field as it is declared, or None and an error."""
    keys = read_mapping(node, schema.FIELD, f"{title} `{name}`", report) if node.entries is not None else {}
    named = keys.get("type", node)
    kind = choice(named, schema.FIELD_TYPES, f"a {title}'s type", report, type_hint(named.text or ""))
    if kind is None:
        return None
    factor = 1
    units = {"duration": DURATION_MS, "size": SIZE_BYTES, "time": _TIME_MS}.get(kind)
    unit = keys.get("unit")
    if units is not None and (unit is not None or kind != "time"):
        if unit is None or unit.text not in units:
            place = unit.span if unit else span
            report.error(place, f"{title} `{name}` is a {kind} and needs `unit`", f"one of: {', '.join(units)}")
            return None
        factor = units[unit.text]
    elif unit is not None:
        report.error(unit.span, f"a {kind} has no unit")
    source, spelling = keys.get("from"), keys.get("written_as")
    if source is not None and not _PATH.fullmatch(source.text or ""):
        report.error(source.span, f"`from` is one dotted path, this is {source.kind}", "for example: from: author.age")
        return None
    if spelling is not None and kind not in ("number", "duration", "size"):
        report.error(spelling.span, f"`written_as` goes with numbers, `{name}` is a {kind}")
        return None
    is_spelt = spelling is not None and choice(spelling, schema.SPELLINGS, "`written_as`", report) is not None
    path = source.text if source is not None and source.text else name
    return FieldDeclaration(kind, path, factor, is_spelt)  # type: ignore[arg-type]  # one of FIELD_TYPES
