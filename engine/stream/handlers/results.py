"""What an evaluation becomes: actions and decisions to publish.

Where people have pseudonyms, actions alone name them: whoever enforces has to know whom.
"""

from collections.abc import Sequence
from functools import cache

import structlog
from prometheus_client import Counter

from engine.core.domain.decisions import Action, Decision
from engine.core.evaluation.deciding import Evaluation
from engine.core.evaluation.follow_ups import FollowUp
from engine.settings import Settings
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.consequences import keep_consequences
from engine.stream.handlers.messages import Message, encode_action, encode_decision
from engine.stream.handlers.metrics import Metrics

_log = structlog.stdlib.get_logger("floodgate")


class Results:
    """Adds evaluations to the outcome of a batch, and counts them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._topics, self._pseudonyms, self._logs = settings.topics, settings.pseudonyms(), settings.log_actions
        # Looking a metric up by its labels costs more than counting.
        self._actions_by, self._hits_by = cache(metrics.actions.labels), cache(metrics.hits.labels)
        self._decisions_by = cache(metrics.decisions.labels)
        self._counted: dict[Counter, int] = {}

    def collect(self, outcome: StateOutcome, result: Evaluation) -> None:
        """Publish what is decided. While the event is at its entities, its actions go out and its decision waits."""
        if result.decision is None:
            return
        outcome.messages += self._actions(outcome, result.decision, result.follow_ups)
        if result.routed is None and result.decision.is_published:
            outcome.messages.append(self._decision(result.decision))

    def publish(self, outcome: StateOutcome, decision: Decision, follow_ups: Sequence[FollowUp]) -> None:
        """Publish a decision and its actions, from which these follow."""
        told = [self._decision(decision)] if decision.is_published else []
        outcome.messages += [*self._actions(outcome, decision, follow_ups), *told]

    def count(self) -> None:
        """Tell the metrics of what has been added since the last call: at the end of a batch, as that is dear."""
        for counter, times in self._counted.items():
            counter.inc(times)
        self._counted.clear()

    def _note(self, counter: Counter) -> None:
        self._counted[counter] = self._counted[counter] + 1 if counter in self._counted else 1

    def _actions(self, outcome: StateOutcome, decision: Decision, follow_ups: Sequence[FollowUp]) -> list[Message]:
        if follow_ups and outcome.state is not None:  # for their revocation
            keep_consequences(outcome, decision.actions, follow_ups)
        for action in decision.actions:
            self._note(self._actions_by(action.rule, action.kind))
            if outcome.state is not None:  # for labels that name the action
                outcome.keep_scored([outcome.state.scored.put_action(action.action_id, action.event, action.event_id)])
            if outcome.state is not None and action.strike is not None:  # for its revocation
                outcome.keep_scored([outcome.state.scored.put_strike(action.action_id, action.strike)])
        if decision.actions and self._logs:
            _log.info(
                "acted", event_id=decision.event_id, user_id=decision.user_id, type=decision.type,
                actions=[f"{action.kind} by {action.rule}" for action in decision.actions], rulebook=decision.rulebook,
            )  # fmt: skip
        if decision.actions and not decision.earlier:
            outcome.acted_ms.append(decision.ts_ms)
        return [self._message(action) for action in decision.actions] if decision.actions else []

    def _message(self, action: Action) -> Message:
        action = self._revealed(action)
        reveal = self._pseudonyms.reveal if self._pseudonyms is not None else str
        return Message(self._topics.actions, action.target_id.encode(), encode_action(action, reveal))

    def _revealed(self, action: Action) -> Action:
        if self._pseudonyms is None:
            return action
        reveal = self._pseudonyms.reveal
        return action._replace(user_id=reveal(action.user_id), target_id=reveal(action.target_id))

    def _decision(self, decision: Decision) -> Message:
        for hit in decision.hits:
            self._note(self._hits_by(hit.rule, hit.effect))
        self._note(self._decisions_by(decision.outcome))
        return Message(self._topics.decisions, decision.user_id.encode(), encode_decision(decision))
