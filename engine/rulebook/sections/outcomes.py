"""The `outcomes:` section: what may come of an event later, as a label that the stream itself gives."""

from collections.abc import Mapping

from engine.core.domain.kinds import is_pair
from engine.core.domain.outcomes import Otherwise
from engine.core.domain.rules import USER
from engine.core.domain.units import DURATION_MS
from engine.core.evaluation.outcomes import MAX_CAME, MAX_OPEN, RECENTLY_MS
from engine.core.state.entities import MAX_WINDOW_MS
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Expr
from engine.rulebook.language.reading import choice, duration, read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import reached
from engine.rulebook.sections.entities import entity_kind
from engine.rulebook.sections.ordered import OutcomeDeclaration
from engine.rulebook.sections.sequences import count_series

_MOST_MS = 366 * DURATION_MS["d"]


def read_outcome(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one outcome into the declarations, or report what is wrong with it."""
    report, title = made.diagnostics, f"outcome `{name}`"
    keys = read_mapping(node, schema.OUTCOME, title, report)
    by = _entity(made, keys["by"]) if "by" in keys else None
    times = _times(made, title, span, keys)
    said = choice(keys["otherwise"], schema.OTHERWISE, "`otherwise`", report) if "otherwise" in keys else "no"
    value = _value(made, keys["value"]) if "value" in keys else None
    if by is None or times is None or said is None or not {"after", "is"} <= keys.keys():
        return
    if "value" in keys and value is None:
        return
    if said == "unknown" and value is None:
        message = f"{title} would be yes or unknown, and never no: nothing can be learned of it"
        report.error(keys["otherwise"].span, message, "leave `otherwise` out, or say with `value` what is a no")
        return
    over_ms = min(times[1], MAX_WINDOW_MS)
    after = count_series(made, f"{name} outcome after", keys["after"], USER, over_ms, cap=MAX_OPEN + 1)
    comes = count_series(made, f"{name} outcome is", keys["is"], USER, RECENTLY_MS, cap=MAX_CAME + 1)
    if after is None or comes is None:
        return
    otherwise: Otherwise = "unknown" if said == "unknown" else "no"
    made.outcomes[name] = OutcomeDeclaration(
        name=name, span=span, after=made.counters[after].of, comes=made.counters[comes].of, by=by, from_ms=times[0],
        until_ms=times[1], otherwise=otherwise, counters=(after, comes), value=value,
        value_text=keys["value"].text if "value" in keys else None,
    )  # fmt: skip


def _entity(made: Declarations, node: Node) -> str | None:
    by = entity_kind(made, node)
    if by is not None and (by in made.clusters or is_pair(by)):
        made.diagnostics.error(node.span, "events meet by fields that both have", f"by: [{USER}, target_id]")
        return None
    return by


def _times(made: Declarations, title: str, span: Span, keys: Mapping[str, Node]) -> tuple[int, int] | None:
    """After what time, and until when."""
    report = made.diagnostics
    if ("within" in keys) == ("between" in keys):
        report.error(span, f"{title} needs exactly one of within and between", "within: 24h")
        return None
    nodes = [keys["within"]] if "within" in keys else keys["between"].items or []
    if "between" in keys and len(nodes) != 2:
        report.error(keys["between"].span, "`between` is a list of two durations", "between: [1d, 2d]")
        return None
    times = [duration(each, report) for each in nodes]
    known = [each for each in times if each is not None]
    if len(known) < len(times):
        return None
    from_ms, until_ms = (0, *known)[-2:]
    if until_ms > _MOST_MS:
        report.error(nodes[-1].span, f"an outcome is waited for at most {_MOST_MS // DURATION_MS['d']}d")
        return None
    if from_ms >= until_ms:
        report.error(nodes[-1].span, "the second duration of `between` is longer than the first", "between: [1d, 2d]")
        return None
    return from_ms, until_ms


def _value(made: Declarations, node: Node) -> Expr | None:
    """What an event that comes says, of its own fields: nothing else is known where it is waited for."""
    expr = made.condition(node)
    for ref in reached(made, expr) if expr is not None else ():
        if ref.kind not in ("field", "event", "value", "keys"):
            message = f"`{ref.written}` is not known where an outcome is read"
            made.diagnostics.error(ref.span, message, "`value` names fields of the event that comes")
            return None
    return expr
