"""The `sequences:` section: events in an order, and events after which something did not come.

What a sequence is made of is counted like anything else, by counters that have no name of their own to call them by.
"""

from collections.abc import Mapping

from engine.core.domain.follow_ups import is_follow_up, written_type
from engine.core.domain.rules import USER
from engine.core.evaluation.absences import MAX_TIMERS
from engine.core.state.entities import MAX_WINDOW_MS
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Expr
from engine.rulebook.language.reading import duration, read_mapping
from engine.rulebook.language.schema import MAX_STEP_TIMES, MAX_STEPS
from engine.rulebook.language.source import Node
from engine.rulebook.sections.counters import reads_the_user_alone
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.entities import entity_kind
from engine.rulebook.sections.ordered import AbsenceDeclaration, SequenceDeclaration
from engine.rulebook.sections.records import CounterDeclaration

_STEP_CAP = 256
"""So many events of a step are kept: who sends more within the window makes it unknown whether it was completed."""
_NONE_CAP = 64


def read_sequence(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one sequence into the declarations, or report what is wrong with it."""
    report, title = made.diagnostics, f"sequence `{name}`"
    keys = read_mapping(node, schema.SEQUENCE, title, report)
    if ("steps" in keys) == ("after" in keys):
        report.error(span, f"{title} needs exactly one of steps and after", "steps: [login, payout]")
        return
    pairs = (("after", "without"), ("steps", "none"))
    for key, other in pairs:
        if key in keys and other in keys:
            report.error(keys[other].span, f"`{other}` does not go with `{key}`")
            return
    by = entity_kind(made, keys["by"]) if "by" in keys else None
    within_ms = _within(made, keys["within"]) if "within" in keys else None
    if by is None or within_ms is None:
        return
    if "steps" in keys:
        _read_steps(made, name, span, keys, by, within_ms)
    else:
        _read_absence(made, name, span, keys, by, within_ms)


def _read_steps(made: Declarations, name: str, span: Span, keys: Mapping[str, Node], by: str, within_ms: int) -> None:
    if by in made.clusters:
        made.diagnostics.error(keys["by"].span, "of a cluster nothing is known but its members", f"by: {USER}")
        return
    nodes = keys["steps"].items or []
    if not 1 <= len(nodes) <= MAX_STEPS:
        made.diagnostics.error(keys["steps"].span, f"`steps` is a list of up to {MAX_STEPS} steps", "[login, payout]")
        return
    steps = [_read_step(made, f"{name} step {at}", by, within_ms, step) for at, step in enumerate(nodes, 1)]
    without = None
    if "without" in keys:
        without = count_series(made, f"{name} without", keys["without"], by, within_ms, cap=_STEP_CAP)
        if without is None:
            return
    known = [step for step in steps if step is not None]
    if sum(many for _, many in known) == len(steps) == 1:
        made.diagnostics.error(keys["steps"].span, "one event is in no order", "count it with a counter")
    elif len(known) == len(steps):
        made.sequences[name] = SequenceDeclaration(name, span, by, within_ms, tuple(known), without)


def _read_step(made: Declarations, name: str, by: str, within_ms: int, node: Node) -> tuple[str, int] | None:
    """The counter of a step, and how many of its events make it."""
    if node.entries is None:
        counter = count_series(made, name, node, by, within_ms, cap=_STEP_CAP)
        return (counter, 1) if counter is not None else None
    keys = read_mapping(node, schema.SEQUENCE_STEP, "a step", made.diagnostics)
    times = keys["times"].scalar if "times" in keys else 1
    if type(times) is not int or not 1 <= times <= MAX_STEP_TIMES:
        made.diagnostics.error(keys["times"].span, f"`times` is a whole number from 1 to {MAX_STEP_TIMES}")
        return None
    where = made.condition(keys["where"]) if "where" in keys else None
    if "event" not in keys or ("where" in keys and where is None):
        return None
    if where is not None and not reads_the_user_alone(made, where):
        return None
    text = keys["where"].text if "where" in keys else None
    counter = count_series(made, name, keys["event"], by, within_ms, where, text, cap=_STEP_CAP)
    return (counter, times) if counter is not None else None


def _read_absence(made: Declarations, name: str, span: Span, keys: Mapping[str, Node], by: str, within_ms: int) -> None:
    if "none" not in keys:
        made.diagnostics.error(span, f"sequence `{name}` needs `none`: what does not come after it")
        return
    if by != USER:
        message = f"it is waited for events of a user, not of {by}"
        made.diagnostics.error(keys["by"].span, message, f"by: {USER}")
        return
    after = count_series(made, f"{name} after", keys["after"], by, within_ms, cap=MAX_TIMERS + 1)
    none = count_series(made, f"{name} none", keys["none"], by, within_ms, cap=_NONE_CAP)
    if after is not None and none is not None:
        made.absences[name] = AbsenceDeclaration(name, span, within_ms, after, none)


def count_series(
    made: Declarations, name: str, node: Node, by: str, within_ms: int, where: Expr | None = None,
    where_text: str | None = None, *, cap: int,
) -> str | None:  # fmt: skip
    """Declare the counter of events of these types, which are sent; its name, which has a blank, as no name that is
    written has."""
    of = made.event_types(name, node)
    for kind in filter(is_follow_up, of):
        message = f"this is about events that are sent, `{written_type(kind)}` is made by the engine"
        made.diagnostics.error(node.span, message, "count it with a counter")
        return None
    if not of:
        return None
    made.counters[name] = CounterDeclaration(
        name=name, span=node.span, kind="count", field=None, of=of, by=by, over_ms=within_ms, where=where,
        where_text=where_text, cap=cap,
    )  # fmt: skip
    return name


def _within(made: Declarations, node: Node) -> int | None:
    within_ms = duration(node, made.diagnostics)
    if within_ms is not None and within_ms > MAX_WINDOW_MS:
        made.diagnostics.error(node.span, f"`within` is at most {MAX_WINDOW_MS // 86_400_000}d")
        return None
    return within_ms
