"""What becomes of events: rules meet them and act on them, moderators judge them, actions are revoked. Each such thing
is a follow-up, which enters counters and which rules may be about. What is taken back goes out of all counters.

This is docs/rules/reputation.md, written plainly: all entries stand in lists, and nothing is ever forgotten.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.property.differential.counting import Entry
from tests.property.differential.description import (
    Absence,
    Arriving,
    Book,
    Counter,
    Deed,
    Labelled,
    Revoked,
    Rule,
    Sent,
    is_among,
    is_follow_up,
    milliseconds,
)
from tests.property.differential.enforcing import Enforcing, done
from tests.property.differential.looking_back import Lookbacks, Match
from tests.property.differential.reading import TOLERANCE_MS, claimed_time
from tests.property.differential.reference import Moment, Reference

Entered = list[tuple[str, Entry]]
"""What one follow-up is to counters, by name."""


IDS = ("event_id", "type", "user_id", "ts")

Answers = list[tuple[str, Rule, frozenset[bool | None] | None]]
"""Rules, and whether each holds: every right answer; None where nobody can tell."""


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
    moment: Moment
    strikes: bool = True


@dataclass(slots=True)
class History:
    """Takes all that arrives, in its order: `begin`, then `end`, when the event has been decided. `doubtful`: rules of
    which nobody can tell whether there is something that they are about; `did`: what rules did to events, None where
    nobody can tell; `reached`: the rules that have reached earlier events, and these."""

    book: Book
    doubts: bool = True
    warms: bool = False
    reference: Reference = field(init=False)
    _counting: dict[str, Counter] = field(init=False)
    _moments: list[Moment | None] = field(default_factory=list)
    _ids: list[tuple[Any, ...]] = field(default_factory=list)
    _events: dict[tuple[Any, ...], tuple[str, Entered]] = field(default_factory=dict)
    _actions: dict[tuple[int, str], list[Followed] | None] = field(default_factory=dict)
    _told: list[Told] = field(default_factory=list)
    _waits: list[tuple[int, str, Moment]] = field(default_factory=list)
    _clock: int = 0
    _place: int = 0
    doubtful: set[str] = field(default_factory=set)
    did: dict[tuple[str, str], list[tuple[Deed, str]] | None] = field(default_factory=dict)
    _enforcing: Enforcing = field(default_factory=Enforcing)
    reached: set[tuple[str, str]] = field(default_factory=set)
    _lookbacks: Lookbacks = field(init=False)
    _matches: list[Match] = field(default_factory=list)
    _ends: int = 0
    _later: list[tuple[Moment, Answers]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reference = Reference(self.book, self.doubts, self.warms)
        self._counting = dict(self.reference.counting())
        self._lookbacks = Lookbacks(self.book, self.reference, self._counting)

    def begin(self, arriving: Arriving) -> Moment | None:
        """The moment at which an event is decided; None for one that was sent again, and for what is no event."""
        self._told, self.doubtful, self._place = [], set(), len(self._moments)
        self.did, self.reached, self._ends, self._matches = {}, set(), 0, []
        self._lose_sight(self.lost)
        if isinstance(arriving, Sent):
            self._pass_time(claimed_time(dict(arriving.document), arriving.arrived_ms))
        moment = self.reference.take(arriving) if isinstance(arriving, Sent) else None
        self._moments.append(moment)
        document = arriving.document if isinstance(arriving, Sent) else {}
        self._ids.append(tuple(document.get(name) for name in ("user_id", "type", "event_id")))
        if moment is not None:
            self._wait(moment)
            self._matches = self._visit(moment)
        return moment

    def end(self, arriving: Arriving) -> list[Told]:
        """What follows, and what rules about follow-ups say of it."""
        moment = self._moments[-1]
        for about, answers in self._later:
            self._bring_about(about, answers)
        self._later = []
        self._reach(self._matches)
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
        self._ends = len(over)
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
        nothing: list[Followed] | None = None if revoked.rule in self.lost else []
        followed, rule = self._actions.get((revoked.place, revoked.rule), nothing), self.book.rules.get(revoked.rule)
        if rule is None:
            return
        if followed is None:  # nobody can tell whether there has been such an action
            for kind in self._kinds(revoked.rule, rule):
                self._lose(kind)
            self._enforcing.lose(revoked.rule, rule)
            return
        for one in followed:
            if one.kind == revoked.kind:
                self._take_back(one.entered)
                one.entered = []
                if one.strikes:
                    self._enforcing.forgive(rule, one.moment)
                    one.strikes = False

    def _take_back(self, entered: Entered) -> None:
        for name, entry in entered:
            self._lookbacks.take_back(name)
            entries = self.reference.entered[name]
            if entries is not None:
                at = next(at for at, one in enumerate(entries) if one is entry)
                entries[at] = entry._replace(is_taken_back=True)

    # -- what follows from a decision ----------------------------------------------------------------

    def _conclude(self, moment: Moment) -> None:
        """The hits of the rules that hold, and their actions. They have the event's fields, and its time."""
        self._bring_about(moment, [(name, rule, moment.holds(rule)) for name, rule in self._about(moment.kind)])

    def _bring_about(self, moment: Moment, answers: Answers, is_earlier: bool = False) -> None:
        """The hits first, and then the actions. What follows from an earlier event knows its ids and its user alone."""
        fields = {name: moment.fields[name] for name in IDS} if is_earlier else moment.fields
        acted = list[tuple[str, list[Deed], Entered]]()
        for name, rule, right in answers:
            met = name, moment.fields["event_id"]
            if right is None or len(right) > 1:
                self._give_up(name, rule, self._kinds(name, rule))
                self.did[met] = None
            elif right == {True}:
                deeds = self._enforcing.meet(name, rule, moment)
                self.did[met] = deeds
                if not done(rule, moment):
                    continue  # nothing can be done, so it is no hit for others
                entered = self._follow(self._kinds(name, rule)[0], fields, moment.time)
                if deeds is None:
                    self._give_up(name, rule, self._kinds(name, rule)[1:])
                elif deeds:
                    acted.append((name, [deed for deed, _ in deeds], entered))
        for name, each, hit in acted:
            for at, deed in enumerate(each):
                kinds = (f"action.{deed.kind}", "action.any")
                entered = [one for kind in kinds for one in self._follow(kind, fields, moment.time)]
                known = self._actions.setdefault((self._place, name), [])
                if known is not None:
                    known.append(Followed(deed.kind, entered if at else [*hit, *entered], moment))

    def _give_up(self, name: str, rule: Rule, kinds: list[str]) -> None:
        """Nobody can tell whether a rule has met an event, or has rested."""
        for kind in kinds:
            self._lose(kind)
        self._actions[self._place, name] = None
        self._enforcing.lose(name, rule)

    # -- those who came before -----------------------------------------------------------------------

    def _visit(self, moment: Moment) -> list[Match]:
        before = set(self.lost)
        matches = self._lookbacks.visit(moment)
        self._lose_sight(self.lost - before)
        return matches

    def _reach(self, matches: list[Match]) -> None:
        for name, moment in matches:
            right = frozenset((True,))
            self._told.append(Told(name, moment, right))
            self.reached.add(self._told[-1].met)
            self._bring_about(moment, [(name, self.book.rules[name], right)], is_earlier=True)

    @property
    def lost(self) -> set[str]:
        """The rules of which nobody can tell any more whom they reach."""
        return self._lookbacks.lost

    def _lose_sight(self, names: Iterable[str]) -> None:
        """Nobody can tell whom these rules reach."""
        for name in names:
            self.doubtful.add(name)
            self._enforcing.lose(name, self.book.rules[name])
            for kind in self._kinds(name, self.book.rules[name]):
                self._lose(kind)

    def _about(self, kind: str) -> Iterator[tuple[str, Rule]]:
        return ((name, rule) for name, rule in self.book.rules.items() if is_among(kind, rule.events))

    def _kinds(self, name: str, rule: Rule) -> list[str]:
        """All kinds of follow-ups that a hit of a rule may bring about, that of the hit first."""
        if rule.is_shadow:
            return [f"shadow.{name}"]
        steps = self.book.ladders[rule.ladder].steps if rule.ladder is not None else ()
        deeds = [*rule.then, *(deed for _, deed in steps)]
        return [f"hit.{name}", *(f"action.{deed.kind}" for deed in deeds), "action.any"]

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
        answers = [
            (name, rule, moment.holds(rule) if is_told and self._is_ordered(rule, kind) else None)
            for name, rule in rules
        ]
        self._told += [Told(name, moment, right) for name, _, right in answers]
        self._reach(self._visit(moment))
        if kind.startswith("absent."):  # what comes of it counts after the event that has told the time
            self._later.append((moment, answers))
        else:
            self._bring_about(moment, answers)
        return entered

    def _is_ordered(self, rule: Rule, kind: str) -> bool:
        """Whether a rule about a follow-up reads nothing that others of the same event enter: these have no order."""
        is_alone = kind.startswith("label.") or (kind.startswith("absent.") and self._ends == 1)
        asked = {each for name in self._counters_read(rule) for each in self._counting[name].of}
        return is_alone or all(
            not is_follow_up(each) or each == kind or each.startswith(("label.", "absent.")) for each in asked
        )

    def _counters_read(self, rule: Rule) -> set[str]:
        return self.book.names_read(rule.clauses()) & self._counting.keys()

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
