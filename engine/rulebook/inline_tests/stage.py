"""Where rules' tests are played: all users and entities in one place, and models that say what a test declares."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

from engine.core.domain.decisions import Contribution, Decision
from engine.core.domain.events import Event
from engine.core.domain.follow_ups import internal_type
from engine.core.domain.programs import ModelNumbers, ModelTexts, Program, Scorer
from engine.core.domain.reference import Lookup, Row
from engine.core.domain.rules import ModelSpec, Rulebook
from engine.core.evaluation.absences import Timer
from engine.core.evaluation.deciding import Evaluation
from engine.core.evaluation.enrichment import enrich
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.evaluation.routing import NOWHERE, EntityKey, RoutedEvent, route
from engine.core.evaluation.visits import travel
from engine.core.state.entities import EntityRecord


class FixedScorer:
    """A model that always says the same: what an example declares under `score`."""

    version = "example"
    threshold: float | None = 0.5
    answered_by: str | None = None

    def __init__(self, says: float | None) -> None:
        self._says = says

    def prepare(self, batch: Sequence[ModelTexts | None]) -> None:
        """Nothing is read."""

    def read_late(self, place: int, texts: ModelTexts) -> None:
        """Nothing is read."""

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        """The declared score."""
        return self._says

    def describe(self, place: int, numbers: ModelNumbers) -> dict[str, float | None]:
        """Nothing to tell."""
        return {}

    def contributions(self, place: int, numbers: ModelNumbers) -> list[Contribution]:
        """Nothing to tell."""
        return []


def scorer_of(spec: ModelSpec, says: float | None) -> Scorer:
    """What a test declares, or what a model's hints and its seed say before there are labels."""
    if says is not None or not (spec.hints or spec.seed):
        return FixedScorer(says)
    from engine.rulebook.inline_tests.hinted import hinted_scorer  # noqa: PLC0415  # few have hints; learners are dear

    return hinted_scorer(spec)


class ExampleStage:
    """All entities in one place: every event is decided on the spot, its entities visited."""

    def __init__(self, rulebook: Rulebook, scorers: Mapping[str, Scorer], sample: float = 0.0) -> None:
        self.evaluator = Evaluator(rulebook, scorers, sample)
        self.users: dict[str, EntityRecord] = {}
        self.entities: dict[EntityKey, EntityRecord] = {}
        self._timers: list[tuple[int, int, Timer]] = []

    def send(self, event: Event) -> list[Decision]:
        """The decisions that an event brings about: its own last, those on earlier events before it. One of a
        follow-up's type, such as `label.spam`, is taken for a follow-up."""
        rulebook, kind = self.evaluator.rulebook, internal_type(event.type)
        if kind in rulebook.follow_ups.types:
            keys = route(rulebook.follow_ups.entities, event.fields)
            about = (event.event_id, kind, event.user_id, event.ts_ms)
            return self.follow(FollowUp(NOWHERE, *about, 0, event.fields, keys, event.content))
        program = rulebook.program(event.type)
        if program is None:
            return []
        if rulebook.lookups:
            _enrich(event, rulebook, program)
        user = self.users.setdefault(event.user_id, EntityRecord())
        result = self.evaluator.evaluate(event, program, user)
        for timer in result.timers:
            heappush(self._timers, (timer.follow_up.ts_ms, timer.identity, timer))
        return self._conclude(result, user)

    def pass_time(self, before_ms: int) -> list[Decision]:
        """The decisions that come about as things have not come before a time."""
        decisions: list[Decision] = []
        while self._timers and self._timers[0][0] < before_ms:
            timer = heappop(self._timers)[-1]
            user = self.users.setdefault(timer.follow_up.user_id, EntityRecord())
            result = self.evaluator.lapse(timer, user)
            if result is not None:
                decisions += self._conclude(result, user)
        return decisions

    def follow(self, follow_up: FollowUp) -> list[Decision]:
        """The decisions that a follow-up brings about."""
        user = self.users.setdefault(follow_up.user_id, EntityRecord())
        return self._conclude(self.evaluator.follow(follow_up, user), user)

    def _conclude(self, result: Evaluation, user: EntityRecord) -> list[Decision]:
        """What is left of an event, and then what follows from it."""
        decisions, follow_ups = [result.decision], list(result.follow_ups)
        if result.routed is not None:
            decisions, more = self._return(result.routed, result.decision, user)
            follow_ups += more
        for follow_up in follow_ups:
            decisions[:0] = self.follow(follow_up)
        return [decision for decision in decisions if decision is not None]

    def _return(
        self, routed: RoutedEvent, at_once: Decision | None, user: EntityRecord
    ) -> tuple[list[Decision | None], list[FollowUp]]:
        matches = travel(
            routed, self.evaluator.rulebook, lambda entity_key: self.entities.setdefault(entity_key, EntityRecord())
        )
        earlier = [self.evaluator.decide_retroactively(match, self.users[match.user_id]) for match in matches]
        follow_ups = [follow_up for result in earlier for follow_up in result.follow_ups]
        if routed.withdrawn:
            return [], follow_ups
        (back,) = self.evaluator.prepare_returned([routed])
        result = self.evaluator.decide_returned(routed, back, user)
        concluded = result.decision
        if at_once is not None and concluded is not None:
            concluded.actions = at_once.actions + concluded.actions
        return [*(result.decision for result in earlier), concluded], [*follow_ups, *result.follow_ups]


def _enrich(event: Event, rulebook: Rulebook, program: Program) -> None:
    """What a test states of reference data is so; of the rest, tables that the rulebook has itself are looked into."""
    stated = {path: event.fields[path] for path in rulebook.looked_up if path in event.fields}
    enrich(event.fields, rulebook, program, _Stated(stated), event.ts_ms)
    event.fields.update(stated)


class _Stated:
    """Reference data as a test states it."""

    def __init__(self, stated: Mapping[str, Any]) -> None:
        self._stated = stated

    def find(self, lookup: Lookup, key: str, at_ms: int) -> Row | None:
        """The same for every key."""
        return tuple([self._stated.get(column.path) for column in lookup.columns])

    def version(self, source: str) -> str | None:
        """No version."""
        return None
