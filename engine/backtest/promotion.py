"""Whether rules have proved themselves: what they met, live, against what moderators have said of it since."""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from engine.backtest.comparison import Estimate, estimate
from engine.backtest.run import known_spam
from engine.backtest.trial import MET
from engine.core.rules import Rule, Rulebook
from engine.errors import RulebookError
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.stream.promotions import Promotions, plan_key, stages_due
from engine.stream.publishing import read_all
from engine.stream.rulebooks import read_versions


class Candidate(NamedTuple):
    """A rule that the clock would promote. `held`, `due`: stages of its plan; `precision`: of what it met and
    moderators have judged; None of nothing."""

    rule: Rule
    held: int
    due: int
    precision: Estimate | None

    @property
    def has_proved_itself(self) -> bool:
        """Whether it may go on."""
        return self.precision is not None and self.rule.gate is not None and self.precision.low >= self.rule.gate


def find_candidates(settings: Settings, rulebook: Rulebook, known: Promotions, now_ms: int) -> list[Candidate]:
    """The rules that wait for their promotion. Raises TopicError."""
    gated = [(rule, *stages_due(rule, known, now_ms)) for rule in rulebook.rules if rule.gate is not None]
    waiting = [(rule, held, due) for rule, held, due in gated if due > held]
    if not waiting:
        return []
    spam = known_spam(record.value for record in read_all(settings, settings.topics.labels) if record.value)
    met = _met(settings, [rule for rule, _, _ in waiting])
    return [Candidate(rule, held, due, _precision(met[rule.name], spam)) for rule, held, due in waiting]


def _met(settings: Settings, rules: list[Rule]) -> dict[str, set[str]]:
    """By rule, the events that it has met as it is now, in whichever version of the rulebook."""
    found: dict[str, set[str]] = {rule.name: set() for rule in rules}
    versions = {version.id: version.sources for version in read_versions(settings)}
    same: dict[str, set[str]] = {}  # by rulebook, which of the rules it has as they are now
    for record in read_all(settings, settings.topics.decisions):
        decision = orjson.loads(record.value or b"{}")
        names = {hit["rule"] for hit in decision.get("hits", ()) if hit["effect"] in MET} & found.keys()
        if not names:
            continue
        identity = decision["rulebook"]
        if identity not in same:
            same[identity] = _unchanged(rules, versions.get(identity))
        for name in names & same[identity]:
            found[name].add(decision["event_id"])
    return found


def _unchanged(rules: Iterable[Rule], sources: dict[str, str] | None) -> set[str]:
    if sources is None:
        return set()
    try:
        keys = {rule.name: plan_key(rule) for rule in load_rulebook(sources).rules}
    except RulebookError:  # of an older engine
        return set()
    return {rule.name for rule in rules if keys.get(rule.name) == plan_key(rule)}


def _precision(events: Iterable[str], spam: dict[str, bool]) -> Estimate | None:
    judged = [spam[event] for event in events if event in spam]
    return estimate(sum(judged), len(judged))
