"""THE way of an event: observe, score, decide, explain, enforce.

Rules that need nothing but the user are decided at once. Where others count over further entities, the
event is routed to them (`routing.py`), and what remains is decided when it is back.

Pure and deterministic: what comes out depends on the events of these entities, their order, the rulebook
and the models, and on nothing else. The same code runs live, in replays and in the rules' inline tests.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from engine.core.domain.decisions import ClauseTrace
from engine.core.domain.events import Event
from engine.core.domain.follow_ups import is_follow_up
from engine.core.domain.kinds import RESTING
from engine.core.domain.programs import JUDGEMENT, Decider, Program, RoutingProgram, Scorer
from engine.core.domain.rules import Rulebook
from engine.core.evaluation.absences import Timer, has_lapsed, timers_of
from engine.core.evaluation.budgets import note_active
from engine.core.evaluation.deciding import NOTHING, SAMPLED_BITS, Deciding, Evaluation
from engine.core.evaluation.enforcement import Case, Holding
from engine.core.evaluation.follow_ups import FollowUp, taken_along
from engine.core.evaluation.order import note_later, placed
from engine.core.evaluation.outcomes import marks_of
from engine.core.evaluation.reach import target_of
from engine.core.evaluation.recalling import recall
from engine.core.evaluation.routing import NOWHERE, EntityKey, RetroactiveMatch, RoutedEvent, route
from engine.core.evaluation.scoring import Models, Scoring, Tally
from engine.core.evaluation.visits import keep_labels, take_labels
from engine.core.kernel import identity_of, remember
from engine.core.series.entity_series import EntitySeries
from engine.core.series.recent import CONFLICTING, SEEN
from engine.core.state.entities import RECENT_IDS, USUAL_RELATIVE_MS, EntityRecord
from engine.core.values.identity import CONFLICTING_IDS, MAX_ID_CHARS


class Evaluator:
    """Decides events against one rulebook. `sample` of the decisions without a hit are reported too; `before`: by
    rule, the rulebook that had it before it was changed last; `answered`: types of which each event has a decision, for
    those who wait for it."""

    def __init__(
        self, rulebook: Rulebook, scorers: Mapping[str, Scorer], sample: float = 0.0,
        before: Mapping[str, Rulebook] = MappingProxyType({}), answered: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.rulebook = rulebook
        self.scorers = scorers
        self.tally = Tally()
        self._follow_ups, self._budget_windows = rulebook.follow_ups, rulebook.budget_windows
        self._follows_decisions = rulebook.follow_ups.of_decisions
        self._models = Models(scorers, self.tally)
        self._batch: Sequence[tuple[Event, Decider]] = ()
        self._sample_below = int(sample * (SAMPLED_BITS + 1))
        self._deciding, self._answered = Deciding(rulebook, scorers, self._sample_below, before, answered), answered
        self._by_name = {rule.name: index for index, rule in enumerate(rulebook.rules)}

    def prepare(self, batch: Sequence[tuple[Event, Decider]]) -> None:
        """Let the models read the texts of a batch of events at a stretch, before these are decided in their order."""
        self._batch = batch
        for place, (event, _) in enumerate(batch):
            event.place = place
        for name, scorer in self.scorers.items():
            scorer.prepare([
                decider.models[name](event.fields) if name in decider.models else None for event, decider in batch
            ])  # fmt: skip

    def event_at(self, place: int) -> Event:
        """The event at a place of the batch that was prepared last."""
        return self._batch[place][0]

    def evaluate(
        self,
        event: Event,
        program: Program,
        record: EntityRecord,
        user_partition: int = 0,
        ledger: EntityRecord | None = None,
    ) -> Evaluation:
        """Apply one event to its user's record and decide it, as far as that is possible here. `program` is
        the rulebook's for its type, `user_partition` the partition to which a routed event comes back, `ledger` that
        one's."""
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
        arrived_ms = event.arrived_ms
        if record.order is None and now >= record.newest and (arrived_ms is None or arrived_ms >= event.ts_ms):
            record.newest = now
        else:
            was_skewed = event.is_skewed
            now = placed(event, record, now)
            self.tally.skewed += event.is_skewed - was_skewed
            self.tally.late += now <= record.newest - self.rulebook.lateness_ms
        if program.recall is not None:
            series.recalled = recall(program, series, now, event.ts_ms, ledger)
        program.observe(event.fields, series, now)

        if ledger is not None:
            note_active(ledger, event.user_id, event.ts_ms, self._budget_windows)
        scoring = Scoring(self._models, event)
        held = program.decider.decide(event.fields, series, now, scoring.ask)
        goes_on = program.routing is not None or program.absences or program.outcomes
        if not (held or goes_on or key & SAMPLED_BITS < self._sample_below or event.type in self._answered):
            return NOTHING
        is_followed = self._follows_decisions or program.absences
        follow_keys = route(self._follow_ups.entities, event.fields) if is_followed else []
        case = Case(event, record, now, scoring, ledger, user_partition=user_partition, follow_keys=follow_keys)
        if program.absences:
            case.timers = timers_of(program.absences, event, record, user_partition, follow_keys)
        if program.outcomes:
            case.marks = marks_of(program.outcomes, event, record, user_partition)
        if held or program.decider.models:
            self._deciding.enforce(case, program.decider, dict.fromkeys(held, (series,)))
        if program.routing is not None:
            routed = self._route(case, program.routing, route(program.routing.entities, event.fields))
            if routed is not None:
                decision = self._deciding.decision(case) if case.hits else None
                if decision is not None:
                    routed.scores, routed.features = decision.scores, decision.features
                    routed.contributions = decision.contributions
                return Evaluation(decision, routed, self._deciding.followed(case), case.timers, marks=case.marks)
        return self._deciding.evaluation(case)

    def follow(
        self, follow_up: FollowUp, record: EntityRecord, ledger: EntityRecord | None = None, said: Iterable[str] = ()
    ) -> Evaluation:
        """Apply a follow-up to its user's record. Rules about it decide; it goes on to the entities that its event
        named. It is applied once, as its message is: no id of it is remembered. `said`: of one that is withdrawn, by
        which conditions it had entered."""
        program = self.rulebook.program(follow_up.type)
        if program is None or program.withdraw is None:
            return NOTHING  # nothing asks any more
        event, now = follow_up.event(), record.relative(follow_up.ts_ms)
        enter = program.withdraw if follow_up.withdrawn else program.observe
        judged = dict.fromkeys(said, True) if follow_up.withdrawn else None
        event.fields.update(judged or {})
        note_later(record, now)
        if program.recall is not None:
            record.series.recalled = recall(program, record.series, now, follow_up.ts_ms, ledger)
        enter(event.fields, record.series, now)
        scoring = Scoring(self._models, event)
        case = Case(
            event, record, now, scoring, ledger, user_partition=follow_up.user_partition, follow_keys=follow_up.keys
        )
        if not follow_up.withdrawn:
            held = program.decider.decide(event.fields, record.series, now, scoring.ask)
            self._deciding.enforce(case, program.decider, dict.fromkeys(held, (record.series,)))
        routed = None
        keys = follow_up.entity_keys(program.routing.entities) if program.routing is not None else []
        if program.routing is not None and (keys or not follow_up.withdrawn):
            routed = self._route(case, program.routing, keys, judged)
            if routed is not None:
                routed.withdrawn = follow_up.withdrawn
        decision = self._deciding.decision(case) if case.hits else None  # one that goes nowhere is decided by now
        known = event.fields | routed.fields if routed is not None else event.fields
        said = [name for name, value in known.items() if name.startswith(JUDGEMENT) and value is True]
        return Evaluation(decision, routed, self._deciding.followed(case), said=said)

    def lapse(self, timer: Timer, record: EntityRecord, ledger: EntityRecord | None = None) -> Evaluation | None:
        """A timer is due: apply its follow-up, if what it has waited for certainly did not come; None where it did, or
        nobody asks any more."""
        if not has_lapsed(timer, self.rulebook.absences.get(timer.follow_up.type), record):
            return None
        return self.follow(timer.follow_up, record, ledger)

    def prepare_returned(self, routed_events: Sequence[RoutedEvent]) -> list[Event]:
        """The same for events that are back from their entities. Returns them, for `decide_returned`."""
        events = [routed.event() for routed in routed_events]
        programs = [(event, self.rulebook.program(event.type)) for event in events]
        batch = [(event, program.routing.decider) for event, program in programs if program and program.routing]
        if batch:  # else what the models have read of this batch stays
            self.prepare(batch)
        return events

    def decide_returned(
        self, routed: RoutedEvent, event: Event, record: EntityRecord, ledger: EntityRecord | None = None
    ) -> Evaluation:
        """Decide an event that is back from its entities, with its user's record."""
        now = record.relative(event.ts_ms)
        scoring = Scoring(self._models, event)
        case = Case(
            event, record, now, scoring, ledger, allowed=routed.allowed, hits=list(routed.hits), resting=routed.resting,
            models=dict(routed.models), user_partition=routed.user_partition, follow_keys=routed.follow_keys,
        )  # fmt: skip
        program = self.rulebook.program(event.type)
        if program is not None and program.routing is not None:
            keep_labels(program.routing.clusters, routed, record, case.now)
            self._deciding.decide_gathered(case, program.routing.decider, routed.readings())
        for name, score in routed.values.items():
            if name.startswith("score.") and isinstance(score, float):
                scoring.scores[name.removeprefix("score.")] = score
        result = self._deciding.evaluation(case)
        if result.decision is not None:
            result.decision.members = routed.members if case.hits else {}
            result.decision.scores = routed.scores | result.decision.scores
            result.decision.features = routed.features | result.decision.features
            result.decision.contributions = routed.contributions | result.decision.contributions
        return result

    def is_settled(self, routed: RoutedEvent) -> bool:
        """Whether an event that has been at all its entities would bring nothing about at its user: no rule holds, no
        model is asked, no cluster is remembered, nothing is published. Such an event need not go back."""
        program = self.rulebook.program(routed.type)
        if routed.withdrawn:
            return True
        if program is None or program.routing is None or routed.hits or routed.type in self._answered:
            return False
        decider, ask = program.routing.decider, self._models.threshold
        if decider.models or (self._deciding.is_sampled(routed.identify()) and not is_follow_up(routed.type)):
            return False
        for trace in routed.clusters.values():
            if trace.belongs(routed.user_id):
                return False
        for reading in routed.readings():  # noqa: SIM110 - a generator is dearer, and all that visit an entity pay
            if decider.decide(routed.fields, reading, 0, ask):
                return False
        return True

    def decide_retroactively(
        self, match: RetroactiveMatch, record: EntityRecord, ledger: EntityRecord | None = None
    ) -> Evaluation:
        """Act on an earlier event, now that its entity has crossed the threshold. No decision when the rule is gone, or
        has met it already. Its follow-ups know no fields of its event but its ids, and stay with its user."""
        index = self._by_name.get(match.rule)
        if index is None:
            return NOTHING
        event = Event(match.event_id, match.type, match.user_id, match.ts_ms, match.fields(), content=match.content)
        scoring = Scoring(self._models, event)
        case = Case(
            event, record, record.relative(match.ts_ms), scoring, ledger, earlier=True,
            user_partition=match.user_partition,
        )  # fmt: skip
        trace = ClauseTrace(match.explain(self.rulebook.counters), {match.counter: match.total}, True)
        self._deciding.enforcement.meet(case, Holding(index, match.target_id, (trace,), None, held_before=None))
        return Evaluation(self._deciding.decision(case) if case.hits else None, None, self._deciding.followed(case))

    # -- events that go on to their entities ------------------------------------------------------

    def _route(
        self, case: Case, program: RoutingProgram, entity_keys: list[EntityKey],
        judged: Mapping[str, bool] | None = None,
    ) -> RoutedEvent | None:  # fmt: skip
        """The event as it goes on to its entities; without any, the remaining rules are decided here. `judged`: what is
        said of whether they count it, where that is known."""
        event, series = case.event, case.record.series
        values = program.gather(event.fields, series, case.now, case.scoring.scores)
        eligible = self._eligible(case, program, series) if entity_keys and not case.allowed else {}
        if entity_keys and entity_keys[-1][0][0] == RESTING:  # they come last
            entity_keys = self._asked(entity_keys, eligible)
        if not entity_keys:
            for name, read_texts in program.decider.models.items():
                self.scorers[name].read_late(event.place, read_texts(event.fields))
            self._deciding.decide_gathered(case, program.decider, [values])
            return None
        fields = taken_along(program.carried, event.fields, program.invalid)
        if program.judge is not None:
            fields.update(judged if judged is not None else program.judge(event.fields, series, case.now))
        routed = RoutedEvent(
            NOWHERE, event.event_id, event.type, event.user_id, event.ts_ms, case.user_partition, fields, entity_keys,
            values, case.models, case.allowed, eligible, tuple(case.hits), answers=[], clusters={}, members={},
            content=event.content, identity=event.identity or event.identify(), follow_keys=case.follow_keys,
        )  # fmt: skip
        if program.clusters:
            take_labels(program.clusters, routed, case.record.links, case.now)
        return routed

    def _eligible(self, case: Case, program: RoutingProgram, series: EntitySeries) -> dict[str, str]:
        """The rules that may act, or rest, at an entity, and whom they are about."""
        eligible: dict[str, str] = {}
        known = self._models.thresholds | case.scoring.scores
        for index in program.eligible(case.event.fields, series, case.now, known):
            rule = self.rulebook.rules[index]
            target_id = target_of(case.event, rule)
            if target_id is not None and len(target_id) <= MAX_ID_CHARS:
                eligible[rule.name] = target_id
        return eligible

    def _asked(self, entity_keys: list[EntityKey], eligible: Mapping[str, str]) -> list[EntityKey]:
        return [entity for entity in entity_keys if self._is_asked(entity[0], eligible)]

    def _is_asked(self, kind: str, eligible: Mapping[str, str]) -> bool:
        """Whether an event has to visit the entities of a kind: where rules do nothing but rest, only if one may."""
        rests = self.rulebook.rests.get(kind, ()) if kind.startswith(RESTING) else ()
        return not kind.startswith(RESTING) or any(self.rulebook.rules[rest.rule].name in eligible for rest in rests)
