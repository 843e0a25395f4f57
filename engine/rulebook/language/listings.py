"""Membership in what a rulebook declares: `url_domain in lists.bad`, `image in banks.known_scams`."""

from collections.abc import Collection
from dataclasses import dataclass

from engine.rulebook.language.agreement import expect
from engine.rulebook.language.diagnostics import Diagnostics, Span, did_you_mean
from engine.rulebook.language.keys import IMAGE, IN_BANKS, LIST_SOURCES
from engine.rulebook.language.nodes import Expr, Member, Ref

LISTS, BANKS = "lists", "banks"


@dataclass(frozen=True, slots=True)
class Listings:
    """The names of the lists and of the banks that are declared."""

    lists: Collection[str]
    banks: Collection[str]

    def member(self, kind: str, name: str, item: Expr, span: Span, place: Span, report: Diagnostics) -> Expr:
        """What a clause asks that stands at `span` and has `lists.name` or `banks.name` at `place`, or an error."""
        known = self.banks if kind == BANKS else self.lists
        hashed = item.target if isinstance(item, Ref) and item.kind == "keys" and item.target in IN_BANKS else None
        if name not in known:
            other, others = (LISTS, self.lists) if kind == BANKS else (BANKS, self.banks)
            there = f"write: {other}.{name}" if name in others else None
            hint = there or did_you_mean(name, known) or f"declare it under `{kind}:`"
            report.error(place, f'unknown {kind[:-1]} "{name}"', hint)
        elif kind == LISTS and hashed is not None:
            message = "copies of a picture differ in some bits, and a list has whole entries"
            report.error(place, message, f"declare it under `banks:`, and write: {hashed} in banks.{name}")
        elif kind == BANKS and isinstance(item, Ref) and item.target in {"text", "ip", *LIST_SOURCES} - {*IN_BANKS}:
            message = f"`{item.written}` is no picture, and a bank has pictures"
            report.error(item.span, message, f"write: {IMAGE} in banks.{name}")
        else:
            entry = item if item.type == "list" else expect(report, item, "text")
            return Member(span=span, type="bool", item=entry, list_name=name)
        return Expr(span, "wrong")
