"""Reads the parameters of a rulebook: constants with names, the same for all events or one for each segment."""

from collections.abc import Iterable, Mapping

from engine.core.domain.units import duration_ms, size_bytes
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span, did_you_mean
from engine.rulebook.language.nodes import Choice, Constant, Expr, Ref, Type, a_type
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

MAX_SEGMENTS = 1_000
PARAMETER = "params."
"""How the names of parameters begin, where they are used."""
DURATION_KEYS = ("over", "for", "within", "decay", "lookback")
"""Keys outside of expressions in which a parameter may stand."""

_LARGEST = 1e18


def read_parameter(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one parameter into the declarations, or report what is wrong with it."""
    if node.entries is None:
        constant = constant_of(made, node)
        if constant is not None:
            made.params[name] = (constant, node)
        return
    keys = read_mapping(node, schema.PARAM, f"parameter `{name}`", made.diagnostics)
    if not {"default", "by", "values"} <= keys.keys():
        return
    subject, default = _segment(made, keys["by"]), constant_of(made, keys["default"])
    entries = keys["values"].entries
    if not entries or len(entries) > MAX_SEGMENTS:
        message = f"`values` maps the values of `by` to constants, {MAX_SEGMENTS:,} at most"
        made.diagnostics.error(keys["values"].span, message, "for example: {DE: 5, BR: 2}")
        return
    values = [(segment, constant_of(made, value)) for segment, value in entries.items()]
    known = [(segment, constant) for segment, constant in values if constant is not None]
    if subject is None or default is None or len(known) < len(values):
        return
    others = [(segment, constant) for segment, constant in known if constant.type != default.type]
    for segment, constant in others:
        message = f"{a_type(constant.type)} for `{segment}`, but the default is {a_type(default.type)}"
        made.diagnostics.error(constant.span, message)
    if others:
        return
    made.derived[f"params.{name}"] = (default.type, Choice(span, default.type, subject, known, default))
    made.depths[f"params.{name}"] = 0


def constant_of(made: Declarations, node: Node) -> Constant | None:
    """The constant in a node: true or false, a number, a duration, a size, a text. None, and an error, for others."""
    value, kind = node.scalar, "text"
    if isinstance(value, bool):
        kind = "bool"
    elif isinstance(value, int | float) and abs(value) < _LARGEST:
        kind = "number"
    elif isinstance(value, str):
        for unit, amount in (("duration", duration_ms(value)), ("size", size_bytes(value))):
            if amount is not None:
                value, kind = amount, unit
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not abs(value) < _LARGEST):
        made.diagnostics.error(node.span, f"a constant is needed here, this is {node.kind}", "such as 5, 7d or true")
        return None
    made_type: Type = kind  # type: ignore[assignment]  # one of five
    return Constant(node.span, made_type, value)


def fill_in(made: Declarations, node: Node) -> None:
    """Put parameters in the places of durations that name them."""
    for key, entry in (node.entries or {}).items():
        if key in DURATION_KEYS and (entry.text or "").startswith(PARAMETER):
            found = made.params.get((entry.text or "").removeprefix(PARAMETER))
            if found is not None:
                assert node.entries is not None
                node.entries[key] = Node(entry.span, text=found[1].text, scalar=found[1].scalar, exact=False)
            else:
                _refuse(made, key, entry)
        fill_in(made, entry)
    for item in node.items or ():
        fill_in(made, item)


def constants(made: Declarations, expr: Expr) -> Iterable[Constant]:
    """What an expression may be, where it is a constant or a parameter by segment; nothing for any other."""
    if isinstance(expr, Constant):
        return [expr]
    body = made.derived[expr.target][1] if isinstance(expr, Ref) and expr.kind == "derived" else None
    return [body.default, *(constant for _, constant in body.values)] if isinstance(body, Choice) else []


def _segment(made: Declarations, node: Node) -> Ref | None:
    """The text of the event that tells the segment."""
    ref = made.resolve(node.text or "", node.span)
    if ref is not None and ref.type == "any":
        ref.type = "text"
    if ref is not None and (ref.type != "text" or ref.kind not in ("field", "event")):
        made.diagnostics.error(node.span, "`by` is a text field of the event", "for example: by: country")
        return None
    return ref


def _refuse(made: Declarations, key: str, entry: Node) -> None:
    name = (entry.text or "").removeprefix(PARAMETER)
    if f"params.{name}" in made.derived:
        made.diagnostics.error(entry.span, f"`{key}` is the same for all events, `params.{name}` is not")
    elif f"params.{name}" not in made.spans:
        hint = did_you_mean(name, made.params) or "declare it under `params:`"
        made.diagnostics.error(entry.span, f'unknown parameter "{name}"', hint)
