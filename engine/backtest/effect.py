"""What acting is good for: what users do afterwards on whom a rule acted, beside those whom it met and left alone.

Left alone are those in the holdout, those that are spared, and those outside a canary or an arm: who is one of them was
drawn by lots, so what is different afterwards is the effect of acting, and of chance, which the bounds tell.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from engine.backtest.comparison import Estimate, estimate
from engine.learning.labels import Label

_DRAWN = ("holdout", "spared")


class Group(msgspec.Struct, frozen=True):
    """Users whom a rule has met. `spam_again`: on how many of them moderators have confirmed spam afterwards; `events`:
    how many events that was, for each of the users."""

    users: int
    spam_again: Estimate | None
    events: float


class Effect(msgspec.Struct, frozen=True):
    """One rule's. `mixed`: users on whom it acted at one time and not at another, as shares were edited; they are in
    neither group. `verdict`: what can be said with 95 % confidence."""

    rule: str
    acted: Group
    left_alone: Group
    mixed: int
    verdict: str


class Effects:
    """Takes decisions, then labels. `within_ms`: how long after the first hit counts."""

    def __init__(self, within_ms: int) -> None:
        self._within_ms = within_ms
        self._met: dict[str, dict[bool, dict[str, int]]] = {}  # by rule and whether it acted: users, since when
        self._events: dict[str, tuple[str, int]] = {}  # whose they are, and their times
        self._spam: dict[str, dict[str, int]] = {}  # by user, the times of confirmed events

    def decided(self, decisions: Iterable[Mapping[str, Any]]) -> None:
        """Decisions, in any order; they may come more than once."""
        for decision in decisions:
            user_id, ts_ms = decision["user_id"], decision["ts"]
            self._events[decision["event_id"]] = user_id, ts_ms
            for hit in decision["hits"]:
                acted = _acted(hit)
                if acted is not None:
                    users = self._met.setdefault(hit["rule"], {True: {}, False: {}})[acted]
                    users[user_id] = min(ts_ms, users.get(user_id, ts_ms))

    def labelled(self, labels: Iterable[Label]) -> None:
        """Labels in their order: the last one on an event counts. A label of an event of which there is no decision
        counts at its own time, if it says whose the event is."""
        for label in labels:
            user_id, ts_ms = self._events.get(label.event_id, (label.user_id, label.ts_ms))
            if user_id is None or not label.event_id:
                continue
            events = self._spam.setdefault(user_id, {})
            if label.verdict == "spam":
                events[label.event_id] = ts_ms
            else:
                events.pop(label.event_id, None)

    def all(self) -> list[Effect]:
        """The effects of all rules that have left somebody alone, by name."""
        return [self._effect(rule, groups[True], groups[False]) for rule, groups in sorted(self._met.items())
                if groups[False]]  # fmt: skip

    def _effect(self, rule: str, acted: Mapping[str, int], left_alone: Mapping[str, int]) -> Effect:
        mixed = acted.keys() & left_alone.keys()
        met, spared = (
            self._group({user: at for user, at in group.items() if user not in mixed}) for group in (acted, left_alone)
        )
        return Effect(rule, met, spared, len(mixed), _verdict(met, spared))

    def _group(self, met: Mapping[str, int]) -> Group:
        again = [
            sum(since < at <= since + self._within_ms for at in self._spam.get(user, {}).values())
            for user, since in met.items()
        ]
        mean = sum(again) / len(again) if again else 0.0
        return Group(len(again), estimate(sum(map(bool, again)), len(again)), round(mean, 4))


def _acted(hit: Mapping[str, Any]) -> bool | None:
    """Whether a rule acted at a hit, or lots decided that it did not; None for neither."""
    if hit["effect"] == "acted":
        return True
    by_lots = hit["effect"] in _DRAWN or (hit["effect"] == "shadow" and hit["mode"] != "shadow")
    return False if by_lots else None


def _verdict(acted: Group, left_alone: Group) -> str:
    one, other = acted.spam_again, left_alone.spam_again
    if one is None or other is None:
        return "nothing to compare"
    if one.high < other.low:
        return "less spam after acting"
    return "more spam after acting" if one.low > other.high else "no difference that can be told yet"
