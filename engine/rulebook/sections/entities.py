"""Reads on which entity something hangs: `by`, `per`, `on` and `share`, and `read_by`, which names another one."""

import re
from collections.abc import Mapping, Sequence

from engine.core.domain.kinds import PAIR, is_pair, parts_of
from engine.core.domain.rules import USER
from engine.core.values.identity import COMPUTED_FIELDS
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import did_you_mean
from engine.rulebook.language.elsewhere import function_hint
from engine.rulebook.language.functions import FUNCTIONS
from engine.rulebook.language.keys import KEY_SOURCES
from engine.rulebook.language.reading import read_mapping, words
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

MAX_PARTS = 3
_EVENT_PATH = re.compile(r"event(?:\.[A-Za-z_]\w*)+")


def entity_kind(made: Declarations, node: Node) -> str | None:
    """The kind of entity in a node: its parts joined by a plus sign. None and an error where there is no such kind."""
    if node.entries is not None:
        return _pair(made, node)
    parts = words(node, "an entity", made.diagnostics)
    if not _are_known(made, node, parts):
        return None
    if len(set(parts)) != len(parts):
        made.diagnostics.error(node.span, f"`by` has up to {MAX_PARTS} different parts")
        return None
    return "+".join(sorted(parts)) or None


def read_read_by(made: Declarations, keys: Mapping[str, Node], by: str) -> str | None:
    """The fields that name the entity at which a counter is read, in the order of the parts of its kind. None where it
    says nothing, or errors."""
    node = keys.get("read_by")
    if node is None:
        return None
    report = made.diagnostics
    if by == USER:
        message = f"what is counted `by: {USER}` stands beside the user's own events, and only these read it"
        report.error(node.span, message, f"write `by: event.{USER}`")
        return None
    if is_pair(by):
        report.error(node.span, "a pair is the same from both sides: `read_by` goes with `by: [a, b]`")
        return None
    if "before" in keys:
        message = "`before` goes without `read_by`: the event that is being decided is counted at somebody else"
        report.error(keys["before"].span, message, "leave `before` out")
        return None
    parts, counted = words(node, "a field", report), words(keys["by"], "an entity", report)
    if not _are_known(made, node, parts):
        return None
    if len(parts) != len(counted):
        report.error(node.span, f"`read_by` names one field for each part of `by`: {len(counted)}, not {len(parts)}")
        return None
    pairs = sorted(zip(counted, parts, strict=True))
    if any(one != other and {one, other} & KEY_SOURCES.keys() for one, other in pairs):
        special = ", ".join(KEY_SOURCES)
        message = "`read_by` has these where `by` has the same, and nowhere else"
        report.error(node.span, f"{special}: {message}", "name fields in both")
        return None
    if all(one == other for one, other in pairs):
        report.error(node.span, "it is read there anyway", "leave `read_by` out")
        return None
    return "+".join(part for _, part in pairs)


def _pair(made: Declarations, node: Node) -> str | None:
    """`{pair: [a, b]}`: two fields whose values are in no order."""
    keys = read_mapping(node, schema.PAIR, "an entity", made.diagnostics)
    if "pair" not in keys:
        return None
    pair = keys["pair"]
    kind = entity_kind(made, pair) if pair.items is not None else None
    parts = parts_of(kind) if kind is not None else []
    if pair.items is None or (kind is not None and (len(parts) != 2 or KEY_SOURCES.keys() & parts)):
        made.diagnostics.error(pair.span, "a pair is of two fields", "{pair: [user_id, target_id]}")
        return None
    return f"{PAIR}{kind}" if kind is not None else None


def _named(call: str) -> str:
    """How something is counted by what a function gives."""
    name = call.partition("(")[0]
    if name not in FUNCTIONS:
        return f"{function_hint(name, FUNCTIONS)}, under a name in `values:`, and `by:` that name"
    return f"give it a name under `values:`, as in `values: {{whom: '{call}'}}`, and write `by: whom`"


_EVERYBODY = ("all", "global", "everyone", "everybody", "none", "any")


def _listed(known: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(known))


def _declared_otherwise(made: Declarations) -> set[str]:
    """The names of what is declared, and hangs on entities itself."""
    return {*made.counters, *made.memories, *made.sequences, *made.derived, *made.absences, *made.outcomes}


def _are_known(made: Declarations, node: Node, parts: Sequence[str]) -> bool:
    """Whether something can be counted by each of these, and by all together; else an error."""
    known = [
        *KEY_SOURCES,
        *made.clusters,
        *(
            name
            for name in (*made.fields, *made.values)
            if made.type_of(name) in ("text", "number", "list") and name not in COMPUTED_FIELDS
        ),
    ]
    for part in parts:
        if part not in known and not _EVENT_PATH.fullmatch(part):
            if part in made.spans and made.type_of(part) is None and part not in _declared_otherwise(made):
                return False  # its declaration is wrong and has been reported
            hint = did_you_mean(part, known) or f"one of: {_listed(known)}, or event.x"
            if "(" in part:
                hint = _named(part)
            elif "," in part:
                hint = f"several stand in a list: [{part}]"
            elif part in _EVERYBODY:
                hint = "for all events of a type together: by: type"
            elif part.isidentifier() and did_you_mean(part, known) is None:
                hint = f"declare it: `fields: {{{part}: text}}`, or write event.{part}; known are {_listed(known)}"
            made.diagnostics.error(node.span, f'nothing can be counted by "{part}"', hint)
            return False
    if len(parts) > 1 and any(part in made.clusters for part in parts):
        made.diagnostics.error(node.span, "a cluster stands alone in `by`")
        return False
    if len(parts) > MAX_PARTS:
        made.diagnostics.error(node.span, f"`by` has up to {MAX_PARTS} different parts")
        return False
    return True
