"""Macros: clauses with a name, put into the rules that name them as if they were written there."""

import re
from collections.abc import Mapping

from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Constant, Expr, Logical, a_type
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.parameters import constant_of
from engine.rulebook.sections.records import Macro

MAX_CLAUSES = 32
_USE = re.compile(r"\s*([a-z_][a-z0-9_]*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_ARGUMENT = re.compile(r"[a-z_][a-z0-9_]*")
_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_CALL = re.compile(rf"{_QUOTED}|\b([a-z_][a-z0-9_]*)\(")
_PART = re.compile(rf"(?:{_QUOTED}|[^,])+")

Written = tuple[str, Expr]
"""A clause or a constant: its text, and its expression."""


def read_macro(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one macro into the declarations, or report what is wrong with it. Its clauses are read where it is used."""
    keys, arguments = {"clauses": node}, dict[str, tuple[str, Constant]]()
    if node.items is None:
        keys = read_mapping(node, schema.MACRO, f"macro `{name}`", made.diagnostics)
        arguments = _declared(made, keys["args"]) if "args" in keys else arguments
    clauses = keys["clauses"].items if "clauses" in keys else None
    if "clauses" not in keys:
        return
    if clauses is None or not 0 < len(clauses) <= MAX_CLAUSES or any(clause.text is None for clause in clauses):
        message = f"a macro is a list of clauses, {MAX_CLAUSES} at most"
        made.diagnostics.error(keys["clauses"].span, message, "for example: [account_age < 7d, not verified]")
    else:
        made.macros[name] = Macro(arguments, clauses)


def check_macros(made: Declarations) -> None:
    """Report what is wrong in any macro, used or not."""
    for macro in made.macros.values():
        _clauses(made, macro, macro.arguments)


def expanded(made: Declarations, node: Node) -> list[Written] | None:
    """The clauses that a node stands for, if it names a macro; None for any other node."""
    use = _USE.fullmatch(node.text or "") if isinstance(node.scalar, str) else None
    macro = made.macros.get(use[1]) if use is not None else None
    if use is None or macro is None:
        return None
    arguments = _told(made, node, macro, use[1], use[2] or "")
    return _clauses(made, macro, arguments) if arguments is not None else []


def condition(made: Declarations, node: Node) -> Written | None:
    """The one condition that a node stands for: a clause, or all clauses of a macro. None, and an error, for others."""
    clauses = expanded(made, node)
    if clauses is None:
        call = next((call[1] for call in _CALL.finditer(node.text or "") if call[1] in made.macros), None)
        if call is not None:
            made.diagnostics.error(node.span, f"`{call}` is a macro, which stands alone as a clause")
            return None
        expr = made.condition(node)
        return (_on_one_line(node), expr) if expr is not None else None
    if len(clauses) < 2:
        return clauses[0] if clauses else None
    text = " and ".join(f"({text})" if " or " in text else text for text, _ in clauses)
    return text, Logical(node.span, "bool", "and", [expr for _, expr in clauses])


def _on_one_line(node: Node) -> str:
    return " ".join((node.text or "").split())


def _declared(made: Declarations, node: Node) -> dict[str, tuple[str, Constant]]:
    """What each argument is where nothing else is told."""
    arguments = {}
    if node.entries is None:
        made.diagnostics.error(node.span, "`args` maps names to what each is otherwise", "for example: {age: 7d}")
    for name, value in (node.entries or {}).items():
        constant = constant_of(made, value)
        if not _ARGUMENT.fullmatch(name) or name in made.fields:
            made.diagnostics.error(node.keys[name], f'"{name}" cannot be an argument', "choose another name")
        elif constant is not None:
            text = f'"{value.text}"' if constant.type == "text" else value.text or ""
            arguments[name] = text, constant
    return arguments


def _clauses(made: Declarations, macro: Macro, arguments: Mapping[str, tuple[str, Constant]]) -> list[Written]:
    """The clauses with these arguments in their places, in their texts as well."""
    made.arguments = {name: constant for name, (_, constant) in arguments.items()}
    read = [(node, made.condition(node)) for node in macro.clauses]
    made.arguments = {}
    names = re.compile(rf"{_QUOTED}|(?<![\w.])({'|'.join(arguments) or '(?!)'})\b")
    return [
        (names.sub(lambda match: arguments[match[1]][0] if match[1] else match[0], _on_one_line(node)), expr)
        for node, expr in read
        if expr is not None
    ]


def _told(
    made: Declarations, node: Node, macro: Macro, name: str, written: str
) -> Mapping[str, tuple[str, Constant]] | None:
    """The arguments of one use; those that are not told are as they were declared."""
    parts = [part.strip() for part in _PART.findall(written)]
    if len(parts) > len(macro.arguments):
        takes = f"{len(macro.arguments) or 'no'} argument{'s' * (len(macro.arguments) != 1)}"
        made.diagnostics.error(node.span, f"macro `{name}` takes {takes}, not {len(parts)}")
        return None
    arguments = dict(macro.arguments)
    for (argument, (_, otherwise)), part in zip(macro.arguments.items(), parts, strict=False):
        value = made.value(Node(node.span, text=part, scalar=part, exact=False))
        if value is None:
            return None
        if not isinstance(value, Constant) or value.type != otherwise.type:
            message = f"`{argument}` of macro `{name}` is {a_type(otherwise.type)}, `{part}` is not"
            made.diagnostics.error(node.span, message)
            return None
        arguments[argument] = part, value
    return arguments
