"""What those are told who wait for an event's decision, and what is kept for whoever asks once more.

Of the types that surfaces ask about (`serve.surfaces`), each event is noted in its user's partition by its identity and
its content, from its arrival on: so it counts once, however many events its user has sent since, and whether it was
asked or streamed. When it is decided, its reply stands in the note. Who asks has put a token into the record's headers;
the reply goes out under it, at once or when the decision is there. The notes go as untouched state does.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.decisions import Action, Decision, Hit
from engine.core.domain.events import Event
from engine.core.evaluation.deciding import Evaluation
from engine.core.evaluation.evaluator import Evaluator
from engine.core.kernel import hash64
from engine.core.state.entities import NEVER
from engine.errors import StateError
from engine.settings import Settings
from engine.state.scored import reply_name
from engine.stream.handlers.batches import Outcome, StateOutcome
from engine.stream.handlers.messages import Message

ASKED = "asked"
"""The header of an event for whose decision somebody waits; it holds their token, under which the reply goes out."""

TOKEN_BYTES = 16

UNKNOWN = "unknown"
"""The outcome of an event that was decided before replies were kept."""

FAILED = "failed"
"""The outcome of an event that could not be decided, here or at one of its entities: it is a dead letter."""


class ToldHit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule that held. `kind`, `scope`: what it does, where that stands: it acts, or rests as it has just acted. One
    that rests is there for each of its actions, with what that `needs`."""

    rule: str
    effect: str
    kind: str | None = None
    scope: str | None = None
    needs: str | None = None


class ToldAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """An action, as on `actions`, without whom it is about: where people have pseudonyms, state names nobody."""

    action_id: str
    kind: str
    target_type: str
    rule: str
    reason: str
    scope: str | None = None
    for_ms: int | None = None
    not_before_ms: int | None = None
    needs: str | None = None
    tell: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """What is told of an event's decision, as a message on `replies` under the token of who asks."""

    event_id: str
    type: str
    ts: int
    outcome: str
    rulebook: str
    hits: list[ToldHit] = []
    actions: list[ToldAction] = []
    scores: dict[str, float] = {}


class Decided(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a decision. `ts_ms`: the event's time, which may be that of its first arrival."""

    outcome: str
    rulebook: str
    hits: list[ToldHit] = []
    actions: list[ToldAction] = []
    scores: dict[str, float] = {}
    ts_ms: int = 0


class Kept(msgspec.Struct, array_like=True):
    """What is noted of an event. `user`: the hash of its user; `offset`: at which it has come first; `token`: of who
    waits; `actions`: from before it went on to its entities; `decided`: once it is."""

    user: int
    offset: int
    token: bytes = b""
    actions: list[ToldAction] = []
    decided: Decided | None = None


class Replies:
    """Notes the events of some types, and replies."""

    def __init__(self, settings: Settings) -> None:
        self.types, self._topic = settings.serve.types, settings.topics.replies
        self._has_pseudonyms = settings.pseudonyms() is not None
        self._evaluator: Evaluator | None = None
        self._thens: Mapping[str, ActionTemplate] = {}

    def use(self, evaluator: Evaluator) -> None:
        """Reply with this from the next batch on."""
        self._evaluator = evaluator
        self._thens = {rule.name: rule.then for rule in evaluator.rulebook.rules} if self.types else {}

    def arrive(self, outcome: StateOutcome, record: Any, event: Event) -> Kept | None:
        """An event has come. None where it has come before and does not count; who asks gets its reply."""
        token, name = token_of(record), reply_name(event.identify(), event.content)
        kept = _kept(outcome, name)
        if kept is None:
            return Kept(hash64(event.user_id), record.offset, token)
        if kept.offset == record.offset:  # the worker was killed before the user's record was stored
            # What has gone out to its entities may be back, and comes back only once.
            return Kept(kept.user, kept.offset, token or kept.token, decided=kept.decided)
        if token and kept.decided is not None:
            self._publish(outcome, token, event, kept.decided)
        elif token and token != kept.token:
            kept.token = token
            _keep(outcome, name, kept)
        return None

    def reply(self, outcome: StateOutcome, kept: Kept, event: Event, result: Evaluation) -> None:
        """What has come of an event at its user. Of one that goes on to its entities, the reply waits."""
        decision = result.decision
        actions = [*kept.actions, *map(self._told, decision.actions if decision is not None else ())]
        if result.routed is not None:
            kept.actions = actions
        else:
            kept.decided = self._decided(event, decision, actions)
            if kept.token:
                self._publish(outcome, kept.token, event, kept.decided)
        _keep(outcome, reply_name(event.identify(), event.content), kept)

    def reply_returned(self, outcome: StateOutcome, event: Event, result: Evaluation) -> None:
        """What has come of an event that is back from its entities."""
        kept = _kept(outcome, reply_name(event.identify(), event.content)) or Kept(hash64(event.user_id), NEVER)
        self.reply(outcome, kept, event, result)

    def fail(self, outcome: StateOutcome, event: Event, kept: Kept | None = None) -> None:
        """An event could not be decided, at its user or at an entity. What it has brought about before stands. `kept`:
        of one that has just come."""
        name = reply_name(event.identify(), event.content)
        kept = kept or _kept(outcome, name) or Kept(hash64(event.user_id), NEVER)
        if kept.decided is None:
            kept.decided = Decided(FAILED, self._rulebook(), actions=kept.actions, ts_ms=event.ts_ms)
            if kept.token:
                self._publish(outcome, kept.token, event, kept.decided)
        _keep(outcome, name, kept)

    def refuse(self, outcome: Outcome, record: Any) -> None:
        """A record is no event that can be decided: who asks is told, and nothing is noted."""
        token = token_of(record)
        if token and self.types:
            refused = Reply("", "", 0, FAILED, self._rulebook())
            outcome.messages.append(Message(self._topic, token, msgspec.json.encode(refused)))

    def pass_over(self, outcome: Outcome, record: Any, event: Event) -> None:
        """Nothing asks about events of this type: they leave nothing behind, and who asks is told."""
        token = token_of(record)
        if token:
            self._publish(outcome, token, event, Decided("none", self._rulebook()))

    def _decided(self, event: Event, decision: Decision | None, actions: list[ToldAction]) -> Decided:
        if decision is None:
            return Decided(UNKNOWN, self._rulebook(), ts_ms=event.ts_ms)
        hits = [told for hit in decision.hits for told in self._told_hits(hit)]
        return Decided(decision.outcome, decision.rulebook, hits, actions, decision.scores, event.ts_ms)

    def _publish(self, outcome: Outcome, token: bytes, event: Event, decided: Decided) -> None:
        reply = Reply(
            event.event_id, event.type, decided.ts_ms or event.ts_ms, decided.outcome, decided.rulebook, decided.hits,
            decided.actions, decided.scores,
        )  # fmt: skip
        outcome.messages.append(Message(self._topic, token, msgspec.json.encode(reply)))

    def _rulebook(self) -> str:
        assert self._evaluator is not None  # no partition is read before a rulebook is there
        return self._evaluator.rulebook.id

    def _told_hits(self, hit: Hit) -> list[ToldHit]:
        if hit.stands:
            return [ToldHit(hit.rule, hit.effect, *deed) for deed in hit.stands]
        then = self._thens.get(hit.rule) if hit.effect == "acted" else None
        return [ToldHit(hit.rule, hit.effect, *((then.kind, then.scope) if then is not None else ()))]

    def _told(self, action: Action) -> ToldAction:
        tell = action.tell.text() if action.tell is not None and not self._has_pseudonyms else None
        return ToldAction(
            action.action_id, action.kind, action.target_type, action.rule, action.reason, action.scope, action.for_ms,
            action.not_before_ms, action.needs, tell,
        )  # fmt: skip


def token_of(record: Any) -> bytes:
    """The token of who waits for an event's decision; empty where nobody does."""
    for name, value in record.headers or ():
        if name == ASKED and value is not None and len(value) == TOKEN_BYTES:
            return bytes(value)
    return b""


def read_kept(value: bytes) -> Kept | None:
    """What is noted of an event; None where it cannot be read."""
    try:
        return msgspec.msgpack.decode(value, type=Kept)
    except (msgspec.MsgspecError, ValueError):
        return None


def dump_kept(kept: Kept) -> bytes:
    """What `read_kept` reads."""
    return msgspec.msgpack.encode(kept)


def elsewhere(value: bytes) -> bytes:
    """What is noted of an event, in another partition, where its offset would mean another event. Raises StateError."""
    kept = read_kept(value)
    if kept is None:
        raise StateError(f"what is noted of an event, {len(value)} bytes, cannot be read")
    return dump_kept(msgspec.structs.replace(kept, offset=NEVER))


def _kept(outcome: StateOutcome, name: bytes) -> Kept | None:
    assert outcome.state is not None
    found = outcome.state.notes([name]).get(name)
    return read_kept(found) if found is not None else None


def _keep(outcome: StateOutcome, name: bytes, kept: Kept) -> None:
    assert outcome.state is not None
    outcome.keep_scored([outcome.state.scored.put_note(name, dump_kept(kept))])
