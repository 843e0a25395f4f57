"""Whether rules have proved themselves: what they met, live, against what moderators have said of it since."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.backtest.comparison import Estimate, estimate
from engine.backtest.run import known_spam
from engine.backtest.trial import MET
from engine.core.domain.rules import Rule, Rulebook
from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin.given import GivenLabels
from engine.stream.admin.published import DECISION, read_documents
from engine.stream.control.promotions import IN_SHADOW, Promotions, next_stage, plan_key
from engine.stream.control.rulebooks import read_versions
from engine.stream.kafka.records import read_all


class PromotionCandidate(NamedTuple):
    """A rule that the clock would promote. `stage`: of its plan, to which; `precision`: of what it met and moderators
    have judged; None of nothing."""

    rule: Rule
    stage: int
    precision: Estimate | None

    @property
    def has_proved_itself(self) -> bool:
        """Whether it may go on."""
        return self.precision is not None and self.rule.gate is not None and self.precision.low >= self.rule.gate


def find_candidates(settings: Settings, rulebook: Rulebook, known: Promotions, now_ms: int) -> list[PromotionCandidate]:
    """The rules that wait for their promotion. Raises TopicError."""
    gated = [(rule, next_stage(rule, known, now_ms)) for rule in rulebook.rules if rule.gate is not None]
    waiting = [(rule, stage) for rule, stage in gated if stage is not None]
    if not waiting:
        return []
    given_labels = GivenLabels(settings)
    labels = (given_labels.value_of(record) for record in read_all(settings, settings.topics.labels))
    spam = known_spam(label for label in labels if label is not None)
    met = _met(settings, [rule for rule, _ in waiting])
    return [PromotionCandidate(rule, stage, _precision(met[rule.name], spam)) for rule, stage in waiting]


def _met(settings: Settings, rules: list[Rule]) -> dict[str, set[str]]:
    """By rule, the events that it has met since its plan began, as it is now, in whichever version of the rulebook."""
    met: dict[str, set[str]] = {rule.name: set() for rule in rules}
    since = {rule.name: rule.plan[IN_SHADOW].from_ms for rule in rules}
    versions = {version.id: version.sources for version in read_versions(settings)}
    same: dict[str, set[str]] = {}  # by rulebook, which of the rules it has as they are now
    for _, decision in read_documents(settings, settings.topics.decisions, DECISION):
        hits = {hit["rule"] for hit in decision["hits"] if hit["effect"] in MET}
        names = {name for name in hits & met.keys() if decision["ts"] >= since[name]}
        identity = decision["rulebook"]
        if not names:
            continue
        if identity not in same:
            same[identity] = _unchanged(rules, versions.get(identity))
        for name in names & same[identity]:
            met[name].add(decision["event_id"])
    return met


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
