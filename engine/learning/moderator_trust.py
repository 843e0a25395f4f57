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

from collections.abc import Mapping
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
FADE = 0.999
"""What a disagreement counts after one more label of the same moderator."""
REMEMBERED = 1_000
"""How many moderators, and how many campaigns of moderators, are remembered, the latest first."""
_LEAST = 0.02
"""No average disagreement is taken for less: a perfect model must not cost everybody's trust."""
_MOST = 0.98
_ROUNDING = 1e-6
"""Fewer labels are what is left of none by subtraction."""


class TrustRecord(msgspec.Struct):
    """Labels, disagreement (0 to 1 each), and what the others' was on average at the time of each; all faded."""

    labels: float = 0.0
    disagreement: float = 0.0
    expected: float = 0.0

    def add(self, disagreement: float, expected: float) -> None:
        """One more label."""
        self.labels = self.labels * FADE + 1
        self.disagreement = self.disagreement * FADE + disagreement
        self.expected = self.expected * FADE + expected

    def trust(self, average: float) -> float:
        """0 to 1, from how the odds of disagreement compare with what was expected. `average`: the others', now."""
        own, expected = (
            (amount + PATIENCE * average) / (self.labels + PATIENCE) for amount in (self.disagreement, self.expected)
        )
        return min(1.0, (TOLERATED * _odds(expected) / _odds(own)) ** 2)


class ModeratorTrust(msgspec.Struct):
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
        return self.trust(moderator) / (1 + repeats)

    def trust(self, moderator: str) -> float:
        """0 to 1: the lower of what the model and what the colleagues give reason for."""
        lowest = 1.0
        for records in (self.moderators, self.opposed):
            own, average = records.get(moderator), _others(self._sum(records), records.get(moderator))
            if own is not None and average is not None:
                lowest = min(lowest, own.trust(average))
        return lowest

    def weights_by_moderator(self) -> dict[str, float]:
        """The trust in each moderator of whom enough labels are known: everybody is added up once."""
        trusts = {name: 1.0 for name, own in self.moderators.items() if own.labels >= PATIENCE}
        for records in (self.moderators, self.opposed):
            everybody = self._sum(records)
            for name in trusts.keys() & records.keys():
                average = _others(everybody, records[name])
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
            self.anonymous.add(disagreement, disagreement)
            return
        self._add(self.moderators, moderator, disagreement)
        if campaign is not None:
            key = f"{moderator} {campaign}"
            keep_latest(self.repeats, key, self.repeats.get(key, 0) + 1, REMEMBERED)

    def compare(self, moderator: str, spam: bool, disagreement: float, colleagues: Mapping[str, bool]) -> None:
        """What colleagues say of the event or of look-alikes: spam or not. All of them and the model have a vote."""
        votes = {**colleagues, moderator: spam}
        for name, verdict in votes.items():
            against = disagreement if verdict is spam else 1 - disagreement
            against += sum(other is not verdict for other in votes.values())
            self._add(self.opposed, name, against / len(votes))

    def _add(self, records: dict[str, TrustRecord], moderator: str, disagreement: float) -> None:
        average = _others(self._sum(records), records.get(moderator))
        own = keep_latest(records, moderator, records.get(moderator, TrustRecord()), REMEMBERED)
        own.add(disagreement, disagreement if average is None else average)

    def _sum(self, records: Mapping[str, TrustRecord]) -> tuple[float, float]:
        """Everybody's labels and disagreement these days."""
        nobodys = self.anonymous if records is self.moderators else TrustRecord()
        labels = sum((record.labels for record in records.values()), nobodys.labels)
        return labels, sum((record.disagreement for record in records.values()), nobodys.disagreement)


def _others(everybody: tuple[float, float], own: TrustRecord | None) -> float | None:
    """How much all others disagree on average; None where there are none to compare with."""
    labels, disagreement = everybody
    if own is not None:
        labels, disagreement = labels - own.labels, max(0.0, disagreement - own.disagreement)
    return disagreement / labels if labels > _ROUNDING else None


def _odds(share: float) -> float:
    bounded = max(_LEAST, min(_MOST, share))
    return bounded / (1 - bounded)
