"""THE way of an event: observe, score, decide, explain, enforce.

Rules that need nothing but the user are decided at once. Where others count over further entities, the
event sets out on a journey to them (`journeys.py`) and is concluded when it is back.

Pure and deterministic: what comes out depends on the events of these entities, their order, the rulebook
and the models, and on nothing else. The same code runs live, in replays and in the rules' inline tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from engine.core.domain.decisions import ClauseTrace, Decision, Outcome, strongest
from engine.core.domain.events import Event, lookup
from engine.core.domain.programs import Decider, JourneyProgram, ModelNumbers, Program, Readings, Scorer
from engine.core.domain.rules import Rulebook, target_of, threshold_of
from engine.core.evaluation.budgets import note_active
from engine.core.evaluation.enforcement import Case, Enforcement, Holding
from engine.core.evaluation.journeys import Journey, Recall, route
from engine.core.evaluation.visits import keep_labels, take_labels
from engine.core.kernel import identity_of, remember
from engine.core.series.entity_series import EntitySeries
from engine.core.series.recent import CONFLICTING, SEEN
from engine.core.state.entities import RECENT_IDS, USUAL_RELATIVE_MS, EntityRecord
from engine.core.values.identity import CLOCK_SKEW, CONFLICTING_IDS, INVALID_FIELDS, MAX_ID_CHARS


@dataclass(slots=True)
class Tally:
    """What has happened so far; the caller publishes and resets it."""

    late: int = 0
    duplicates: int = 0
    conflicting: int = 0
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


class Evaluator:
    """Decides events against one rulebook. `sample` of the decisions without a hit are reported too; `before`: by
    rule, the rulebook that had it before it was changed last."""

    def __init__(
        self, rulebook: Rulebook, scorers: Mapping[str, Scorer], sample: float = 0.0,
        before: Mapping[str, Rulebook] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.rulebook = rulebook
        self.scorers = scorers
        self._before, self._enforcement, self._budget_windows = before, Enforcement(rulebook), rulebook.budget_windows
        self.tally = Tally()
        self._place = self._key = 0
        self._batch: Sequence[tuple[Event, Decider]] = ()
        self._scores: dict[str, float | None] = {}
        self._numbers: dict[str, ModelNumbers] = {}
        self._thresholds = {threshold_of(name): scorer.threshold for name, scorer in scorers.items()}
        self._sample_below = int(sample * (_SAMPLED_BITS + 1))
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

    def evaluate(
        self, event: Event, program: Program, record: EntityRecord, home: int = 0, ledger: EntityRecord | None = None
    ) -> Evaluation:
        """Apply one event to its user's record and decide it, as far as that is possible here. `program` is
        the rulebook's for its type, `home` the partition to which a journey comes back, `ledger` that one's for
        budgets."""
        if event.place < 0:
            self.prepare([(event, program.decider)])
        event.identity = key = event.identity or identity_of(event.user_id, event.type, event.event_id)
        series = record.series
        now = event.ts_ms - record.base_ms
        if not 0 <= now <= USUAL_RELATIVE_MS:
            now = record.relative(event.ts_ms)
        known = remember(record.recent, key, event.content, RECENT_IDS)
        if known == SEEN:
            self.tally.duplicates += 1
            return NOTHING
        if known == CONFLICTING:
            self.tally.conflicting += 1
            event.fields[CONFLICTING_IDS] = True
        if now > record.newest:
            record.newest = now
        elif now <= record.newest - self.rulebook.lateness_ms:
            self.tally.late += 1
        program.observe(event.fields, series, now)

        if ledger is not None:
            note_active(ledger, event.user_id, event.ts_ms, self._budget_windows)
        self._place, self._key, self._scores, self._numbers = event.place, key, {}, {}
        held = program.decider.decide(event.fields, series, now, self._ask)
        if not held and program.journey is None and key & _SAMPLED_BITS >= self._sample_below:
            return NOTHING
        case = Case(event, record, now, ledger, scores=self._scores, numbers=self._numbers)
        self._enforce(case, program.decider, dict.fromkeys(held, series))
        if program.journey is not None:
            journey = self._begin_journey(case, program.journey, series, home)
            if journey is not None:
                decision = self._decision(case) if case.hits else None
                if decision is not None:
                    journey.scores, journey.features = decision.scores, decision.features
                    journey.contributions = decision.contributions
                return Evaluation(decision, journey)
        return self._evaluation(case)

    def prepare_returned(self, journeys: Sequence[Journey]) -> None:
        """The same for events that are back from their journeys."""
        back = [(journey, self.rulebook.program(journey.type)) for journey in journeys]
        deciders = [(one, program.journey.decider) for one, program in back if program and program.journey]
        for place, (journey, _) in enumerate(deciders):
            journey.place = place
        if not deciders:  # what the models have read of this batch stays
            return
        self.prepare([(journey.event(), decider) for journey, decider in deciders])

    def decide_returned(self, journey: Journey, record: EntityRecord, ledger: EntityRecord | None = None) -> Evaluation:
        """Decide an event that is back from its journey, with its user's record."""
        if journey.place < 0:
            self.prepare_returned([journey])
        event = journey.event()
        now = record.relative(event.ts_ms)
        case = Case(event, record, now, ledger, journey.allowed, hits=list(journey.hits), resting=journey.resting)
        case.models.update(journey.models)
        self._place, self._key = event.place, event.identify()
        self._scores, self._numbers = case.scores, case.numbers
        program = self.rulebook.program(event.type)
        if program is not None and program.journey is not None:
            keep_labels(program.journey.clusters, journey, record, case.now)
            self._decide_gathered(case, program.journey.decider, journey.readings())
        for name, score in journey.values.items():
            if name.startswith("score.") and isinstance(score, float):
                case.scores[name.removeprefix("score.")] = score
        result = self._evaluation(case)
        if result.decision is not None:
            result.decision.members = journey.members if case.hits else {}
            result.decision.scores = journey.scores | result.decision.scores
            result.decision.features = journey.features | result.decision.features
            result.decision.contributions = journey.contributions | result.decision.contributions
        return result

    def recall(self, recall: Recall, record: EntityRecord, ledger: EntityRecord | None = None) -> Decision | None:
        """Act on an earlier event, now that its entity has crossed the threshold. None when the rule is gone, or
        has met it already."""
        index = self._by_name.get(recall.rule)
        if index is None:
            return None
        event = Event(recall.event_id, recall.type, recall.user_id, recall.ts_ms, {}, content=recall.content)
        case = Case(event, record, record.relative(recall.ts_ms), ledger, earlier=True)
        told = ClauseTrace(recall.told(self.rulebook.counters), {recall.counter: recall.total}, True)
        self._enforcement.meet(case, Holding(index, recall.target_id, (told,), None, held_before=None))
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

    def _ask_if_known(self, model: str, numbers: ModelNumbers) -> float | None:
        """The same for a rulebook of before: what has been asked already, as its models may have read other things."""
        return self._scores.get(model, self._thresholds.get(model))

    # -- journeys ---------------------------------------------------------------------------------

    def _begin_journey(self, case: Case, program: JourneyProgram, series: EntitySeries, home: int) -> Journey | None:
        """The journey to the event's entities; without any, the remaining rules are decided here."""
        event = case.event
        values = program.gather(event.fields, series, case.now, case.scores)
        stops = route(program, event.fields)
        if not stops:
            for name, read_texts in program.decider.models.items():
                self.scorers[name].read_late(event.place, read_texts(event.fields))
            self._decide_gathered(case, program.decider, [values])
            return None
        read = ((path, lookup(event.fields, path)) for path in program.carried)
        fields = {path: value for path, value in read if value is not None}
        if CLOCK_SKEW in program.carried:  # None is unknown there, nothing is no skew
            fields[CLOCK_SKEW] = event.fields.get(CLOCK_SKEW, 0)
        if program.invalid is not None:
            fields[INVALID_FIELDS] = program.invalid(event.fields)
        eligible = {}
        if not case.allowed:
            for index in program.eligible(event.fields, series, case.now, case.scores):
                target_id = target_of(event, self.rulebook.rules[index])
                if target_id is not None and len(target_id) <= MAX_ID_CHARS:
                    eligible[self.rulebook.rules[index].name] = target_id
        journey = Journey(
            event.event_id, event.type, event.user_id, event.ts_ms, home, fields, stops, values, case.models,
            case.allowed, eligible, tuple(case.hits), content=event.content,
        )  # fmt: skip
        take_labels(program.clusters, journey, case.record.links, case.now)
        return journey

    def _decide_gathered(self, case: Case, decider: Decider, readings: Sequence[Readings]) -> None:
        """Decide with gathered values: a rule holds when it holds for one of the readings."""
        held: dict[int, Readings] = {}
        for reading in readings:
            for index in decider.decide(case.event.fields, reading, case.now, self._ask):
                held.setdefault(index, reading)
        self._enforce(case, decider, held)

    # -- enforcement ------------------------------------------------------------------------------

    def _enforce(self, case: Case, decider: Decider, held: Mapping[int, Readings]) -> None:
        """Explain the rules that hold, and act."""
        case.models.update({name: self.scorers[name].version for name in decider.models})
        self._enforcement.allow(case, held.keys())
        for index in sorted(held):
            self._enforcement.meet(case, self._holding(case, decider, held[index], index))

    def _holding(self, case: Case, decider: Decider, readings: Readings, index: int) -> Holding:
        event, rule = case.event, self.rulebook.rules[index]
        clauses, counterfactual = decider.explain(index, event.fields, readings, case.now, case.scores)
        before = self._before.get(rule.name)
        if rule.budget is None or before is None:
            return Holding(index, target_of(event, rule), clauses, counterfactual)
        return Holding(
            index, target_of(event, rule), clauses, counterfactual,
            lambda: before.would_hold(rule.name, event, readings, case.now, self._ask_if_known),
        )  # fmt: skip

    def _evaluation(self, case: Case) -> Evaluation:
        told = case.hits or self._key & _SAMPLED_BITS < self._sample_below
        return Evaluation(self._decision(case) if told else None)

    def _decision(self, case: Case) -> Decision:
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
