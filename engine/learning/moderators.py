"""With whom each moderator disagrees: with the scores at the time, with what rules did, with colleagues.

Only what stands counts: a moderator's last verdict on each event. Scores are held against a half. Of rules, only those
that acted or allowed have said something. Of colleagues counts the majority of those who have judged the same event or
a look-alike, each with one vote.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.learning.labels import Example
from engine.learning.opinions import campaign_of

Judge = Literal["model", "rules", "colleagues"]
JUDGES: tuple[Judge, ...] = ("model", "rules", "colleagues")


@dataclass(slots=True)
class ModeratorVerdict:
    """What a moderator has said of an event. `against`: who says otherwise."""

    event_id: str
    spam: bool
    ts_ms: int
    score: float | None
    text: str
    campaign: int | None
    against: list[Judge] = field(default_factory=list)


@dataclass(slots=True)
class Moderator:
    """`judged`: by each of the others, so many of the verdicts; `opposed`: so many of these were contradicted."""

    verdicts: list[ModeratorVerdict] = field(default_factory=list)
    judged: Counter[Judge] = field(default_factory=Counter)
    opposed: Counter[Judge] = field(default_factory=Counter)

    @property
    def disputed(self) -> list[ModeratorVerdict]:
        """Those with whom somebody disagrees, the most contradicted first, then the latest."""
        disputed = [verdict for verdict in self.verdicts if verdict.against]
        return sorted(disputed, key=lambda verdict: (-len(verdict.against), -verdict.ts_ms))

    def hold(self, verdict: ModeratorVerdict, judge: Judge, spam: bool | None) -> None:
        """Compare a verdict with what somebody else says, if they say something."""
        if spam is None:
            return
        self.judged[judge] += 1
        if spam is not verdict.spam:
            self.opposed[judge] += 1
            verdict.against.append(judge)


def review_moderators(
    examples: Iterable[Example], outcomes: Mapping[str, str], quarantined: Container[str] = ()
) -> dict[str, Moderator]:
    """What moderators have said, from examples in their order. `outcomes`: what rules did, by the event's id;
    `quarantined`: whose word does not count against others."""
    verdicts = _last_verdicts(examples)
    by_event: dict[str, dict[str, bool]] = {}
    by_campaign: dict[int, dict[str, list[bool]]] = {}
    for (name, event_id), verdict in verdicts.items():
        by_event.setdefault(event_id, {})[name] = verdict.spam
        if verdict.campaign is not None:
            by_campaign.setdefault(verdict.campaign, {}).setdefault(name, []).append(verdict.spam)
    moderators: dict[str, Moderator] = {}
    for (name, event_id), verdict in verdicts.items():
        moderator = moderators.setdefault(name, Moderator())
        moderator.verdicts.append(verdict)
        moderator.hold(verdict, "model", None if verdict.score is None else verdict.score >= 0.5)
        moderator.hold(verdict, "rules", {"act": True, "allow": False}.get(outcomes.get(event_id, "")))
        look_alikes = by_campaign[verdict.campaign] if verdict.campaign is not None else {}
        votes = {other: _majority(theirs) for other, theirs in look_alikes.items()} | by_event[event_id]
        heard = (vote for other, vote in votes.items() if other != name and other not in quarantined)
        moderator.hold(verdict, "colleagues", _majority(heard))
    return moderators


def _last_verdicts(examples: Iterable[Example]) -> dict[tuple[str, str], ModeratorVerdict]:
    """Each moderator's last verdict on each event. Several models may have scored it: the surest one is heard."""
    verdicts: dict[tuple[str, str], ModeratorVerdict] = {}
    for example in examples:
        if example.presumes or example.moderator is None:
            continue
        key = example.moderator, example.event_id
        before = verdicts.pop(key, None)
        if example.verdict == "retracted":
            continue
        score = example.score
        if before is not None and before.ts_ms == example.ts_ms:
            score = max(before.score, score, key=_sureness)
        text = next((text for text in example.inputs.texts if text), "")
        verdicts[key] = ModeratorVerdict(
            event_id=example.event_id,
            spam=example.verdict == "spam",
            ts_ms=example.ts_ms,
            score=score,
            text=text,
            campaign=campaign_of(example),
        )
    return verdicts


def _sureness(score: float | None) -> float:
    return -1.0 if score is None else abs(score - 0.5)


def _majority(votes: Iterable[bool | None]) -> bool | None:
    """What most say; None where there are none, or as many on either side."""
    cast = [vote for vote in votes if vote is not None]
    spam = sum(cast)
    return None if 2 * spam == len(cast) else 2 * spam > len(cast)
