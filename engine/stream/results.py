"""What an evaluation becomes: actions and decisions to publish, features as scored to keep."""

from engine.core.decisions import Decision
from engine.core.evaluator import Evaluation
from engine.learning.labels import ScoredEvent, ScoredModel, decode_scored
from engine.settings import Settings
from engine.state.store import PartitionState
from engine.stream.handlers import StateOutcome
from engine.stream.messages import Message, encode_action, encode_decision
from engine.stream.metrics import Metrics


class Results:
    """Adds evaluations to the outcome of a batch, and counts them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._topics, self._metrics = settings.topics, metrics

    def collect(self, outcome: StateOutcome, state: PartitionState, event_id: str, result: Evaluation) -> None:
        """Publish what is decided, keep what was scored. While the event is on a journey, its actions go out
        and its decision waits."""
        messages = self._actions(result.decision) if result.decision is not None else []
        if result.decision is not None and result.journey is None:
            messages.append(self._decision(result.decision))
        if result.features:
            scores = result.scores
            models = [ScoredModel(name, scores.get(name), value.encode()) for name, value in result.features.items()]
            # Before the entity's record in the changelog: whoever has the record has these too.
            outcome.changes.append(state.put_scored(event_id, ScoredEvent(tuple(models)).encode()))
            outcome.scored.append(event_id)
        outcome.messages += messages

    def conclude(self, outcome: StateOutcome, state: PartitionState, event_id: str, result: Evaluation) -> None:
        """Publish the decision of an event that is back from its journey, and keep what was scored then
        beside what was scored before."""
        decision, features = result.decision, result.features
        if decision is not None:
            self.publish(outcome, decision)
        if features:
            stored = state.get_scored(event_id)
            before = decode_scored(stored) if stored is not None else ScoredEvent(())
            kept = tuple(model for model in before.models if model.name not in features)
            added = tuple(ScoredModel(name, result.scores.get(name), one.encode()) for name, one in features.items())
            outcome.changes.append(state.put_scored(event_id, ScoredEvent(kept + added, before.verdict).encode()))
            outcome.scored.append(event_id)

    def publish(self, outcome: StateOutcome, decision: Decision) -> None:
        """Publish a decision and its actions."""
        outcome.messages += [*self._actions(decision), self._decision(decision)]

    def _actions(self, decision: Decision) -> list[Message]:
        for action in decision.actions:
            self._metrics.actions.labels(action.rule, action.kind).inc()
        return [Message(self._topics.actions, one.target_id.encode(), encode_action(one)) for one in decision.actions]

    def _decision(self, decision: Decision) -> Message:
        for hit in decision.hits:
            self._metrics.hits.labels(hit.rule, hit.effect).inc()
        self._metrics.decisions.labels(decision.outcome).inc()
        return Message(self._topics.decisions, decision.user_id.encode(), encode_decision(decision))
