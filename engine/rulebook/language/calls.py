"""Calls of functions in an expression: how many arguments, of which types, and what is fixed among them."""

import ast
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from engine.keys.calendar import zone_names
from engine.keys.keywords import unmasked
from engine.rulebook.language.agreement import expect
from engine.rulebook.language.diagnostics import Diagnostics, Span, did_you_mean
from engine.rulebook.language.elsewhere import function_hint
from engine.rulebook.language.functions import FIXED, FUNCTIONS, Parameter
from engine.rulebook.language.nodes import Call, Constant, Expr, Ref, Search, Type, a_type
from engine.rulebook.language.patterns import as_skeleton, compiles, look_at_classes

_CLASS = re.compile(
    r"(?:\(\?i\))?(?:\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])+\]|\\[pP](?:\{\^?\w+\}|\w)|\\[dDwWsS]|[^\\.\[\](){}*+?|^$])"
)
"""A pattern of exactly one character."""

_OF_EVENTS = {"count": "; events are counted under `counters:`"}


@dataclass(frozen=True, slots=True)
class CallReader:
    """Reads calls. `read`: an argument; `pattern`: what stands between quotes there, as RE2 takes it; `span_of`: where
    it stands."""

    read: Callable[[ast.expr], Expr]
    pattern: Callable[[ast.expr], str | None]
    span_of: Callable[[ast.expr], Span]
    lists: Collection[str]
    diagnostics: Diagnostics

    def call(self, name: str, arguments: list[ast.expr], span: Span) -> Expr:
        """A call, or an error."""
        function = FUNCTIONS.get(name)
        if function is None:
            return self._wrong(span, f'there is no function "{name}"', function_hint(name, FUNCTIONS))
        most, least = len(function.takes), len(function.takes) - function.optional
        if not least <= len(arguments) <= most:
            number = f"{least} or {most}" if least < most else str(most)
            message = f"{name}() takes {number} argument{'s' * (most > 1)}, not {len(arguments)}"
            hint = f"write: {function.written(name)}{_OF_EVENTS.get(name, '')}"
            return self._wrong(span, message, hint)
        if any(kind in FIXED for kind in function.takes):
            return self._search(name, arguments, span)
        parts = [self.read(argument) for argument in arguments]
        for part, kind in zip(parts, function.takes, strict=False):
            self._settle(name, part, kind)
        if any(part.type == "wrong" for part in parts):
            return Expr(span, "wrong")
        if name == "skeleton" and isinstance(parts[0], Constant):
            return Constant(span, "text", unmasked(str(parts[0].value)))
        return Call(span, function.gives, name, parts)

    def _search(self, name: str, arguments: list[ast.expr], span: Span) -> Expr:
        """A call whose first argument is a text, and the others are fixed."""
        function, subject = FUNCTIONS[name], expect(self.diagnostics, self.read(arguments[0]), "text")
        read = {"pattern": self._pattern, "class": self._class, "list name": self._list}
        fixed = [
            read[kind](name, argument, subject)
            for argument, kind in zip(arguments[1:], function.takes[1:], strict=False)
        ]
        if subject.type == "wrong" or None in fixed:
            return Expr(span, "wrong")
        if isinstance(subject, Call) and "list name" in function.takes:
            subject.is_searched = True
        return Search(span, function.gives, name, subject, tuple(word for word in fixed if word is not None))

    def _settle(self, name: str, part: Expr, kind: Parameter) -> None:
        """Let an argument be of the type that its place asks for."""
        if kind == "name":
            if not isinstance(part, Ref):
                self._refuse(part, f"{name}() takes a name", f"{name}(account_age)")
        elif kind == "text or list":
            if part.type == "any":
                part.type = "text"
            elif part.type not in ("text", "list", "wrong"):
                self._refuse(part, f"{name}() takes a text or a list, this is {a_type(part.type)}")
        elif kind == "zone":
            expect(self.diagnostics, part, "text")
            if isinstance(part, Constant) and part.type == "text" and part.value not in zone_names():
                hint = did_you_mean(str(part.value), zone_names()) or 'for example "Europe/Berlin", or "UTC"'
                self._refuse(part, f'there is no time zone "{part.value}"', hint)
        else:
            needed: Type = kind  # type: ignore[assignment]  # what is left are types
            expect(self.diagnostics, part, needed)

    def _pattern(self, name: str, argument: ast.expr, subject: Expr) -> str | None:
        pattern, place = self.pattern(argument), self.span_of(argument)
        if pattern is None:
            self._wrong(place, f"{name}() needs a pattern in quotes", f'for example: {name}(text, "https?://")')
            return None
        if isinstance(subject, Call) and subject.function == "skeleton":
            pattern = as_skeleton(pattern, place, self.diagnostics)
        look_at_classes(pattern, place, self.diagnostics)
        return pattern if compiles(pattern, place, self.diagnostics) else None

    def _class(self, name: str, argument: ast.expr, subject: Expr) -> str | None:
        pattern = self._pattern(name, argument, subject)
        if pattern is not None and not _CLASS.fullmatch(pattern):
            place = self.span_of(argument)
            self._wrong(place, f"{name}() needs the pattern of one character", r'for example "[A-Z]" or "\p{Lu}"')
            return None
        return pattern

    def _list(self, name: str, argument: ast.expr, _: Expr) -> str | None:
        place = self.span_of(argument)
        match argument:
            case ast.Attribute(value=ast.Name(id="lists"), attr=listed):
                if listed in self.lists:
                    return listed
                hint = did_you_mean(listed, self.lists) or "declare it under `lists:`"
                self._wrong(place, f'unknown list "{listed}"', hint)
            case _:
                hint = f"write: {name}(text, lists.some_list), with `lists: {{some_list: {{values: [a, b]}}}}`"
                self._wrong(place, f"{name}() needs a declared list", hint)
        return None

    def _refuse(self, part: Expr, message: str, hint: str | None = None) -> None:
        if part.type != "wrong":
            self.diagnostics.error(part.span, message, hint)
            part.type = "wrong"

    def _wrong(self, span: Span, message: str, hint: str | None = None) -> Expr:
        self.diagnostics.error(span, message, hint)
        return Expr(span, "wrong")
