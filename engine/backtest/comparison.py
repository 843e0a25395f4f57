"""What two trials of the same events say, as one document: for people in text and HTML, for programs in JSON."""

from collections.abc import Mapping

import msgspec
import numpy as np

from engine.backtest.absences import Absence, Survey
from engine.backtest.targets import USERS, Targets
from engine.backtest.trial import HOUR_MS, RuleTally, Sample, Trial
from engine.learning.thresholds import wilson_lower
from engine.rulebook.tools.differences import differences

Z = 1.96
"""95 % between the bounds."""

MANY = 1_000
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


class Concerned(msgspec.Struct, frozen=True):
    """Those of one kind whom rules act on. `kind`: "user", or the path at which events name them; `active`: how many
    did anything or were named; `newly`: those to whom the new rulebook does something that the one before does not do
    to them; `no_longer`: those on whom only the one before acts; with the rule that was the first to."""

    kind: str
    active: int
    acted_on: int
    acted_on_before: int | None
    newly: dict[str, str]
    newly_count: int
    no_longer: dict[str, str]
    no_longer_count: int

    @property
    def share_acted_on(self) -> float:
        """Of the active ones."""
        return self.acted_on / self.active if self.active else 0.0


class RuleReport(msgspec.Struct, frozen=True):
    """One rule. `users`: whose events it met; `targets`: whom it is `about`, users or what a field names; `before`:
    events met by the rule of this name in the other rulebook; None where it has none. `recall`: of all labelled spam.
    `met_by_step`: in each `step_ms` since the comparison's `first_ms`; `never`: why it met nothing, where the recording
    lacks what it asks for."""

    rule: str
    mode: str
    met: int
    acted: int
    users: int
    about: str
    targets: int
    before: int | None
    newly_met: int
    no_longer_met: int
    precision: Estimate | None
    recall: Estimate | None
    met_by_step: list[int]
    met_by_step_before: list[int]
    samples: list[Sample]
    never: list[Absence]


class Overlap(msgspec.Struct, frozen=True):
    """Two rules that meet the same events. `share`: of those that the rarer one meets."""

    rules: tuple[str, str]
    events: int
    share: float


class Comparison(msgspec.Struct, frozen=True):
    """A backtest. `concerned`: whom rules act on, users first, then what fields name that rules target; `changes`: the
    rules and counters in which the rulebooks differ."""

    rulebook: str
    against: str | None
    changes: list[str]
    events: int
    labelled: int
    first_ms: int
    last_ms: int
    step_ms: int
    concerned: list[Concerned]
    rules: list[RuleReport]
    removed: list[str]
    overlaps: list[Overlap]
    dead_letters: dict[str, int]

    @property
    def users(self) -> Concerned:
        """The users among those whom it concerns."""
        return self.concerned[0]

    @property
    def others(self) -> list[Concerned]:
        """All but the users."""
        return self.concerned[1:]


class Arrived(msgspec.Struct):
    """What has been read so far. `users`: all who did anything; `labelled`: events of which the truth is known;
    `targets`: whom events name; `survey`: what else they have."""

    events: int = 0
    first_ms: int = 0
    last_ms: int = 0
    users: set[str] = msgspec.field(default_factory=set)
    labelled: set[str] = msgspec.field(default_factory=set)
    targets: Targets = msgspec.field(default_factory=Targets)
    survey: Survey | None = None


def compare(new: Trial, old: Trial | None, arrived: Arrived, spam: Mapping[str, bool]) -> Comparison:
    """The document of one or two trials."""
    hours = range(arrived.first_ms // HOUR_MS, arrived.last_ms // HOUR_MS + 1)
    hours_a_step = -(-len(hours) // MOST_STEPS)
    steps = [range(start, start + hours_a_step) for start in hours[::hours_a_step]]
    labelled_spam = sum(spam[event] for event in arrived.labelled)
    rules = [
        _rule(tally, old.rules.get(name) if old is not None else None, labelled_spam, steps, arrived.survey)
        for name, tally in new.rules.items()
    ]
    active = {USERS: len(arrived.users)} | {kind: len(seen) for kind, seen in arrived.targets.seen.items()}
    return Comparison(
        rulebook=new.rulebook.id, against=old.rulebook.id if old is not None else None,
        changes=_changes(new, old) if old is not None else [], events=arrived.events,
        labelled=len(arrived.labelled), first_ms=arrived.first_ms, last_ms=arrived.last_ms,
        step_ms=hours_a_step * HOUR_MS, concerned=[_concerned(kind, count, new, old) for kind, count in active.items()],
        rules=rules, removed=sorted(old.rules.keys() - new.rules.keys()) if old is not None else [],
        overlaps=_overlaps(new), dead_letters=dict(sorted(new.refused.items())),
    )  # fmt: skip


def estimate(count: int, of: int) -> Estimate | None:
    """A share with Wilson's bounds; None of nothing."""
    if not of:
        return None
    low, high = wilson_lower(np.array([count, of - count]), np.array(of), Z).tolist()
    return Estimate(round(count / of, 4), round(max(0.0, low), 4), round(1 - max(0.0, high), 4), of)


def _concerned(kind: str, active: int, new: Trial, old: Trial | None) -> Concerned:
    now, before = (_acted_on(trial, kind) for trial in (new, old))
    newly = _only(now, before) if old is not None else {}
    no_longer = {user: _first(done) for user, done in sorted(before.items()) if user not in now}
    return Concerned(
        kind=kind,
        active=active,
        acted_on=len(now),
        acted_on_before=len(before) if old is not None else None,
        newly=_first_many(newly),
        newly_count=len(newly),
        no_longer=_first_many(no_longer),
        no_longer_count=len(no_longer),
    )


def _acted_on(trial: Trial | None, kind: str) -> dict[str, dict[str, str]]:
    return {target.id: done for target, done in trial.acted_on.items() if target.kind == kind} if trial else {}


def _changes(new: Trial, old: Trial) -> list[str]:
    return [str(difference) for difference in differences(dict(old.rulebook.sources), dict(new.rulebook.sources))]


def _rule(
    tally: RuleTally, before: RuleTally | None, labelled_spam: int, steps: list[range], survey: Survey | None
) -> RuleReport:
    old = before.events if before is not None else set()
    return RuleReport(
        rule=tally.rule,
        mode=tally.mode,
        met=tally.met,
        acted=tally.acted,
        users=len(tally.users),
        about=tally.about,
        targets=len(tally.targets),
        before=before.met if before is not None else None,
        newly_met=len(tally.events - old) if before is not None else 0,
        no_longer_met=len(old - tally.events),
        precision=estimate(tally.spam, tally.spam + tally.ham),
        recall=estimate(tally.spam, labelled_spam),
        met_by_step=[sum(tally.hours[hour] for hour in step) for step in steps],
        met_by_step_before=[sum(before.hours[hour] for hour in step) for step in steps] if before is not None else [],
        samples=tally.samples,
        never=survey.absences(tally.rule) if survey is not None and not tally.met else [],
    )


def _overlaps(trial: Trial) -> list[Overlap]:
    overlaps = [
        Overlap(pair, events, round(events / max(1, min(trial.rules[rule].met for rule in pair)), 4))
        for pair, events in trial.overlaps.items()
    ]
    return sorted(overlaps, key=lambda overlap: (-overlap.share, overlap.rules))[:MANY_OVERLAPS]


def _only(users: Mapping[str, Mapping[str, str]], before: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Those to whom something is done that was not done to them before, and the rule."""
    newly = {}
    for user, done in sorted(users.items()):
        new = {kind: rule for kind, rule in done.items() if kind not in before.get(user, {})}
        if new:
            newly[user] = _first(new)
    return newly


def _first(done: Mapping[str, str]) -> str:
    return next(iter(done.values()))


def _first_many(users: dict[str, str]) -> dict[str, str]:
    return dict(list(users.items())[:MANY])
