"""THE way of an event: observe, score, decide, explain, enforce.

Pure and deterministic: what comes out depends on the events of this entity, their order, the rulebook
and the models, and on nothing else. The same code runs live, in replays and in the rules' inline tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.decisions import Action, Decision, Effect, Hit, Outcome, action_id, explain
from engine.core.entities import EntityRecord
from engine.core.events import Event, lookup
from engine.core.hashing import hash32, hash64
from engine.core.rules import Features, ModelInputs, Program, Rule, Rulebook, Scorer, Scores
from engine.core.windows import SeriesByKey


@dataclass(slots=True)
class Tally:
    """What has happened so far; the caller publishes and resets it."""

    late: int = 0
    duplicates: int = 0
    scored: int = 0
    unknown_scores: int = 0


@dataclass(slots=True)
class Evaluation:
    """One event's result: a decision where there is something to say, and the features as scored."""

    decision: Decision | None
    features: dict[str, Features] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)


NOTHING = Evaluation(None)


class Evaluator:
    """Decides events against one rulebook. `sample` of the decisions without a hit are reported too."""

    def __init__(self, rulebook: Rulebook, scorers: Mapping[str, Scorer], sample: float = 0.0) -> None:
        self.rulebook = rulebook
        self.scorers = scorers
        self.tally = Tally()
        self._scores: dict[str, float | None] = {}
        self._features: dict[str, Features] = {}
        self._sample_below = int(sample * 2**32)
        self._allow = frozenset(i for i, rule in enumerate(rulebook.rules) if rule.then.kind == "allow")

    def evaluate(self, event: Event, program: Program, record: EntityRecord) -> Evaluation:
        """Apply one event to its entity's record and decide it. `program` is the rulebook's for its type."""
        fields = event.fields
        now = record.relative(event.ts_ms)
        series: SeriesByKey | None = record.series
        if now is None or now <= record.newest - self.rulebook.lateness_ms:
            self.tally.late += 1
            now, series = now or 0, None  # counters read as unknown, and unknown never enforces
        elif record.remember(hash64(event.event_id)):
            record.newest = max(record.newest, now)
            program.observe(fields, record.series, now)
        else:
            self.tally.duplicates += 1
            return NOTHING

        scores: dict[str, float | None] = {}
        features: dict[str, Features] = {}
        self._scores, self._features = scores, features
        hits = program.decide(fields, series, now, self._ask)
        if not hits and hash32(event.event_id) >= self._sample_below:
            return Evaluation(None, features, scores) if features else NOTHING
        decision = self._conclude(event, program, record, series, now, scores, features, hits)
        return Evaluation(decision, features, scores)

    def _ask(self, model: str, inputs: ModelInputs) -> float | None:
        """What the generated `decide` calls for each model that its rules name."""
        scorer = self.scorers[model]
        features = self._features[model] = scorer.features(inputs)
        score = self._scores[model] = scorer.score(features)
        if score is None:
            self.tally.unknown_scores += 1
        else:
            self.tally.scored += 1
        return score

    def _conclude(
        self,
        event: Event,
        program: Program,
        record: EntityRecord,
        series: SeriesByKey | None,
        now: int,
        scores: Scores,
        features: dict[str, Features],
        held: list[int],
    ) -> Decision:
        models = {name: self.scorers[name].version for name in program.models}
        allowed = any(self.rulebook.rules[i].mode == "enforce" for i in held if i in self._allow)
        hits: list[Hit] = []
        actions: list[Action] = []
        for index in held:
            rule = self.rulebook.rules[index]
            clauses, counterfactual = program.explain(index, event.fields, series, now, scores)
            target_id = _target(event, rule)
            effect = self._effect(index, rule, record, now, allowed, target_id)
            hits.append(Hit(rule.name, rule.mode, effect, clauses, counterfactual))
            if rule.cooldown_ms and effect in ("acted", "shadow"):
                record.cool(rule.key, now, rule.cooldown_ms)
            if effect == "acted" and target_id is not None and index not in self._allow:
                actions.append(self._act(event, rule, target_id, explain(clauses, counterfactual), models))
        outcome: Outcome = "allow" if allowed else _strongest(hits)
        known = {name: round(score, 6) for name, score in scores.items() if score is not None}
        decision = Decision(
            event.event_id, event.user_id, event.ts_ms, event.type, outcome, tuple(hits), known,
            self.rulebook.id, models, actions=tuple(actions),
        )  # fmt: skip
        if hits:
            decision.features = {name: self.scorers[name].describe(value) for name, value in features.items()}
        return decision

    def _effect(
        self, index: int, rule: Rule, record: EntityRecord, now: int, allowed: bool, target_id: str | None
    ) -> Effect:
        if target_id is None:
            return "no_target"
        if rule.cooldown_ms and record.cooling(rule.key, now):
            return "cooldown"
        if rule.mode == "shadow":
            return "shadow"
        return "allowed" if allowed and index not in self._allow else "acted"

    def _act(self, event: Event, rule: Rule, target_id: str, explanation: str, models: dict[str, str]) -> Action:
        then = rule.then
        return Action(
            action_id(event.event_id, rule.name, then.target, target_id), event.ts_ms, then.kind, then.scope,
            then.target, target_id, event.event_id, event.user_id, rule.name, rule.reason, then.for_ms,
            explanation, self.rulebook.id, models,
        )  # fmt: skip


def _target(event: Event, rule: Rule) -> str | None:
    if rule.then.target == "user":
        return event.user_id
    if rule.then.target == "event":
        return event.event_id
    found = lookup(event.fields, rule.then.path)
    return found if type(found) is str and found else None


def _strongest(hits: list[Hit]) -> Outcome:
    effects = {hit.effect for hit in hits}
    if "acted" in effects:
        return "act"
    if "cooldown" in effects:
        return "cooldown"
    return "shadow" if "shadow" in effects else "none"
