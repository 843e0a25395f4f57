"""What an evaluation becomes: actions and decisions to publish."""

from functools import cache

from engine.core.decisions import Decision
from engine.core.evaluator import Evaluation
from engine.settings import Settings
from engine.stream.handlers import StateOutcome
from engine.stream.messages import Message, encode_action, encode_decision
from engine.stream.metrics import Metrics


class Results:
    """Adds evaluations to the outcome of a batch, and counts them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._topics = settings.topics
        # Looking a metric up by its labels costs more than counting.
        self._actions_by, self._hits_by = cache(metrics.actions.labels), cache(metrics.hits.labels)
        self._decisions_by = cache(metrics.decisions.labels)

    def collect(self, outcome: StateOutcome, result: Evaluation) -> None:
        """Publish what is decided. While the event is on a journey, its actions go out and its decision waits."""
        if result.decision is None:
            return
        outcome.messages += self._actions(outcome, result.decision)
        if result.journey is None:
            outcome.messages.append(self._decision(result.decision))

    def publish(self, outcome: StateOutcome, decision: Decision) -> None:
        """Publish a decision and its actions."""
        outcome.messages += [*self._actions(outcome, decision), self._decision(decision)]

    def _actions(self, outcome: StateOutcome, decision: Decision) -> list[Message]:
        for action in decision.actions:
            self._actions_by(action.rule, action.kind).inc()
            if outcome.state is not None:  # for labels that name the action
                outcome.keep_scored([outcome.state.scored.put_action(action.action_id, action.event_id)])
        return [Message(self._topics.actions, one.target_id.encode(), encode_action(one)) for one in decision.actions]

    def _decision(self, decision: Decision) -> Message:
        for hit in decision.hits:
            self._hits_by(hit.rule, hit.effect).inc()
        self._decisions_by(decision.outcome).inc()
        return Message(self._topics.decisions, decision.user_id.encode(), encode_decision(decision))
