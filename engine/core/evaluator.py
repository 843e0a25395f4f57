"""THE way of an event: observe, score, decide, explain, enforce.

Rules that need nothing but the user are decided at once. Where others count over further entities, the
event sets out on a journey to them (`journeys.py`) and is concluded when it is back.

Pure and deterministic: what comes out depends on the events of these entities, their order, the rulebook
and the models, and on nothing else. The same code runs live, in replays and in the rules' inline tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.decisions import Action, ClauseTrace, Decision, Effect, Hit, Outcome, action_id, explain, strongest
from engine.core.entities import RECENT_IDS, USUAL_RELATIVE_MS, EntityRecord
from engine.core.events import Event, lookup
from engine.core.identity import MAX_ID_CHARS
from engine.core.journeys import Journey, Recall, route
from engine.core.kernel import hash64, remember
from engine.core.rules import (
    Decider,
    JourneyProgram,
    ModelNumbers,
    Program,
    Readings,
    Rule,
    Rulebook,
    Scorer,
    allows,
    is_in_force,
    target_of,
    threshold_of,
)
from engine.core.series import UNKNOWN, EntitySeries
from engine.core.visits import come_home, set_out


@dataclass(slots=True)
class Tally:
    """What has happened so far; the caller publishes and resets it."""

    late: int = 0
    duplicates: int = 0
    scored: int = 0
    unknown_scores: int = 0


@dataclass(slots=True)
class Evaluation:
    """One event's result: a decision where there is something to say, and the journey on which the event sets
    out. With a journey, the decision's actions stand and its hits go along.
    """

    decision: Decision | None
    journey: Journey | None = None


NOTHING = Evaluation(None)
_SAMPLED_BITS = 2**32 - 1


@dataclass(slots=True)
class _Case:
    """One event while it is decided. `now`: its time on the record's scale."""

    event: Event
    record: EntityRecord
    now: int
    allowed: bool = False
    earlier: bool = False
    hits: list[Hit] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    scores: dict[str, float | None] = field(default_factory=dict)
    numbers: dict[str, ModelNumbers] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)


class Evaluator:
    """Decides events against one rulebook. `sample` of the decisions without a hit are reported too."""

    def __init__(self, rulebook: Rulebook, scorers: Mapping[str, Scorer], sample: float = 0.0) -> None:
        self.rulebook = rulebook
        self.scorers = scorers
        self.tally = Tally()
        self._place = self._key = 0
        self._batch: Sequence[tuple[Event, Decider]] = ()
        self._scores: dict[str, float | None] = {}
        self._numbers: dict[str, ModelNumbers] = {}
        self._thresholds = {threshold_of(name): scorer.threshold for name, scorer in scorers.items()}
        self._sample_below = int(sample * (_SAMPLED_BITS + 1))
        self._allow = frozenset(i for i, rule in enumerate(rulebook.rules) if rule.then.kind == "allow")
        self._by_name = {rule.name: index for index, rule in enumerate(rulebook.rules)}

    def prepare(self, batch: Sequence[tuple[Event, Decider]]) -> None:
        """Let the models read the texts of a batch of events at a stretch, before these are decided in their order."""
        self._batch = batch
        for place, (event, _) in enumerate(batch):
            event.place = place
        for name, scorer in self.scorers.items():
            readers = [decider.models.get(name) for _, decider in batch]
            scorer.prepare(
                [read(event.fields) if read else None for (event, _), read in zip(batch, readers, strict=True)]
            )

    def event_at(self, place: int) -> Event:
        """The event at a place of the batch that was prepared last."""
        return self._batch[place][0]

    def evaluate(self, event: Event, program: Program, record: EntityRecord, home: int = 0) -> Evaluation:
        """Apply one event to its user's record and decide it, as far as that is possible here. `program` is
        the rulebook's for its type, `home` the partition to which a journey comes back."""
        if event.place < 0:
            self.prepare([(event, program.decider)])
        key = hash64(event.event_id)
        now: int | None = event.ts_ms - record.base_ms
        if not 0 <= now <= USUAL_RELATIVE_MS:  # type: ignore[operator]  # it is a number here
            now = record.relative(event.ts_ms)
        series = record.series
        if now is None or now <= record.newest - self.rulebook.lateness_ms:
            self.tally.late += 1
            now, series = now or 0, UNKNOWN  # counters read as unknown, and unknown never enforces
        elif remember(record.recent, key, RECENT_IDS):
            record.newest = max(record.newest, now)
            program.observe(event.fields, series, now)
        else:
            self.tally.duplicates += 1
            return NOTHING

        self._place, self._key, self._scores, self._numbers = event.place, key, {}, {}
        held = program.decider.decide(event.fields, series, now, self._ask)
        if not held and program.journey is None and key & _SAMPLED_BITS >= self._sample_below:
            return NOTHING
        case = _Case(event, record, now, scores=self._scores, numbers=self._numbers)
        self._enforce(case, program.decider, dict.fromkeys(held, series))
        if program.journey is not None:
            journey = self._set_out(case, program.journey, series, home)
            if journey is not None:
                return Evaluation(self._decision(case) if case.hits else None, journey)
        return self._evaluation(case)

    def welcome(self, journeys: Sequence[Journey]) -> None:
        """The same for events that are back from their journeys."""
        back = [(journey, self.rulebook.program(journey.type)) for journey in journeys]
        deciders = [(one, program.journey.decider) for one, program in back if program and program.journey]
        for place, (journey, _) in enumerate(deciders):
            journey.place = place
        if not deciders:  # what the models have read of this batch stays
            return
        self.prepare([(journey.event(), decider) for journey, decider in deciders])

    def conclude(self, journey: Journey, record: EntityRecord) -> Evaluation:
        """Decide an event that is back from its journey, with its user's record."""
        if journey.place < 0:
            self.welcome([journey])
        event = journey.event()
        case = _Case(event, record, record.relative(event.ts_ms) or 0, journey.allowed, hits=list(journey.hits))
        case.models.update(journey.models)
        self._place, self._key = event.place, hash64(event.event_id)
        self._scores, self._numbers = case.scores, case.numbers
        program = self.rulebook.program(event.type)
        if program is not None and program.journey is not None:
            come_home(program.journey.clusters, journey, record, case.now)
            self._decide_gathered(case, program.journey.decider, journey.readings())
        for name, score in journey.values.items():
            if name.startswith("score.") and isinstance(score, float):
                case.scores[name.removeprefix("score.")] = score
        result = self._evaluation(case)
        if result.decision is not None and case.hits:
            result.decision.members = journey.members
        return result

    def recall(self, recall: Recall, record: EntityRecord) -> Decision | None:
        """Act on an earlier event, now that its entity has crossed the threshold. None when the rule is gone, or
        has met it already."""
        index = self._by_name.get(recall.rule)
        if index is None:
            return None
        rule = self.rulebook.rules[index]
        event = Event(recall.event_id, recall.type, recall.user_id, recall.ts_ms, {})
        case = _Case(event, record, record.relative(recall.ts_ms) or 0, earlier=True)
        told = ClauseTrace(recall.told(self.rulebook.counters), {recall.counter: recall.total}, True)
        self._enforce_rule(case, index, rule, recall.target_id, (told,), None)
        return self._decision(case) if case.hits else None

    def _ask(self, model: str, numbers: ModelNumbers) -> float | None:
        """What the generated `decide` calls for each model that its rules name."""
        if model in self._scores:
            return self._scores[model]  # the event names several entities: the first reading is scored
        if model in self._thresholds:
            threshold = self._scores[model] = self._thresholds[model]
            return threshold
        self._numbers[model] = numbers
        score = self._scores[model] = self.scorers[model].score(self._place, self._key, numbers)
        if score is None:
            self.tally.unknown_scores += 1
        else:
            self.tally.scored += 1
        return score

    # -- journeys ---------------------------------------------------------------------------------

    def _set_out(self, case: _Case, program: JourneyProgram, series: EntitySeries, home: int) -> Journey | None:
        """The journey to the event's entities; without any, the remaining rules are decided here."""
        event = case.event
        values = program.gather(event.fields, series, case.now, case.scores)
        stops = route(program, event.fields) if series is not UNKNOWN else []
        if not stops:
            for name, read_texts in program.decider.models.items():
                self.scorers[name].read_late(event.place, read_texts(event.fields))
            self._decide_gathered(case, program.decider, [values])
            return None
        read = ((path, lookup(event.fields, path)) for path in program.carried)
        fields = {path: value for path, value in read if value is not None}
        eligible = {}
        if not case.allowed:
            for index in program.eligible(event.fields, series, case.now, case.scores):
                target_id = target_of(event, self.rulebook.rules[index])
                if target_id is not None and len(target_id) <= MAX_ID_CHARS:
                    eligible[self.rulebook.rules[index].name] = target_id
        journey = Journey(
            event.event_id, event.type, event.user_id, event.ts_ms, home, fields, stops, values, case.models,
            case.allowed, eligible, tuple(case.hits),
        )  # fmt: skip
        set_out(program.clusters, journey, case.record.links, case.now)
        return journey

    def _decide_gathered(self, case: _Case, decider: Decider, readings: Sequence[Readings]) -> None:
        """Decide with gathered values: a rule holds when it holds for one of the readings."""
        held: dict[int, Readings] = {}
        for reading in readings:
            for index in decider.decide(case.event.fields, reading, case.now, self._ask):
                held.setdefault(index, reading)
        self._enforce(case, decider, held)

    # -- enforcement ------------------------------------------------------------------------------

    def _enforce(self, case: _Case, decider: Decider, held: Mapping[int, Readings]) -> None:
        """Explain the rules that hold, and act."""
        case.models.update({name: self.scorers[name].version for name in decider.models})
        case.allowed = case.allowed or any(allows(self.rulebook.rules[i], case.event) for i in held if i in self._allow)
        for index in sorted(held):
            rule = self.rulebook.rules[index]
            clauses, counterfactual = decider.explain(index, case.event.fields, held[index], case.now, case.scores)
            self._enforce_rule(case, index, rule, target_of(case.event, rule), clauses, counterfactual)

    def _enforce_rule(
        self,
        case: _Case,
        index: int,
        rule: Rule,
        target_id: str | None,
        clauses: tuple[ClauseTrace, ...],
        counterfactual: str | None,
    ) -> None:
        looks_back = rule.then.lookback_ms is not None
        if looks_back and not case.record.meet(hash64(f"{rule.name}\x00{case.event.event_id}")):
            return  # another of its entities, or its journey, was faster
        effect = self._effect(case, index, rule, target_id)
        case.hits.append(Hit(rule.name, rule.mode, effect, clauses, counterfactual))
        if rule.cooldown_ms and effect in ("acted", "shadow"):
            case.record.cool(rule.key, case.now, rule.cooldown_ms)
        if effect == "acted" and target_id is not None and index not in self._allow:
            case.actions.append(self._act(case, rule, target_id, explain(clauses, counterfactual)))

    def _effect(self, case: _Case, index: int, rule: Rule, target_id: str | None) -> Effect:
        if target_id is None:
            return "no_target"
        if rule.cooldown_ms and case.record.cooling(rule.key, case.now):
            return "cooldown"
        if not is_in_force(rule, case.event, target_id):
            return "shadow"
        return "allowed" if case.allowed and index not in self._allow else "acted"

    def _act(self, case: _Case, rule: Rule, target_id: str, explanation: str) -> Action:
        then, event = rule.then, case.event
        return Action(
            action_id(event.event_id, rule.name, then.target, target_id), event.ts_ms, then.kind, then.scope,
            then.target, target_id, event.event_id, event.user_id, rule.name, rule.reason, then.for_ms,
            explanation, self.rulebook.id, case.models, case.earlier,
        )  # fmt: skip

    def _evaluation(self, case: _Case) -> Evaluation:
        told = case.hits or self._key & _SAMPLED_BITS < self._sample_below
        return Evaluation(self._decision(case) if told else None)

    def _decision(self, case: _Case) -> Decision:
        outcome: Outcome = "allow" if case.allowed else strongest(case.hits)
        scores = case.scores.items()
        known = {name: round(score, 6) for name, score in scores if score is not None and name in self.scorers}
        decision = Decision(
            case.event.event_id, case.event.user_id, case.event.ts_ms, case.event.type, outcome, tuple(case.hits),
            known, self.rulebook.id, case.models, actions=tuple(case.actions), earlier=case.earlier,
        )  # fmt: skip
        if case.hits:
            decision.features = {
                name: self.scorers[name].describe(case.event.place, numbers) for name, numbers in case.numbers.items()
            }
        if case.actions:
            parts = ((name, self.scorers[name].contributions(case.event.place, n)) for name, n in case.numbers.items())
            decision.contributions = {name: found for name, found in parts if found}
        return decision
