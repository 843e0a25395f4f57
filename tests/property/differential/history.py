"""What becomes of events: rules meet them and act on them, moderators judge them, actions are revoked. Each such thing
is a follow-up, which enters counters and which rules may be about. What is taken back goes out of all counters.

This is docs/rules/reputation.md, written plainly: all entries stand in lists, and nothing is ever forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.property.differential.counting import Entry
from tests.property.differential.description import (
    Absence,
    Arriving,
    Book,
    Deed,
    Labelled,
    Revoked,
    Rule,
    Sent,
    is_among,
    milliseconds,
)
from tests.property.differential.reading import TOLERANCE_MS, claimed_time, target_of
from tests.property.differential.reference import Moment, Reference

Entered = list[tuple[str, Entry]]
"""What one follow-up is to counters, by name."""


class Told(NamedTuple):
    """Whether a rule holds for the follow-up of an event: every right answer; None where nobody can tell."""

    rule: str
    moment: Moment
    right: frozenset[bool | None] | None

    @property
    def met(self) -> tuple[str, str]:
        """The rule, and the event."""
        return self.rule, self.moment.fields["event_id"]


@dataclass(slots=True)
class Followed:
    """What has followed from an action."""

    kind: str
    entered: Entered


def done(rule: Rule, moment: Moment) -> list[tuple[Deed, str]]:
    """What a rule that holds does, and to whom: nothing in shadow, nor for an event that does not name whom its first
    action is about. A further one is left out for such an event."""
    targets = [(deed, target_of(moment.book, moment.fields, deed.target)) for deed in rule.then]
    if rule.is_shadow or targets[0][1] is None:
        return []
    return [(deed, target) for deed, target in targets if target is not None]


@dataclass(slots=True)
class History:
    """Takes all that arrives, in its order: `begin`, then `end`, when the event has been decided. `doubtful`: rules of
    which nobody can tell whether there is something that they are about."""

    book: Book
    doubts: bool = True
    warms: bool = False
    reference: Reference = field(init=False)
    _moments: list[Moment | None] = field(default_factory=list)
    _ids: list[tuple[Any, ...]] = field(default_factory=list)
    _events: dict[tuple[Any, ...], tuple[str, Entered]] = field(default_factory=dict)
    _actions: dict[tuple[int, str], list[Followed] | None] = field(default_factory=dict)
    _told: list[Told] = field(default_factory=list)
    _waits: list[tuple[int, str, Moment]] = field(default_factory=list)
    _clock: int = 0
    _place: int = 0
    doubtful: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.reference = Reference(self.book, self.doubts, self.warms)

    def begin(self, arriving: Arriving) -> Moment | None:
        """The moment at which an event is decided; None for one that was sent again, and for what is no event."""
        self._told, self.doubtful, self._place = [], set(), len(self._moments)
        if isinstance(arriving, Sent):
            self._pass_time(claimed_time(dict(arriving.document), arriving.arrived_ms))
        moment = self.reference.take(arriving) if isinstance(arriving, Sent) else None
        self._moments.append(moment)
        document = arriving.document if isinstance(arriving, Sent) else {}
        self._ids.append(tuple(document.get(name) for name in ("user_id", "type", "event_id")))
        if moment is not None:
            self._wait(moment)
        return moment

    def end(self, arriving: Arriving) -> list[Told]:
        """What follows, and what rules about follow-ups say of it."""
        moment = self._moments[-1]
        if moment is not None:
            self._conclude(moment)
        elif isinstance(arriving, Labelled):
            self._judge(arriving)
        elif isinstance(arriving, Revoked):
            self._revoke(arriving)
        return self._told

    # -- what does not come ------------------------------------------------------------------------

    def _wait(self, moment: Moment) -> None:
        for name, one in self.book.sequences.items():
            if isinstance(one, Absence) and is_among(moment.kind, one.after):
                self._waits.append((moment.time + milliseconds(one.within), name, moment))

    def _pass_time(self, now: int) -> None:
        """The waits end before which nothing can arrive any more: clocks differ by twice their tolerance."""
        self._clock = max(self._clock, now)
        over = [one for one in self._waits if one[0] < self._clock - 2 * TOLERANCE_MS]
        self._waits = [one for one in self._waits if one not in over]
        ends = [due for due, _, _ in over]
        for due, name, moment in sorted(over, key=lambda one: one[0]):
            if not self._has_come(name, moment, due):
                self._follow(f"absent.{name}", moment.fields, due, is_told=ends.count(due) == 1)

    def _has_come(self, name: str, about: Moment, due: int) -> bool:
        absence = self.book.sequences[name]
        assert isinstance(absence, Absence)
        return any(
            one is not None
            and one.fields["user_id"] == about.fields["user_id"]
            and is_among(one.kind, absence.none)
            and about.time < one.time <= due
            for one in self._moments
        )

    # -- what moderators say, and what is revoked ----------------------------------------------------

    def _judge(self, label: Labelled) -> None:
        """A verdict takes the place of the one before it. The same one again says nothing new. Of the events of one
        id it is about the newest."""
        event = self._ids[label.place]
        moment = next(
            moment for moment, one in zip(reversed(self._moments), reversed(self._ids), strict=True)
            if moment is not None and one == event
        )  # fmt: skip
        before, entered = self._events.get(event, ("retracted", []))
        if before == label.verdict:
            return
        self._take_back(entered)
        entered = []
        if label.verdict != "retracted":
            entered = self._follow(f"label.{label.verdict}", moment.fields, label.ts)
        self._events[event] = label.verdict, entered

    def _revoke(self, revoked: Revoked) -> None:
        """The action goes, and with the first action of a hit the hit."""
        followed = self._actions.get((revoked.place, revoked.rule), [])
        if followed is None:  # nobody can tell whether there has been such an action
            for kind in self._kinds(revoked.rule, self.book.rules[revoked.rule]):
                self._lose(kind)
            return
        for one in followed:
            if one.kind == revoked.kind:
                self._take_back(one.entered)
                one.entered = []

    def _take_back(self, entered: Entered) -> None:
        for name, entry in entered:
            entries = self.reference.entered[name]
            if entries is not None:
                at = next(at for at, one in enumerate(entries) if one is entry)
                entries[at] = entry._replace(is_taken_back=True)

    # -- what follows from a decision ----------------------------------------------------------------

    def _conclude(self, moment: Moment) -> None:
        """The hits of the rules that hold, and their actions. They have the event's fields, and its time."""
        self._bring_about(moment, [(name, rule, moment.holds(rule)) for name, rule in self._about(moment.kind)])

    def _bring_about(self, moment: Moment, answers: list[tuple[str, Rule, frozenset[bool | None] | None]]) -> None:
        place = self._place
        for name, rule, right in answers:
            if right is None or len(right) > 1:
                for kind in self._kinds(name, rule):
                    self._lose(kind)
                self._actions[place, name] = None
            elif right == {True}:
                deeds = done(rule, moment)
                if not deeds and not rule.is_shadow:  # the docs do not tell whether that is a hit
                    self._lose(f"hit.{name}")
                    continue
                entered = self._follow(self._kinds(name, rule)[0], moment.fields, moment.time)
                followed = []
                for deed, _ in deeds:
                    entered += self._follow(f"action.{deed.kind}", moment.fields, moment.time)
                    entered += self._follow("action.any", moment.fields, moment.time)
                    followed.append(Followed(deed.kind, entered))
                    entered = []
                known = self._actions.setdefault((place, name), [])
                if known is not None:
                    known += followed

    def _about(self, kind: str) -> Iterator[tuple[str, Rule]]:
        return ((name, rule) for name, rule in self.book.rules.items() if is_among(kind, rule.events))

    def _kinds(self, name: str, rule: Rule) -> list[str]:
        """All kinds of follow-ups that a hit of a rule may bring about, that of the hit first."""
        if rule.is_shadow:
            return [f"shadow.{name}"]
        return [f"hit.{name}", *(f"action.{deed.kind}" for deed in rule.then), "action.any"]

    def _follow(self, kind: str, fields: dict[str, Any], time: int, is_told: bool = True) -> Entered:
        """A follow-up enters counters, and then rules about it decide. Of some at a time nobody tells what they say, as
        they have no order."""
        moment = self.reference.moment(kind, fields, time)
        entered = [
            (name, entry)
            for name, counter in self.reference.counting()
            for entry in self.reference.enter(name, counter, moment)
        ]
        rules = [*self._about(kind)]
        answers = [(name, rule, moment.holds(rule) if is_told else None) for name, rule in rules]
        self._told += [Told(name, moment, right) for name, _, right in answers]
        self._bring_about(moment, answers)
        return entered

    def _lose(self, kind: str) -> None:
        """Nobody can tell whether there is such a follow-up, nor what counters of such ones say from now on, nor rules
        about it now."""
        for name, counter in self.reference.counting():
            if kind in counter.of:
                self.reference.entered[name] = None
        for name, rule in self._about(kind):
            if name not in self.doubtful:
                self.doubtful.add(name)
                for each in self._kinds(name, rule):
                    self._lose(each)
