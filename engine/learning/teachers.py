"""How much each moderator's labels count: whom the model has reason to doubt, and who repeats himself.

Doubt is relative. What counts is how often a moderator disagrees with the model compared with how often all of them
do: in a new campaign everybody does, and nobody loses trust; who alone calls a campaign harmless soon does. Repeated
labels of one moderator on look-alikes count less and less, so that nobody can bend the model about one campaign.
"""

from typing import TypeVar

import msgspec

Kept = TypeVar("Kept")

PATIENCE = 20.0
"""So many labels are counted as those of an average moderator before his own tell."""
TOLERATED = 2.0
"""Up to so many times the average disagreement, a moderator's labels count in full."""
FADE = 0.999
"""What a disagreement counts after one more label, of the same moderator or of all."""
REMEMBERED = 1_000
"""How many moderators, and how many campaigns of moderators, are remembered, the latest first."""
_LEAST = 0.02
"""No average disagreement is taken for less: a perfect model must not cost everybody's trust."""


class Record(msgspec.Struct):
    """Labels, disagreement (0 to 1 each), and what everybody's was on average at the time of each; all faded."""

    labels: float = 0.0
    disagreement: float = 0.0
    expected: float = 0.0

    def add(self, disagreement: float, expected: float) -> None:
        """One more label."""
        self.labels = self.labels * FADE + 1
        self.disagreement = self.disagreement * FADE + disagreement
        self.expected = self.expected * FADE + expected


class Teachers(msgspec.Struct):
    """What is known of the moderators. Part of a snapshot: whoever trains next goes on with it."""

    everybody: Record = msgspec.field(default_factory=Record)
    moderators: dict[str, Record] = {}
    repeats: dict[str, int] = {}

    def weight(self, moderator: str | None, campaign: int | None) -> float:
        """What the next label of this moderator counts, 0 to 1; anonymous labels count in full."""
        if moderator is None:
            return 1.0
        repeats = self.repeats.get(f"{moderator} {campaign}", 0) if campaign is not None else 0
        return self.trust(moderator) / (1 + repeats)

    def trust(self, moderator: str) -> float:
        """0 to 1, from how a moderator's disagreement compares with everybody's."""
        own = self.moderators.get(moderator)
        if own is None:
            return 1.0
        average = self._average()
        ratio = (own.disagreement + PATIENCE * average) / (own.expected + PATIENCE * average)
        return min(1.0, (TOLERATED / ratio) ** 2)

    def _average(self) -> float:
        """How much everybody disagrees these days."""
        labels = self.everybody.labels
        return max(_LEAST, self.everybody.disagreement / labels) if labels else 1.0

    def note(self, moderator: str | None, campaign: int | None, disagreement: float) -> None:
        """A label has come. `disagreement`: the probability that the model gave to the other verdict."""
        expected = self._average()
        self.everybody.add(disagreement, expected)
        if moderator is None:
            return
        _latest(self.moderators, moderator, self.moderators.get(moderator, Record())).add(disagreement, expected)
        if campaign is not None:
            key = f"{moderator} {campaign}"
            _latest(self.repeats, key, self.repeats.get(key, 0) + 1)


def _latest(known: dict[str, Kept], key: str, value: Kept) -> Kept:
    known.pop(key, None)
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
    return value
