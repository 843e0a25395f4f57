"""THE slow evaluator: every counter is counted anew from all that has arrived. It shares no code with the engine.

A clause has one answer, or two that are both right. Two there are where a counter has had to give entries up:
`best` counts all that has ever arrived, `kept` only what is certain to be there. The engine may give either one; where
even `kept` is certain, so has the engine to be. Where neither can be told, the clause is not compared (`NotToldError`).

- A counter with `cap: n` keeps the n newest entries. A window that begins before the newest entry that had to go is
  "at least as many as are left". Without a `cap` it is exact for events in order; one that comes late may find so
  little only when more than 32 entries have come.
- Distinct values with a cap: for events in order at least min(truth, cap), for late ones nothing is promised.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Any

from tests.property.differential.counting import Entry, number, total, what_is_kept
from tests.property.differential.description import (
    BUILT_IN,
    STATISTICS,
    Absence,
    Book,
    Counter,
    Expr,
    Memory,
    Param,
    Ratio,
    Rule,
    Sent,
    Sequence,
    is_among,
    is_name_of,
    milliseconds,
)
from tests.property.differential.measuring import measured
from tests.property.differential.ordering import completed, parts_of
from tests.property.differential.reading import (
    CLASSES,
    TEXTS,
    at,
    claimed_time,
    factor,
    invalid_fields,
    key_of,
    look_up,
    raw,
    subjects,
    write_ids,
)
from tests.property.differential.remembering import Remembered, recalled, warmed
from tests.property.differential.texts import function, moment, search, stands_alone, test
from tests.property.differential.values import ANYTHING, Least, NotToldError, Number, call, compare, compute, low, share

REMEMBERED = 64


@dataclass(slots=True)
class Moment:
    """An event, as rules see it: its fields, when it counts, the entries of all counters up to now, what was remembered
    before it, and the entries before it. `kind`: its type, which of a follow-up is not that of the event that it is
    about."""

    book: Book
    fields: dict[str, Any]
    time: int
    entries: Mapping[str, list[Entry] | None]
    doubts: bool
    remembered: Mapping[str, list[Remembered] | None] = field(default_factory=dict)
    watched: Mapping[str, list[int]] = field(default_factory=dict)
    warms: bool = False
    earlier: Mapping[str, list[Entry] | None] = field(default_factory=dict)
    kind: str = ""
    computed: dict[str, Any] | None = None

    def values(self) -> dict[str, Any]:
        """What is computed of the event's fields."""
        if self.computed is None:
            self.computed = {name: View(self, True).value(("name", name)) for name in self.book.computed}
        return self.computed

    def answers(self, expr: Expr) -> frozenset[bool | None]:
        """Every right answer to a clause. Raises NotToldError."""
        return frozenset(View(self, kept).truth(expr) for kept in (False, True))

    def told(self, expr: Expr) -> frozenset[bool | None] | None:
        """The same; None where nobody can tell."""
        try:
            return self.answers(expr)
        except NotToldError:
            return None

    def holds(self, rule: Rule) -> frozenset[bool | None] | None:
        """Whether all of `when`, one of `any` and none of `unless` are so for certain: every right answer."""
        each = [self.told(one) for one in rule.clauses()]
        told = [one for one in each if one is not None]
        if len(told) < len(each):
            return None
        first, second = len(rule.when), len(rule.when) + len(rule.any)
        return frozenset(
            all(one is True for one in results[:first])
            and (not rule.any or any(one is True for one in results[first:second]))
            and all(one is False for one in results[second:])
            for results in product(*told)
        )


@dataclass(slots=True)
class Reference:
    """Takes events in the order of their arrival. Without `doubts`, what cannot be read counts as if it were not
    there. With `warms`, it also matters for how long something has been watched."""

    book: Book
    doubts: bool = True
    warms: bool = False
    entered: dict[str, list[Entry] | None] = field(default_factory=dict)
    remembered: dict[str, list[Remembered] | None] = field(default_factory=dict)
    watched: dict[str, list[int]] = field(default_factory=dict)
    recent: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    disorder: dict[str, int] = field(default_factory=dict)
    arrived: dict[str, int] = field(default_factory=dict)

    def take(self, sent: Sent) -> Moment | None:
        """The moment at which an event is decided; None for one that was sent again."""
        fields = dict(sent.document)
        write_ids(fields)
        seen = self.recent.setdefault(fields["user_id"], [])
        event = (fields["type"], fields["event_id"], sent.written())
        if event in seen[-REMEMBERED:]:
            return None
        conflicting = any(one[:2] == event[:2] for one in seen[-REMEMBERED:])
        seen.append(event)
        time = self._in_order(fields, claimed_time(fields, sent.arrived_ms), sent.arrived_ms)
        fields |= {"conflicting_ids": conflicting, "invalid_fields": invalid_fields(self.book, fields)}
        fields["ts"] = time
        look_up(self.book, fields, sent.arrived_ms)
        for name in TEXTS:
            if not isinstance(fields.get(name), str) or name in fields["invalid_fields"]:
                fields.pop(name, None)
        moment = self.moment(fields["type"], fields, time)
        for name, memory in self.book.values.items():
            self._remember(name, memory, moment)
            if self.warms and is_among(moment.kind, memory.of):
                self.watched.setdefault(name, []).append(time)
        for name, counter in self.counting():
            self.enter(name, counter, moment)
        return moment

    def _in_order(self, fields: dict[str, Any], claimed: int, arrived_ms: int) -> int:
        """When an event counts. Of each user's that are earlier than the newest eight are believed, and one more for
        eight that are not; others count when they arrive, or with the newest. A day without events makes up for all.
        What arrives earlier than what came before it, or than the newest event, is believed."""
        user = fields["user_id"]
        newest, disorder = self.newest.get(user, claimed), self.disorder.get(user, 0)
        time = claimed
        if claimed > newest:
            disorder = disorder - 1 if disorder and claimed - newest < 86_400_000 else 0
        elif claimed < newest and arrived_ms < min(newest, self.arrived.get(user, newest)):
            return claimed
        elif claimed < newest:
            disorder = min(disorder + 8, 256)
            time = max(arrived_ms, newest) if disorder > 64 else claimed
        self.newest[user], self.disorder[user], self.arrived[user] = max(newest, time), disorder, arrived_ms
        return time

    def counting(self) -> Iterator[tuple[str, Counter]]:
        """All counters, and what sequences and marks count, in their order."""
        yield from self.book.counters.items()
        for name, sequence in self.book.sequences.items():
            if isinstance(sequence, Sequence):
                yield from parts_of(name, sequence).items()
        for name in self.book.marks:
            yield f"marked.{name}", self.book.marked(name)

    def moment(self, kind: str, fields: dict[str, Any], time: int) -> Moment:
        """A moment before anything of it has entered."""
        before = {name: list(entries) if entries is not None else None for name, entries in self.remembered.items()}
        earlier = {name: list(entries) if entries is not None else None for name, entries in self.entered.items()}
        watched = {name: [*each] for name, each in self.watched.items()}
        return Moment(self.book, fields, time, self.entered, self.doubts, before, watched, self.warms, earlier, kind)

    def _remember(self, name: str, memory: Memory, moment: Moment) -> None:
        entries = self.remembered.setdefault(name, [])
        key = key_of(memory, moment.book, moment.fields, {})
        if entries is None or key is None or not is_among(moment.kind, memory.of):
            return
        matches: bool | None = True
        if memory.where is not None:
            try:
                (matches,) = moment.answers(memory.where)
            except (NotToldError, ValueError):
                self.remembered[name] = None
                return
        value = View(moment, False).value(("name", memory.field)) if memory.field is not None else True
        if matches is True and value is not None:
            entries.append(Remembered(moment.time, key, True, value))
        elif matches is None and self.doubts:
            entries.append(Remembered(moment.time, key, False, None))

    def enter(self, name: str, counter: Counter, moment: Moment) -> list[Entry]:
        """Enter what an event is to a counter; what has entered."""
        entries = self.entered.setdefault(name, [])
        values = moment.values()
        key = key_of(counter, moment.book, moment.fields, values)
        if entries is None or key is None or not is_among(moment.kind, counter.of):
            return []
        matches: bool | None = True
        if counter.where is not None:
            try:
                (matches,) = moment.answers(counter.where)
            except (NotToldError, ValueError):  # nor can any answer of this counter be told from now on
                self.entered[name] = None
                return []
        doubtful = matches is None and self.doubts  # (a)
        if matches is not True and not doubtful:
            return []
        new = [
            Entry(moment.time, key, not doubtful, value, readable or not self.doubts)
            for value, readable in subjects(counter, moment.book, moment.fields, values)
        ]
        entries += new
        return new


class View:
    """Values at a moment. `kept`: counters have no more than what they are certain to have kept."""

    def __init__(self, moment: Moment, kept: bool) -> None:
        self._moment, self._kept, self._rounded = moment, kept, False

    def truth(self, expr: Expr) -> bool | None:
        """True, False or None (unknown)."""
        match expr:
            case ("not", inner):
                found = self.truth(inner)
                return None if found is None else not found
            case ("and", *inner):
                each = [self.truth(one) for one in inner]
                return False if False in each else None if None in each else True
            case ("or", *inner):
                each = [self.truth(one) for one in inner]
                return True if True in each else None if None in each else False
            case ("chain", first, op, middle, other, last):
                return self.truth(("and", ("compare", op, first, middle), ("compare", other, middle, last)))
            case ("rule", str(name)):
                return self._held(self._moment.book.rules[name])
            case ("known", inner):
                known, book = self.value(inner) is not None, self._moment.book
                if is_name_of(
                    inner, {*book.values, *book.derived, *book.sequences, *(f"marked.{mark}" for mark in book.marks)}
                ):
                    other = View(self._moment, not self._kept).value(inner) is not None
                    if known != other:  # either is right, and one is not the other with less in it
                        raise NotToldError
                return known
            case ("const", bool(constant)):
                return constant
            case ("name" | "event", *_):
                found = self.value(expr)
                return found if isinstance(found, bool) else None
        return self._tested(expr)

    def _tested(self, expr: Expr) -> bool | None:
        self._rounded = False
        operands = {"compare": expr[2:], "contains": expr[1:], "test": expr[2:]}.get(expr[0], expr[1:2])
        values = [self.value(one) for one in operands]
        if any(value is None for value in values):
            return None
        match expr:
            case ("compare", op, _, _):
                if self._rounded and math.isclose(low(values[0]), low(values[1]), rel_tol=1e-9, abs_tol=1e-9):
                    raise NotToldError  # it hangs on the order of floating-point operations
                return compare(op, *values)
            case ("in", _, among) if isinstance(values[0], Least):
                return False if all(one < values[0].bound for one in among) else None
            case ("in", _, among):
                return values[0] in among
            case ("in list", _, name):
                return values[0] in self._moment.book.lists[name]
            case ("contains", _, _):
                return values[0] in values[1]
            case ("test", name, _, _):
                return test(name, *values)
            case ("contains any", _, name):
                return any(entry in values[0] for entry in self._moment.book.lists[name])
            case ("contains word", _, name):
                return any(stands_alone(entry, values[0]) for entry in self._moment.book.lists[name])
            case ("matches", _, pattern):
                return re.search(pattern, values[0]) is not None
        raise AssertionError(f"no condition: {expr}")

    def value(self, expr: Expr) -> Any:
        """A number, a bound, a text, a list, a truth value; None where it is unknown."""
        match expr:
            case ("const", constant):
                return constant
            case ("duration", str(written)):
                return milliseconds(written)
            case ("param", str(name)):
                return self._parameter(self._moment.book.params[name])
            case ("event", path, wanted):
                value = at(self._moment.fields, path)
                return value if wanted == "any" or type(value) in CLASSES[wanted] else None
            case ("name", str(name)):
                return self._named(name)
            case ("arithmetic", op, left, right):
                one, other = self.value(left), self.value(right)
                return None if one is None or other is None else compute(op, one, other)
            case ("search", name, inner, *patterns):
                text = self.value(inner)
                return None if text is None else search(name, text, patterns)
            case ("call", name, *arguments):
                values = [self.value(one) for one in arguments]
                if any(value is None for value in values):
                    return None
                return call(name, values) if name in ("min", "max", "abs") else function(name, values)
        return self.truth(expr)

    def _named(self, name: str) -> Any:
        book = self._moment.book
        if name in book.values:
            return self._recalled(name, book.values[name])
        if name in book.computed:
            return self.value(book.computed[name])
        if name in book.counters:
            return self._counted(name, book.counters[name])
        if name in book.scores:
            return self._scored(book.scores[name])
        if name in book.sequences:
            return self._completed(name, book.sequences[name])
        if name.startswith("marked."):
            counted = self._counted(name, book.marked(name.removeprefix("marked.")))
            return compare(">=", counted, 1) if counted is not None else None
        if name in book.derived:
            return self._derived(book.derived[name])
        declared = book.declared(name)
        value = raw(book, self._moment.fields, name)
        if declared is not None and declared.type == "time":
            return moment(value)
        if type(value) not in CLASSES[declared.type if declared is not None else BUILT_IN[name]]:
            return None
        return value * factor(book, name) if declared is not None and declared.unit is not None else value

    def _derived(self, body: Expr | Ratio) -> Any:
        if isinstance(body, Ratio):
            self._rounded |= body.wilson
            return share(self.value(body.numerator), self.value(body.denominator), body.at_least, body.wilson)
        value = self.value(body)
        return None if value == ANYTHING else value

    def _recalled(self, name: str, memory: Memory) -> Any:
        key, entries = key_of(memory, self._moment.book, self._moment.fields, {}), self._moment.remembered.get(name, [])
        if entries is None:
            raise NotToldError
        if key is None:
            return None
        answer, now = recalled(memory, entries, key, self._moment.time, self._kept), self._moment.time
        if not self._moment.warms:
            return answer
        return warmed(memory, answer, self._moment.watched.get(name, []), now, self._kept)

    def _completed(self, name: str, sequence: Sequence | Absence) -> bool | None:
        assert isinstance(sequence, Sequence)
        moment, each = self._moment, parts_of(name, sequence)
        parts = [moment.entries.get(part, []) for part in each]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            raise NotToldError
        key = key_of(next(iter(each.values())), moment.book, moment.fields, moment.values())
        if key is None:
            return None
        own = [[one for one in part if one.key == key] for part in known]
        return completed(sequence, own, moment.time - milliseconds(sequence.within), moment.time, self._kept)

    def _parameter(self, one: Param) -> float:
        """That of the event's segment; another one is no text, or none of those that are listed."""
        if one.by is None:
            return one.default
        path = one.by.removeprefix("event.")
        segment = self.value(("event", path, "text")) if path != one.by else self._named(one.by)
        return next((value for word, value in one.values if word == segment), one.default)

    def _held(self, rule: Rule) -> bool | None:
        """Whether all clauses of a rule hold; they do not for an event that the rule is not about."""
        if not is_among(self._moment.kind, rule.events):
            return False
        any_of = (("or", *rule.any),) if rule.any else ()
        return self.truth(("and", *rule.when, *any_of, *(("not", one) for one in rule.unless)))

    def _scored(self, terms: tuple[tuple[Expr, float], ...]) -> Number:
        """The points of the terms that hold; where some are unknown, the least that it may come to."""
        held = [(self.truth(term), Decimal(str(points))) for term, points in terms]
        certain = sum(points for holds, points in held if holds)
        lost = sum(points for holds, points in held if holds is None and points < 0)
        total = float(certain + lost)
        return Least(total) if any(holds is None for holds, _ in held) else total

    # -- counters ---------------------------------------------------------------------------------

    def _counted(self, name: str, counter: Counter) -> Number | None:
        values, now = self._moment.values(), self._moment.time
        key = key_of(counter, self._moment.book, self._moment.fields, values, counter.read_by)
        entries = (self._moment.earlier if counter.before else self._moment.entries).get(name, [])
        if entries is None:
            raise NotToldError
        if key is None:
            return None
        ever, start = [one for one in entries if one.key == key], now - milliseconds(counter.over)
        if counter.kind in STATISTICS or counter.having is not None:
            self._rounded = True
            return measured(counter, ever, start, now, self._kept)
        # Where something is in doubt, nobody need remember that it has been taken back.
        own = [one for one in ever if not one.is_taken_back or (self._kept and not one.is_plain)]
        inside = [one for one in own if start < one.time <= now]
        if counter.kind == "sum":
            return total(inside, self._kept)
        late = any(one.time > now for one in ever)
        if counter.approx and late:
            raise NotToldError  # a value that has been seen again since is only known there
        if self._kept:  # what is in doubt makes every window that begins before it a bound
            inside += [one for one in own if one.time > now and not one.is_plain]
        found = number(inside, counter.kind, self._kept)
        if counter.approx:  # it is known or unknown
            return None if self._kept and isinstance(found, Least) else found
        if self._kept:
            return what_is_kept(counter, [one for one in ever if one.certain], start, now, late, found)
        return found
