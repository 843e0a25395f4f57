"""How much each moderator's labels count: whom the model and the colleagues have reason to doubt, and who repeats what
they have said.

Doubt is relative. What counts is how often a moderator is contradicted, compared with how often the others are: in a
new campaign everybody disagrees with the model, and nobody loses trust; who alone calls a campaign harmless soon does.
Their own labels are no part of what they are compared with, however many there are.

Two records are kept of each. One is about the scores that the model had given before. The other is about colleagues
who have judged the same event or a look-alike: each of them has a vote, and the model has one, so that of two who
contradict each other it is not both who lose. Repeated labels of one moderator on look-alikes count less and less, so
that nobody can bend the model about one campaign.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from math import sqrt
from typing import Literal

import msgspec

from engine.learning.opinions import Opinions
from engine.learning.recency import keep_latest

Judge = Literal["model", "colleagues"]
"""Against whom a label may stand."""

PATIENCE = 10.0
"""So many labels are counted as those of an average moderator before their own tell."""
TOLERATED = 2.0
"""Up to so many times the odds of the others' disagreement, a moderator's labels count in full."""
CHANCE = 4.0
"""So many standard deviations above the others' disagreement are taken for chance: of a hundred who are as good as each
other, some have met more than their share of what the model did not know."""
NEWCOMER = 3.0
"""Among experienced moderators the first label of one counts three quarters, the second four fifths, and so on: nobody
can be doubted before there is something to hold against them, and what they say until then is learned."""
FADE = 0.999
"""What a disagreement counts after one more label of the same moderator."""
REMEMBERED = 1_000
"""How many moderators, and how many campaigns of moderators, are remembered, the latest first."""
_LEAST = 0.02
"""No average disagreement is taken for less: a perfect model must not cost everybody's trust."""
_MOST = 0.98
_COARSE = 2.0**20
"""More than all records hold together. A number that has been added to it and taken from it again is a whole number of
2^-32: sums of such numbers are exact, whatever their order, so one that is kept is the one that would be added up."""


class TrustRecord(msgspec.Struct):
    """Labels, disagreement (0 to 1 each), and what the others' was on average at the time of each; all faded."""

    labels: float = 0.0
    disagreement: float = 0.0
    expected: float = 0.0

    def __post_init__(self) -> None:
        self.labels = self.labels + _COARSE - _COARSE
        self.disagreement = self.disagreement + _COARSE - _COARSE

    def add(self, disagreement: float, expected: float) -> None:
        """One more label."""
        self.labels = self.labels * FADE + 1 + _COARSE - _COARSE
        self.disagreement = self.disagreement * FADE + disagreement + _COARSE - _COARSE
        self.expected = self.expected * FADE + expected

    def trust(self, average: float) -> float:
        """0 to 1, from how the odds of disagreement compare with what was expected. `average`: the others', now."""
        usual, labels = PATIENCE * average, self.labels + PATIENCE
        own, expected = (self.disagreement + usual) / labels, _bounded((self.expected + usual) / labels)
        if own - expected <= CHANCE * sqrt(expected * (1 - expected) / labels):
            return 1.0
        return min(1.0, (TOLERATED * _odds(expected) / _odds(own)) ** 2)


class TrustSum:
    """The labels and disagreement of several records. Exact, as long as it is told of every change."""

    def __init__(self, records: Iterable[TrustRecord]) -> None:
        self.labels = self.disagreement = 0.0
        for record in records:
            self.add(record)

    def add(self, record: TrustRecord) -> None:
        """One more."""
        self.labels += record.labels
        self.disagreement += record.disagreement

    def take(self, record: TrustRecord) -> None:
        """One less."""
        self.labels -= record.labels
        self.disagreement -= record.disagreement

    def of_others(self, own: TrustRecord | None) -> float | None:
        """How much all others disagree on average; None where there are none to compare with."""
        labels, disagreement = self.labels, self.disagreement
        if own is not None:
            labels, disagreement = labels - own.labels, disagreement - own.disagreement
        return disagreement / labels if labels else None


class ModeratorTrust(msgspec.Struct, dict=True):
    """What is known of the moderators. `moderators`: against the model; `opposed`: against their colleagues and it;
    `anonymous`: labels of nobody. Part of a snapshot: whoever trains next goes on with it."""

    anonymous: TrustRecord = msgspec.field(default_factory=TrustRecord)
    moderators: dict[str, TrustRecord] = {}
    repeats: dict[str, int] = {}
    opposed: dict[str, TrustRecord] = {}
    opinions: Opinions = msgspec.field(default_factory=Opinions)

    def weight(self, moderator: str | None, campaign: int | None) -> float:
        """What the next label of this moderator counts, 0 to 1; anonymous labels count in full."""
        if moderator is None:
            return 1.0
        repeats = self.repeats.get(f"{moderator} {campaign}", 0) if campaign is not None else 0
        return self.trust(moderator) * self._experience(moderator) / (1 + repeats)

    def trust(self, moderator: str) -> float:
        """0 to 1: the lower of what the model and what the colleagues give reason for."""
        lowest = 1.0
        for records, everybody in self._judged():
            own = records.get(moderator)
            average = everybody.of_others(own) if own is not None else None
            if own is not None and average is not None:
                lowest = min(lowest, own.trust(average))
        return lowest

    def _experience(self, moderator: str) -> float:
        """What the next label counts for how few there are of this moderator. Where everybody is new, nobody is doubted
        for it: it is compared with what the others have on average."""
        known = self.moderators[moderator].labels if moderator in self.moderators else 0.0
        others = len(self.moderators) - (moderator in self.moderators)
        theirs = self._by_the_model.labels - self.anonymous.labels - known
        return min(1.0, _counted(known) / _counted(theirs / others)) if others else 1.0

    def weights_by_moderator(self) -> dict[str, float]:
        """The trust in each moderator of whom enough labels are known: everybody is added up once."""
        trusts = {name: 1.0 for name, own in self.moderators.items() if own.labels >= PATIENCE}
        for records, everybody in self._judged():
            for name in trusts.keys() & records.keys():
                average = everybody.of_others(records[name])
                if average is not None:
                    trusts[name] = min(trusts[name], records[name].trust(average))
        return trusts

    def share(self, moderator: str, against: Judge) -> float:
        """How much of a moderator's latest labels is contradicted."""
        own = (self.moderators if against == "model" else self.opposed).get(moderator)
        return own.disagreement / own.labels if own is not None else 0.0

    def note(self, moderator: str | None, campaign: int | None, disagreement: float) -> None:
        """A label has come. `disagreement`: the probability that the model gave to the other verdict."""
        if moderator is None:
            self._by_the_model.take(self.anonymous)
            self.anonymous.add(disagreement, disagreement)
            self._by_the_model.add(self.anonymous)
            return
        _add(self.moderators, self._by_the_model, moderator, disagreement)
        if campaign is not None:
            key = f"{moderator} {campaign}"
            keep_latest(self.repeats, key, self.repeats.get(key, 0) + 1, REMEMBERED)

    def compare(self, moderator: str, spam: bool, disagreement: float, colleagues: Mapping[str, bool]) -> None:
        """What colleagues say of the event or of look-alikes: spam or not. All of them and the model have a vote."""
        votes = {**colleagues, moderator: spam}
        for name, verdict in votes.items():
            against = disagreement if verdict is spam else 1 - disagreement
            against += sum(other is not verdict for other in votes.values())
            _add(self.opposed, self._by_colleagues, name, against / len(votes))

    @cached_property
    def _by_the_model(self) -> TrustSum:
        return TrustSum((self.anonymous, *self.moderators.values()))

    @cached_property
    def _by_colleagues(self) -> TrustSum:
        return TrustSum(self.opposed.values())

    def _judged(self) -> tuple[tuple[dict[str, TrustRecord], TrustSum], ...]:
        """The records of both kinds, and what they come to together."""
        return (self.moderators, self._by_the_model), (self.opposed, self._by_colleagues)


def _add(records: dict[str, TrustRecord], everybody: TrustSum, moderator: str, disagreement: float) -> None:
    own = records.pop(moderator, None)
    average = everybody.of_others(own)
    if own is None:
        own = TrustRecord()
    else:
        everybody.take(own)
    if len(records) == REMEMBERED:
        everybody.take(records.pop(next(iter(records))))
    own.add(disagreement, disagreement if average is None else average)
    records[moderator] = own
    everybody.add(own)


def _counted(labels: float) -> float:
    return (labels + NEWCOMER) / (labels + NEWCOMER + 1)


def _bounded(share: float) -> float:
    return max(_LEAST, min(_MOST, share))


def _odds(share: float) -> float:
    return (bounded := _bounded(share)) / (1 - bounded)
