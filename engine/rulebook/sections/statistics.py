"""Reads what counters say beside what, over what and by whom: which quantile, of how many values, without this event,
having occurred how often."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.core.domain.counters import MEDIAN, STATISTICS, CounterKind, Having
from engine.core.domain.rules import MAX_CAP
from engine.rulebook.language import schema
from engine.rulebook.language.nodes import Type
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

GAP = "gap"
"""What a statistic names in place of a field: the time between two events."""


class Options(NamedTuple):
    """As `Counter` has them."""

    at: float = MEDIAN
    at_least: int = 0
    before: bool = False
    having: Having | None = None


def read_options(made: Declarations, kind: CounterKind, keys: Mapping[str, Node], most: int) -> Options | None:
    """What a counter says, or None and errors. `most`: how many entries it keeps."""
    parts = (
        _quantile(made, kind, keys),
        _at_least(made, kind, keys.get("at_least"), most),
        _flag(made, keys.get("before")),
        _having(made, kind, keys.get("having"), most),
    )
    if kind in STATISTICS and "approx" in keys:
        made.diagnostics.error(keys["approx"].span, f"`approx` goes with count, distinct and sum, not with {kind}")
        return None
    if "having" in keys and "approx" in keys:
        made.diagnostics.error(keys["approx"].span, "`having` needs every entry, `approx` keeps none")
        return None
    at, at_least, before, having = parts
    if at is None or at_least is None or before is None or (having is None and "having" in keys):
        return None
    return Options(at, at_least, before, having)


def is_of_gaps(made: Declarations, kind: CounterKind, node: Node) -> bool | None:
    """Whether a statistic is about the time between events; None and an error where it may also be about a field."""
    if kind not in STATISTICS or node.text != GAP:
        return False
    if made.type_of(GAP) is None and GAP not in made.memories:
        return True
    made.diagnostics.error(
        node.span, f"`{kind}: {GAP}` is about the time between events, and there is a `{GAP}` of yours", "rename yours"
    )
    return None


def type_of_answer(made: Declarations, kind: CounterKind, field: str | None) -> Type:
    """A sum or a statistic of durations is a duration, one of sizes a size; one without a field is of gaps."""
    if kind not in (*STATISTICS, "sum"):
        return "number"
    return (made.type_of(field) or "number") if field is not None else "duration"


def _quantile(made: Declarations, kind: CounterKind, keys: Mapping[str, Node]) -> float | None:
    node, report = keys.get("at"), made.diagnostics
    if node is None and kind == "quantile":
        report.error(keys[kind].span, "`quantile` needs `at`: which one", "for example at: 0.9")
        return None
    if node is None:
        return MEDIAN
    if kind != "quantile":
        report.error(node.span, f"`at` goes with quantile, not with {kind}")
        return None
    if type(node.scalar) is not float or not 0 < node.scalar < 1:
        report.error(node.span, f"`at` is a number between 0 and 1, this is {node.kind}", "for example 0.9")
        return None
    return node.scalar


def _at_least(made: Declarations, kind: CounterKind, node: Node | None, most: int) -> int | None:
    if node is None:
        return 0
    if kind not in STATISTICS:
        made.diagnostics.error(
            node.span, f"`at_least` goes with {', '.join(STATISTICS)}", "compare a count in a clause"
        )
        return None
    return _whole(made, node, "at_least", most)


def _flag(made: Declarations, node: Node | None) -> bool | None:
    if node is not None and type(node.scalar) is not bool:
        made.diagnostics.error(node.span, f"`before` is true or false, this is {node.kind}")
        return None
    return node is not None and node.scalar is True


def _having(made: Declarations, kind: CounterKind, node: Node | None, most: int) -> Having | None:
    if node is None:
        return None
    if kind != "distinct":
        made.diagnostics.error(node.span, f"`having` goes with distinct, not with {kind}")
        return None
    keys = read_mapping(node, schema.HAVING, "`having`", made.diagnostics)
    limits = {key: _whole(made, limit, key, most) for key, limit in keys.items()}
    if not limits:
        made.diagnostics.error(node.span, "`having` needs at_least, at_most or both", "for example {at_least: 2}")
        return None
    if None in limits.values():
        return None
    least, at_most = limits.get("at_least") or 1, limits.get("at_most")
    if at_most is not None and at_most < least:
        made.diagnostics.error(keys["at_most"].span, "`at_most` is less than `at_least`: nothing occurs so often")
        return None
    return least, at_most


def _whole(made: Declarations, node: Node, key: str, most: int) -> int | None:
    if type(node.scalar) is int and 1 <= node.scalar <= most:
        return node.scalar
    hint = f"this counter keeps {most} entries" if most < MAX_CAP else None
    made.diagnostics.error(node.span, f"`{key}` is a whole number from 1 to {most}", hint)
    return None
