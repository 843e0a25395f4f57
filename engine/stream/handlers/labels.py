"""Labels are joined with what the models read when they scored."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import structlog

from engine.core.domain.programs import FollowUps
from engine.core.domain.rules import rivals
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.kernel import hash64, identity_of
from engine.errors import LabelError, StateError
from engine.learning.labels import Label, decode_known, encode_known, join, subject_of
from engine.settings import Settings
from engine.state.scored import Found
from engine.stream.handlers.as_scored import scored_models
from engine.stream.handlers.batches import Outcome, Rejector, StateOutcome, States
from engine.stream.handlers.consequences import encode_note, taken_back, withdraw_consequences
from engine.stream.handlers.events import GoOn
from engine.stream.handlers.forgiving import Revocation, forgive_strikes
from engine.stream.handlers.hop_messages import FROM_LABELS, Departures, Hop
from engine.stream.handlers.kept_events import KeptEvent, follow_label, kept_events
from engine.stream.handlers.label_messages import decode_message, encode_example
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.publishers import Accept, accept_all, sequence_of

_log = structlog.stdlib.get_logger("floodgate")

_LABELS_AT_ONCE = 250
"""Each may be in a block of its own, and all of these are in memory at once."""


Sent = tuple[Any, list[Hop]]
"""What a record of the labels topic sends on."""

Matched = tuple[Any, Label, list[Found]]
"""A record of the labels topic, its label, and where the event is that this is about."""


class LabelWorker:
    """Joins labels with the features as scored; the examples go to the trainer."""

    def __init__(self, settings: Settings, states: States, metrics: Metrics, accept: Accept = accept_all) -> None:
        self._topics, self._states, self._metrics, self._accept = settings.topics, states, metrics, accept
        self._pseudonyms, self._mapping = settings.pseudonyms(), settings.labels.mapping()
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._labels_by = cache(metrics.labels.labels)
        self._asked, self._rivals = FollowUps(), dict[str, str]()

    async def on_assigned(self, partition: int) -> int | None:
        """Read from the committed offset."""
        return None

    def on_revoked(self, partition: int) -> None:
        """The state belongs to the event worker, which ends it."""

    def use(self, evaluator: Evaluator) -> None:
        """The rulebook that asks about labels, from the next batch on."""
        self._asked, self._rivals = evaluator.rulebook.follow_ups, rivals(evaluator.rulebook.models)

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch of labels."""
        departures = Departures(self._topics.hops, FROM_LABELS, partition)

        def send(outcome: StateOutcome, record: Any, hops: Sequence[Hop]) -> None:
            departures.begin(record.offset)
            outcome.messages += [departures.send(hop) for hop in hops]

        return self.join(partition, records, send)

    def join(self, partition: int, records: Sequence[Any], go_on: GoOn) -> StateOutcome:
        """What a batch of labels brings about. `go_on` takes the follow-ups of labels."""
        outcome = StateOutcome(state=self._states(partition))
        decoded = [(record, self._decode(outcome, record)) for record in records]
        revocations = [(record, revocation) for record, revocation in decoded if isinstance(revocation, Revocation)]
        self._metrics.forgiven.inc(forgive_strikes(outcome, revocations, self._names, self._rejector))
        sent = list(withdraw_consequences(outcome, revocations))
        labels = self._with_events(outcome, [(record, label) for record, label in decoded if isinstance(label, Label)])
        for start in range(0, len(labels), _LABELS_AT_ONCE):
            sent += self._join(outcome, partition, labels[start : start + _LABELS_AT_ONCE])
        for record, hops in sorted(sent, key=lambda one: one[0].offset):  # their numbers go up
            if hops:
                go_on(outcome, record, hops)
        return outcome

    def _decode(self, outcome: Outcome, record: Any) -> Label | Revocation | None:
        try:
            label = decode_message(record.value, self._mapping)
            origin = self._accept(record, "revoke" if isinstance(label, Revocation) else "label")
            if origin is None:
                raise LabelError("not_a_publishers", "it does not come from one who may publish this")
            if isinstance(label, Revocation):
                return label
            if origin.name is not None:
                label = replace(label, sequence=sequence_of(record))
            return label if origin.speaks_for_others else replace(label, moderator=origin.name)
        except Exception as error:  # one label must never stop a partition
            reason = error.reason if isinstance(error, LabelError) else "not_a_label"
            self._rejector.reject(outcome, record, reason, error)
            return None

    def _with_events(self, outcome: StateOutcome, labels: list[tuple[Any, Label]]) -> list[Matched]:
        """Labels of actions become labels of the events that these are about; of others, the event is looked up."""
        assert outcome.state is not None
        named = self._with_actions(outcome, labels)
        scored = outcome.state.scored_events(hash64(label.event_id) for _, label in named)
        matched = []
        for record, label in named:
            candidates = scored[hash64(label.event_id)]
            meant = self._meant(record, label, candidates)
            if len({event.identity for event in meant}) > 1:
                self._labels_by("ambiguous").inc()
                _log.warning("a label fits several events: give its user_id and type", event_id=label.event_id)
            elif meant:
                matched.append((record, replace(label, identity=meant[0].identity), meant))
            elif record.key is not None:  # else it was sent to every partition
                self._labels_by("unmatched").inc()
        return matched

    def _meant(self, record: Any, label: Label, candidates: list[Found]) -> list[Found]:
        """Those of the scored events with a label's id that it can be about."""
        if label.identity:
            return [candidate for candidate in candidates if candidate.identity == label.identity]
        user = label.user_id or (record.key or b"").decode("utf-8", "replace")
        if not user:
            return candidates
        names = self._names(user)
        if label.type is not None:
            identities = {identity_of(name, label.type, label.event_id) for name in names}
            return [candidate for candidate in candidates if candidate.identity in identities]
        users = {hash64(name) for name in names}
        return [candidate for candidate in candidates if candidate.user in users]

    def _names(self, user: str) -> list[str]:
        """The names under which a user may be known in the state."""
        return [user] if self._pseudonyms is None else [user, *self._pseudonyms.every(user)]

    def _with_actions(self, outcome: StateOutcome, labels: list[tuple[Any, Label]]) -> list[tuple[Any, Label]]:
        assert outcome.state is not None
        actions = {label.action_id for _, label in labels if label.action_id is not None}
        if not actions:
            return labels
        events, known = outcome.state.events_of_actions(actions), []
        for record, label in labels:
            if label.action_id is None:
                known.append((record, label))
            elif label.action_id in events:
                identity, event_id = events[label.action_id]
                known.append((record, replace(label, event_id=event_id, identity=identity)))
            elif record.key is not None:  # else it was sent to every partition
                self._labels_by("unmatched").inc()
        return known

    def _join(self, outcome: StateOutcome, partition: int, labels: Sequence[Matched]) -> list[Sent]:
        """Join some labels; what follows from them."""
        assert outcome.state is not None
        sent = list[Sent]()
        found = dict.fromkeys(event for _, _, events in labels for event in events)
        subjects = [subject_of(label.identity, label.policy) for _, label, _ in labels]
        scored, verdicts = scored_models(outcome.state, found), outcome.state.verdicts(subjects)
        kept = kept_events(outcome.state, found) if self._asked.of_labels else {}
        for (record, label, _), subject in zip(labels, subjects, strict=True):
            key = label.identity
            seen = scored.get(key, [])
            if isinstance(seen, StateError):
                self._rejector.reject(outcome, record, "unreadable_state", seen)
                continue
            known = decode_known(verdicts[subject]) if subject in verdicts else None
            times, note = (known.times, known.note) if known is not None else (0, b"")
            is_followed = key in kept or bool(note)
            result, examples = join(label, seen, known, (partition, record.offset), is_followed, self._rivals)
            if result == "unmatched" and record.key is None:
                continue  # sent to every partition because its user was not known: it joins in one of them
            self._labels_by(result).inc()
            if result not in ("unmatched", "duplicate"):
                if is_followed and result != "confirmed":
                    entered = self._entered(partition, kept.get(key), label, record, times)
                    sent.append((record, [*taken_back(note), *entered]))
                    times, note = times + 1, encode_note(entered) if entered else b""
                verdicts[subject] = encode_known(label, times, note)
                outcome.keep_scored([outcome.state.scored.put_verdict(subject, verdicts[subject])])
            for example in examples:
                outcome.messages.append(Message(self._topics.examples, example.model.encode(), encode_example(example)))
        return sent

    def _entered(self, partition: int, kept: KeptEvent | None, label: Label, record: Any, times: int) -> list[FollowUp]:
        """The follow-ups by which a label enters counters."""
        if kept is None or label.verdict == "retracted":
            return []
        # One of the future would let all that is counted look old.
        ts_ms = label.ts_ms if record.timestamp is None else min(label.ts_ms, record.timestamp)
        return follow_label(self._asked, kept, label, ts_ms, partition, times)
