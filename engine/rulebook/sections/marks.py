"""The `marks:` section: what rules note of an entity for a while, and other rules ask about.

A mark is its rules' hits, counted at the entity for as long as it lasts: nothing else is kept for it.
"""

from collections.abc import Iterator, Mapping, Sequence

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.follow_ups import hit_type
from engine.core.domain.rules import USER
from engine.core.state.entities import MAX_WINDOW_MS
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span, did_you_mean
from engine.rulebook.language.nodes import Compare, Constant, Ref
from engine.rulebook.language.reading import duration, read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.entities import entity_kind
from engine.rulebook.sections.records import CounterDeclaration

MARK = "mark"
"""The kind of action that sets one."""


def find_markers(documents: Sequence[Mapping[str, Node]]) -> dict[str, list[str]]:
    """By mark, the rules that set it."""
    markers: dict[str, list[str]] = {}
    for sections in documents:
        rules = sections["rules"].entries if "rules" in sections else None
        for rule, node in (rules or {}).items():
            for mark in _marks_set(node):
                markers.setdefault(mark, []).append(rule)
    return markers


def _marks_set(rule: Node) -> Iterator[str]:
    then = (rule.entries or {}).get("then")
    for action in then.walk() if then is not None else ():
        mark = (action.entries or {}).get(MARK)
        if mark is not None and mark.text:
            yield mark.text


def read_mark(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one mark into the declarations, or report what is wrong with it."""
    report = made.diagnostics
    keys = read_mapping(node, schema.MARK, f"mark `{name}`", report)
    on = entity_kind(made, keys["by"]) if "by" in keys else None
    for_ms = duration(keys["for"], report) if "for" in keys else None
    if on is None or for_ms is None:
        return
    if for_ms > MAX_WINDOW_MS:
        report.error(keys["for"].span, f"a mark lasts at most {MAX_WINDOW_MS // 86_400_000}d")
    elif on in made.clusters:
        report.error(keys["by"].span, "a cluster cannot be marked", "mark what its members share")
    elif name not in made.markers:
        report.error(span, f"no rule sets the mark `{name}`", f"then: {{mark: {name}}}")
    else:
        made.marks[name] = (on, for_ms)
        _declare(made, name, span, on, for_ms)


def _declare(made: Declarations, name: str, span: Span, on: str, for_ms: int) -> None:
    """What clauses ask about as `marked.x`: whether one of its rules has met the entity so lately."""
    asked = f"marked.{name}"
    made.counters[asked] = CounterDeclaration(
        name=asked,
        span=span,
        kind="count",
        field=None,
        of=tuple(hit_type(rule, is_shadow=False) for rule in made.markers[name]),
        by=on,
        over_ms=for_ms,
        where=None,
        where_text=None,
        cap=None,
    )
    count = Ref(span=span, type="number", kind="counter", target=asked, written=asked)
    made.depths[asked] = 1
    made.derived[asked] = ("bool", Compare(span, "bool", ">=", count, Constant(span, "number", 1)))


def marking(declared: Declarations, keys: Mapping[str, Node]) -> ActionTemplate | None:
    """The action that sets a mark, or None and an error. Its target is the user or what is marked, where an action can
    be about it, and else the event."""
    name, report = keys[MARK].text or "", declared.diagnostics
    for key in keys.keys() - {MARK, "needs"}:
        report.error(
            keys[key].span, f"`{key}` does not go with `mark`", "the mark says itself on what, and for how long"
        )
    if name not in declared.marks:
        if f"marks.{name}" not in declared.spans:  # else it is wrong and has been reported
            hint = did_you_mean(name, declared.marks) or f"declare it: marks: {{{name}: {{by: device_id, for: 7d}}}}"
            report.error(keys[MARK].span, f'unknown mark "{name}"', hint)
        return None
    on, for_ms = declared.marks[name]
    field = declared.fields.get(on)
    target = "user" if on == USER else on if field is not None and field.type == "text" else "event"
    path = field.path if field is not None and target == on else target
    return ActionTemplate(kind=MARK, scope=name, for_ms=for_ms, target=target, path=path)
