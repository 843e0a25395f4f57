"""Those who came before a threshold: whom `also: earlier` reaches. This is docs/rules/write.md, written plainly.

A crossing is a moment at which a rule's clauses about an entity hold there: one at which something is counted, or at
which the rule's other clauses hold for an event. Each event within the lookback before it, for which these others held,
is acted on, whichever of the two arrives first.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.property.differential.counting import USUAL_CAP
from tests.property.differential.description import Book, Counter, Expr, Rule, is_among, milliseconds
from tests.property.differential.reading import key_of, target_of
from tests.property.differential.reference import Moment, Reference

MOST_APART = 16
"""So many stretches of time before crossings are kept at an entity; of more, nobody tells which are left."""

YES, NO = frozenset((True,)), frozenset((False,))

Place = tuple[str, tuple[str, ...]]
"""A rule, and the entity that it is asked about."""

Stretches = list[tuple[int, int]]
"""From after a time until another one, apart from one another."""


class Match(NamedTuple):
    """A rule acts on an event that was there before."""

    rule: str
    moment: Moment


@dataclass(slots=True)
class Came:
    """An event for which a rule's clauses about the event hold; where not `is_certain`, nobody can tell. `is_over`:
    the rule has acted on it."""

    moment: Moment
    is_certain: bool
    is_over: bool = False


@dataclass(slots=True)
class Lookbacks:
    """What has come to entities, and at which times there was enough. `lost`: the rules of which nobody can tell any
    more whom they reach."""

    book: Book
    reference: Reference
    counting: dict[str, Counter]
    lost: set[str] = field(default_factory=set)
    _came: dict[Place, list[Came]] = field(default_factory=dict)
    _crossed: dict[Place, set[int]] = field(default_factory=dict)

    def visit(self, moment: Moment) -> list[Match]:
        """An event, or a follow-up, has entered counters: whom rules reach now, in order."""
        rules = [(name, one) for name, one in self.book.rules.items() if one.lookback is not None]
        return [match for name, rule in rules if name not in self.lost for match in self._look_back(name, rule, moment)]

    def take_back(self, counter: str) -> None:
        """Entries of a counter go. What holds only while there is little may hold now, and nobody looks."""
        for name, rule in self.book.rules.items():
            theirs, _ = self._split(rule)
            if rule.lookback is not None and counter in self.book.names_read(theirs.clauses()):
                self.lost.add(name)

    def _look_back(self, name: str, rule: Rule, moment: Moment) -> list[Match]:
        theirs, ours = self._split(rule)
        counters = [self.counting[one] for one in self.book.names_read(theirs.clauses()) & self.counting.keys()]
        (by,) = {one.by for one in counters if _is_shared(one)}
        longest = max(milliseconds(one.over) for one in counters)
        key = key_of(Counter("count", None, (), by, "1s"), self.book, moment.fields, moment.values())
        if key is None:
            return []
        came, crossed = self._came.setdefault((name, key), []), self._crossed.setdefault((name, key), set())
        own = self._come(rule, ours, moment)
        certain, doubtful = self._times(by, key, [*came, *own])
        for time in sorted(one for one in certain | doubtful if moment.time <= one <= moment.time + longest):
            asked = Moment(self.book, moment.fields, time, self.reference.entered, moment.doubts, kind=moment.kind)
            holds = asked.holds(theirs)
            if holds == YES and time in certain:
                crossed.add(time)
                if time == moment.time:
                    own = []  # it is decided itself
            elif holds != NO and (time == moment.time or not _reaches(crossed, rule, time)):
                self.lost.add(name)
                return []
        came += own
        return self._release(name, rule, came, crossed)

    def _split(self, rule: Rule) -> tuple[Rule, Rule]:
        """What a rule asks about an entity, and what it asks about the event and its user."""
        theirs, ours = (
            rule._replace(
                when=tuple(one for one in rule.when if self._is_about_entity(one) == wanted),
                any=tuple(one for one in rule.any if self._is_about_entity(one) == wanted),
                unless=tuple(one for one in rule.unless if self._is_about_entity(one) == wanted),
            )
            for wanted in (True, False)
        )
        return theirs, ours

    def _is_about_entity(self, clause: Expr) -> bool:
        return any(_is_shared(self.counting[one]) for one in self.book.names_read([clause]) & self.counting.keys())

    def _come(self, rule: Rule, ours: Rule, moment: Moment) -> list[Came]:
        """The event, if the rule's clauses about it hold, and it names whom to act on."""
        if not is_among(moment.kind, rule.events) or target_of(self.book, moment.fields, rule.then[0].target) is None:
            return []
        holds = moment.holds(ours)
        return [Came(moment, holds == YES)] if holds != NO else []

    def _times(self, by: tuple[str, ...], key: tuple[str, ...], came: list[Came]) -> tuple[set[int], set[int]]:
        """When something is there for certain, and when something may be: counters without room give entries up, and
        what is in doubt need not be there."""
        certain = {one.moment.time for one in came if one.is_certain}
        doubtful = {one.moment.time for one in came if not one.is_certain}
        for name, counter in self.counting.items():
            own = [one for one in self.reference.entered.get(name) or [] if one.key == key]
            if counter.by == by and own:
                is_whole = len(own) <= (counter.cap or USUAL_CAP) and not any(one.is_taken_back for one in own)
                for one in own:
                    (certain if is_whole and one.is_plain else doubtful).add(one.time)
        return certain, doubtful - certain

    def _release(self, name: str, rule: Rule, came: list[Came], crossed: set[int]) -> list[Match]:
        if len(_stretches(crossed, rule)) > MOST_APART:
            self.lost.add(name)
            return []
        reached = [one for one in came if not one.is_over and _is_within(_stretches(crossed, rule), one.moment.time)]
        if not all(one.is_certain for one in reached):
            self.lost.add(name)
            return []
        for one in reached:
            one.is_over = True
        ordered = sorted(reached, key=lambda one: (one.moment.time, one.moment.fields["event_id"]))
        return [Match(name, one.moment) for one in ordered]


def _is_shared(counter: Counter) -> bool:
    return counter.by != ("user_id",)


def _reaches(crossed: set[int], rule: Rule, time: int) -> bool:
    """Whether one more crossing would reach nobody whom others do not."""
    assert rule.lookback is not None
    before = time - milliseconds(rule.lookback)
    return any(after <= before and time <= until for after, until in _stretches(crossed, rule))


def _stretches(crossed: set[int], rule: Rule) -> Stretches:
    assert rule.lookback is not None
    found: Stretches = []
    for time in sorted(crossed):
        after = time - milliseconds(rule.lookback)
        if found and after <= found[-1][1]:
            found[-1] = found[-1][0], time
        else:
            found.append((after, time))
    return found


def _is_within(stretches: Stretches, time: int) -> bool:
    return any(after < time <= until for after, until in stretches)
