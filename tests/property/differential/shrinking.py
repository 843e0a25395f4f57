"""Makes a case that differs small, and tells it to people."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from engine.errors import RulebookError
from tests.property.differential.description import Arriving, Book, Counter, Expr, Ratio, Sent, is_condition, parts
from tests.property.differential.running import Case, Difference

Differs = Callable[[Case], Difference | None]
_NEEDED = ("event_id", "type", "user_id")


def shrink(case: Case, differs: Differs) -> tuple[Case, Difference]:
    """The smallest case that is found by leaving out one thing after the other, and its difference."""
    found = differs(case)
    assert found is not None
    while True:
        for smaller in _smaller(case, found):
            try:
                difference = differs(smaller)
            except RulebookError:  # something that is left out was needed
                continue
            if difference is not None:
                case, found = smaller, difference
                break
        else:
            return case, found


def _smaller(case: Case, found: Difference) -> Iterator[Case]:
    """Cases with less in them, the greatest leaps first."""
    stream, book = case.stream, case.book
    if len(stream) > found.place + 1:
        yield replace(case, stream=stream[: found.place + 1])
    if case.stored:
        yield replace(case, stored=False)
    yield from (replace(case, clauses=some) for some in _fewer(case.clauses))
    yield from (replace(case, stream=_linked(stream, some)) for some in _fewer(stream))
    for section in (
        "rules",
        "scores",
        "derived",
        "sequences",
        "counters",
        "values",
        "lists",
        "tables",
        "fields",
        "params",
        "marks",
        "ladders",
    ):
        yield from (replace(case, book=replace(book, **{section: some})) for some in _without(getattr(book, section)))
    for number, clause in enumerate(case.clauses):
        for one in _simpler(clause):
            yield replace(case, clauses=[*case.clauses[:number], one, *case.clauses[number + 1 :]])
    yield from (replace(case, book=one) for one in _simpler_books(book))
    for number, sent in enumerate(stream):
        for one in _simpler_events(sent) if isinstance(sent, Sent) else ():
            yield replace(case, stream=[*stream[:number], one, *stream[number + 1 :]])


def _fewer(some: list[Any]) -> Iterator[list[Any]]:
    """Without each half, quarter, ... and each single one."""
    size = len(some) // 2
    while size:
        for start in range(0, len(some), size):
            yield some[:start] + some[start + size :]
        size //= 2


def _linked(stream: list[Arriving], kept: list[Arriving]) -> list[Arriving]:
    """What is left of a stream: without what is about something that is left out, and with the new places."""
    while True:
        places = {id(one): at for at, one in enumerate(kept)}
        known = [one for one in kept if isinstance(one, Sent) or id(stream[one.place]) in places]
        if len(known) == len(kept):
            break
        kept = known
    return [one if isinstance(one, Sent) else one._replace(place=places[id(stream[one.place])]) for one in kept]


def _without(some: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if len(some) > 1:
        yield {}
    for name in some:
        yield {each: value for each, value in some.items() if each != name}


def _simpler(expr: Expr) -> Iterator[Expr]:
    """Those of its parts that are a condition or a value as it is, and itself with a simpler part."""
    yield from (part for part in parts(expr) if is_condition(part) == is_condition(expr))
    for at, part in enumerate(expr):
        if part in parts(expr):
            yield from ((*expr[:at], one, *expr[at + 1 :]) for one in _simpler(part))


def _simpler_books(book: Book) -> Iterator[Book]:
    for name, counter in book.counters.items():
        for one in _simpler_counters(counter):
            yield replace(book, counters={**book.counters, name: one})
    for name, computed in book.computed.items():
        for expr in _simpler(computed):
            yield replace(book, computed={**book.computed, name: expr})
    for name, body in book.derived.items():
        if not isinstance(body, Ratio):
            for expr in _simpler(body):
                yield replace(book, derived={**book.derived, name: expr})
    for name, terms in book.scores.items():
        for fewer in _fewer(list(terms)):
            yield replace(book, scores={**book.scores, name: tuple(fewer)})
    for name, rule in book.rules.items():
        if len(rule.then) > 1:
            yield from (replace(book, rules={**book.rules, name: rule._replace(then=(one,))}) for one in rule.then)
        if rule.rest is not None:
            yield replace(book, rules={**book.rules, name: rule._replace(rest=None)})
        if rule.macro is not None:
            yield replace(book, rules={**book.rules, name: rule._replace(macro=None)})
        for group in ("when", "any", "unless"):
            clauses = getattr(rule, group)
            for at, clause in enumerate(clauses):
                for some in ((), *((one,) for one in _simpler(clause))):
                    kept: dict[str, Any] = {group: (*clauses[:at], *some, *clauses[at + 1 :])}
                    changed = rule._replace(**kept)
                    yield replace(book, rules={**book.rules, name: changed})


def _simpler_counters(counter: Counter) -> Iterator[Counter]:
    if counter.where is not None:
        yield counter._replace(where=None)
        yield from (counter._replace(where=one) for one in _simpler(counter.where))
    if counter.cap is not None:
        yield counter._replace(cap=None)
    if counter.before:
        yield counter._replace(before=False)
    if counter.at_least:
        yield counter._replace(at_least=0)
    if counter.having is not None:
        yield counter._replace(having=None)
    if counter.excluded is not None:
        yield counter._replace(excluded=None)
    if counter.read_by is not None:
        yield counter._replace(read_by=None)
    elif len(counter.by) > 1:
        yield from (counter._replace(by=(one,)) for one in counter.by)
    if counter.of != ("any",):
        yield counter._replace(of=("any",))


def _simpler_events(sent: Sent) -> Iterator[Sent]:
    document = sent.document
    for name in document:
        if name not in _NEEDED:
            yield sent._replace(document={each: value for each, value in document.items() if each != name})


def told(case: Case, found: Difference) -> str:
    """A case and its difference, as people read them."""
    begin = case.stream[0].arrived_ms
    events = [f"  {(one.arrived_ms - begin) / 1000:>8.3f} s  {_shown(one, begin)}" for one in case.stream]
    rows = [f"  {name}: {row}" for name, one in case.book.tables.items() if not one.is_file for row in one.rows]
    way = "through the workers" if case.stored else "in memory"
    return "\n".join(
        [case.book.yaml(), *(["rows of topics:", *rows] if rows else []),
         f"events, {way} (ts in seconds after the first arrival):", *events,
         f"at the event {found.place + 1}: {found.asked}",
         f"  engine: {found.answer}", f"  right:  {found.right}",
         *(["  (as it was before doubts were kept)"] if found.known else [])]
    )  # fmt: skip


def _shown(sent: Arriving, begin: int) -> str:
    if not isinstance(sent, Sent):
        return str(sent)
    ts = sent.document.get("ts")
    return json.dumps({**sent.document, "ts": (ts - begin) / 1000} if isinstance(ts, int) else sent.document)
