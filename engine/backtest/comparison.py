"""What two trials of the same events say, as one document: for people in text and HTML, for programs in JSON."""

from collections.abc import Mapping

import msgspec
import numpy as np

from engine.backtest.trial import HOUR_MS, RuleTally, Sample, Trial
from engine.learning.thresholds import wilson_lower
from engine.rulebook.differences import differences

Z = 1.96
"""95 % between the bounds."""

MANY_USERS = 1_000
"""Of more, so many are named."""

MANY_OVERLAPS = 20
MOST_STEPS = 336
"""Two weeks are told by the hour, longer spans in longer steps."""


class Estimate(msgspec.Struct, frozen=True):
    """A share of labelled events, with its bounds (Wilson's, 95 %)."""

    share: float
    low: float
    high: float
    of: int


class RuleReport(msgspec.Struct, frozen=True):
    """One rule. `before`: events met by the rule of this name in the other rulebook; None where it has none. `recall`:
    of all labelled spam. `met_by_step`: in each `step_ms` since the comparison's `first_ms`."""

    rule: str
    mode: str
    met: int
    acted: int
    users: int
    before: int | None
    newly_met: int
    no_longer_met: int
    precision: Estimate | None
    recall: Estimate | None
    met_by_step: list[int]
    met_by_step_before: list[int]
    samples: list[Sample]


class Overlap(msgspec.Struct, frozen=True):
    """Two rules that meet the same events. `share`: of those that the rarer one meets."""

    rules: tuple[str, str]
    events: int
    share: float


class Comparison(msgspec.Struct, frozen=True):
    """A backtest. `newly`: users to whom the new rulebook does something that the one before does not do to them;
    `no_longer`: those on whom only the one before acts; with the rule that was the first to. `changes`: the rules and
    counters in which the rulebooks differ."""

    rulebook: str
    against: str | None
    changes: list[str]
    events: int
    active_users: int
    labelled: int
    first_ms: int
    last_ms: int
    step_ms: int
    users_acted_on: int
    users_acted_on_before: int | None
    newly: dict[str, str]
    newly_count: int
    no_longer: dict[str, str]
    no_longer_count: int
    rules: list[RuleReport]
    removed: list[str]
    overlaps: list[Overlap]
    dead_letters: dict[str, int]

    @property
    def share_acted_on(self) -> float:
        """Of the active users."""
        return self.users_acted_on / self.active_users if self.active_users else 0.0


class Arrived(msgspec.Struct):
    """What has been read so far. `users`: all who did anything; `labelled`: events of which the truth is known."""

    events: int = 0
    first_ms: int = 0
    last_ms: int = 0
    users: set[str] = msgspec.field(default_factory=set)
    labelled: set[str] = msgspec.field(default_factory=set)


def compare(new: Trial, old: Trial | None, arrived: Arrived, spam: Mapping[str, bool]) -> Comparison:
    """The document of one or two trials."""
    hours = range(arrived.first_ms // HOUR_MS, arrived.last_ms // HOUR_MS + 1)
    hours_a_step = -(-len(hours) // MOST_STEPS)
    steps = [range(start, start + hours_a_step) for start in hours[::hours_a_step]]
    before = old.users if old is not None else {}
    newly = _only(new.users, before)
    no_longer = {user: _first(done) for user, done in sorted(before.items()) if user not in new.users}
    labelled_spam = sum(spam[event] for event in arrived.labelled)
    rules = [
        _rule(tally, old.rules.get(name) if old is not None else None, labelled_spam, steps)
        for name, tally in new.rules.items()
    ]
    compared = old is not None
    return Comparison(
        rulebook=new.rulebook.id, against=old.rulebook.id if old is not None else None,
        changes=_changes(new, old) if old is not None else [], events=arrived.events,
        active_users=len(arrived.users), labelled=len(arrived.labelled), first_ms=arrived.first_ms,
        last_ms=arrived.last_ms, step_ms=hours_a_step * HOUR_MS, users_acted_on=len(new.users),
        users_acted_on_before=len(before) if compared else None, newly=_some(newly) if compared else {},
        newly_count=len(newly) if compared else 0, no_longer=_some(no_longer), no_longer_count=len(no_longer),
        rules=rules, removed=sorted(old.rules.keys() - new.rules.keys()) if old is not None else [],
        overlaps=_overlaps(new), dead_letters=dict(sorted(new.refused.items())),
    )  # fmt: skip


def estimate(found: int, of: int) -> Estimate | None:
    """A share with Wilson's bounds; None of nothing."""
    if not of:
        return None
    low, high = wilson_lower(np.array([found, of - found]), np.array(of), Z).tolist()
    return Estimate(round(found / of, 4), round(max(0.0, low), 4), round(1 - max(0.0, high), 4), of)


def _changes(new: Trial, old: Trial) -> list[str]:
    return [str(one) for one in differences(dict(old.rulebook.sources), dict(new.rulebook.sources))]


def _rule(tally: RuleTally, before: RuleTally | None, labelled_spam: int, steps: list[range]) -> RuleReport:
    old = before.events if before is not None else set()
    return RuleReport(
        tally.rule, tally.mode, tally.met, tally.acted, len(tally.users), before.met if before is not None else None,
        len(tally.events - old) if before is not None else 0, len(old - tally.events),
        estimate(tally.spam, tally.spam + tally.ham), estimate(tally.spam, labelled_spam),
        [sum(tally.hours[hour] for hour in step) for step in steps],
        [sum(before.hours[hour] for hour in step) for step in steps] if before is not None else [], tally.samples,
    )  # fmt: skip


def _overlaps(trial: Trial) -> list[Overlap]:
    found = [
        Overlap(pair, events, round(events / max(1, min(trial.rules[rule].met for rule in pair)), 4))
        for pair, events in trial.overlaps.items()
    ]
    return sorted(found, key=lambda one: (-one.share, one.rules))[:MANY_OVERLAPS]


def _only(users: Mapping[str, Mapping[str, str]], before: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Users to whom something is done that was not done to them before, and the rule."""
    found = {}
    for user, done in sorted(users.items()):
        new = {kind: rule for kind, rule in done.items() if kind not in before.get(user, {})}
        if new:
            found[user] = _first(new)
    return found


def _first(done: Mapping[str, str]) -> str:
    return next(iter(done.values()))


def _some(users: dict[str, str]) -> dict[str, str]:
    return dict(list(users.items())[:MANY_USERS])
