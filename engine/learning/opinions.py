"""What moderators have said about campaigns lately: whether the others agree with a label on a look-alike."""

import msgspec

from engine.learning.kernel import least_index
from engine.learning.labels import Example
from engine.learning.recency import keep_latest

CAMPAIGNS = 200
"""How many campaigns are remembered, the latest first."""
HEARD = 5
"""How many moderators are remembered of each, the latest first."""


class Opinions(msgspec.Struct):
    """By campaign, the last verdict of each moderator: whether it is spam."""

    verdicts: dict[str, dict[str, bool]] = msgspec.field(default_factory=dict, name="said")

    def hear(self, moderator: str, campaign: int, spam: bool) -> dict[str, bool]:
        """Note a verdict. Returns what the others have said of the campaign; nothing where this says nothing new, so
        that many labels on one campaign are one opinion."""
        known = keep_latest(self.verdicts, str(campaign), self.verdicts.get(str(campaign), {}), CAMPAIGNS)
        is_new = known.get(moderator) is not spam
        keep_latest(known, moderator, spam, HEARD)
        return {name: verdict for name, verdict in known.items() if name != moderator} if is_new else {}


def campaign_of(example: Example) -> int | None:
    """Nearly the same texts mostly have the same number: the smallest index among their n-grams (min-wise hashing,
    Broder 1997). None without a text or a moderator."""
    text = next((text for text in example.inputs.texts if text), None)
    if example.moderator is None or text is None:
        return None
    least = least_index(text, 0)
    return least if least >= 0 else None
