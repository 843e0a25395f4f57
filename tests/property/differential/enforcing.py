"""What rules that hold do: they act, rest, and climb ladders. This is docs/rules/write.md, written plainly."""

from dataclasses import dataclass, field

from tests.property.differential.description import Book, Counter, Deed, Rest, Rule, milliseconds
from tests.property.differential.reading import TEXTS, key_of, target_of
from tests.property.differential.reference import Moment

Deeds = list[tuple[Deed, str]]
"""What is done, and to whom."""


def done(rule: Rule, moment: Moment) -> Deeds:
    """What a rule that holds and acts does, and to whom: nothing for an event that does not name whom its first action
    is about. A further one is left out for such an event."""
    book = moment.book
    deeds = [_aimed(book, deed) for deed in rule.then]
    targets = [(deed, target_of(book, moment.fields, deed.target)) for deed in deeds]
    if targets[0][1] is None:
        return []
    return [(deed, target) for deed, target in targets if target is not None]


def _aimed(book: Book, deed: Deed) -> Deed:
    """A mark is about the user, or about what is marked where an action can be."""
    if deed.kind != "mark":
        return deed
    by, lasts = book.marks[deed.scope]
    declared = book.declared(by[0])
    is_text = by[0] in TEXTS or (declared is not None and declared.type == "text")
    target = "user" if by == ("user_id",) else by[0] if len(by) == 1 and is_text else "event"
    return deed._replace(target=target, lasts=lasts)


@dataclass(slots=True)
class Enforcing:
    """Where rules rest, and which strikes users have. `lost`: the rules and ladders of which nobody can tell."""

    lost: set[str] = field(default_factory=set)
    _rested: dict[tuple[str | None, ...], int] = field(default_factory=dict)
    _strikes: dict[tuple[str, str, str], list[tuple[int, Moment]]] = field(default_factory=dict)

    def lose(self, name: str, rule: Rule) -> None:
        """Nobody can tell whether a rule has met an event."""
        self.lost |= {name} if rule.ladder is None else {name, rule.ladder}

    def meet(self, name: str, rule: Rule, moment: Moment) -> Deeds | None:
        """What a rule that holds does; None where nobody can tell whether it rests, or how many strikes there are."""
        deeds = done(rule, moment)
        if not deeds:
            return []
        if rule.rest is not None:
            if name in self.lost:
                return None
            if self._rests(name, rule.rest, moment):
                return []
        if rule.ladder is not None:
            if rule.ladder in self.lost:
                return None
            deeds = self._strike(name, rule, rule.ladder, moment)
        return [] if rule.is_shadow else deeds

    def forgive(self, rule: Rule, moment: Moment) -> None:
        """An action is revoked: what its rule has met is no strike for it any more."""
        if rule.ladder is not None:
            own = self._strikes[moment.fields["user_id"], rule.ladder, ""]
            own.remove(next(strike for strike in own if strike[1] is moment))

    def _rests(self, name: str, rest: Rest, moment: Moment) -> bool:
        """Whether a rule rests where an event is; if not, it does from now on. At the user, where the event does not
        name the entity."""
        counted = Counter("count", None, (), rest.per, rest.lasts)
        key = key_of(counted, moment.book, moment.fields, moment.values()) or (None, moment.fields["user_id"])
        last = self._rested.get((name, *key))
        if last is not None and abs(moment.time - last) < milliseconds(rest.lasts):
            return True
        self._rested[name, *key] = max(moment.time, last if last is not None else 0)
        return False

    def _strike(self, name: str, rule: Rule, ladder: str, moment: Moment) -> Deeds:
        """What is done after as many strikes as there are. Rules in shadow have their own."""
        decay, steps = moment.book.ladders[ladder]
        own = self._strikes.setdefault((moment.fields["user_id"], ladder, name if rule.is_shadow else ""), [])
        own.append((moment.time, moment))
        since = moment.time - milliseconds(decay)
        count = len({id(one) for time, one in own if since < time <= moment.time})
        reached = [deed for at, deed in steps if at <= count][-1:]
        return [(deed, target) for deed in reached if (target := target_of(moment.book, moment.fields, deed.target))]
