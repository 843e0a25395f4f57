"""An event that no rule has met, decided once more: each clause of each rule, with what it reads.

Decisions have clauses of hits alone. So the events of its user that are still on their topic are replayed up to this
one, by the rulebook in use. Counters over anything but the user know these events alone, and may have been higher.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from engine.core.domain.decisions import ClauseTrace
from engine.core.domain.events import Event
from engine.core.domain.rules import Rulebook
from engine.errors import EventError
from engine.learning.models import LearnedModel
from engine.rulebook.inline_tests.failures import Witness
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.control.lists import show_in
from engine.stream.handlers.events import arrival_of
from engine.stream.handlers.messages import decode_event
from engine.stream.kafka.records import read_all
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine


class Retraced(NamedTuple):
    """An event, how many of its user's came before it, and by rule the clauses as they were nearest to holding."""

    event: Event
    replayed: int
    rules: dict[str, tuple[ClauseTrace, ...]]


def retrace(
    settings: Settings, rulebook: Rulebook, models: Mapping[str, LearnedModel], event_id: str
) -> Retraced | None:
    """Decide the newest event of this id once more; None where it is not on the topic any more. Raises TopicError."""
    asked = None
    for record in read_all(settings, settings.topics.events):
        if orjson.dumps(event_id) in (record.value or b""):
            event = _read(settings, record)
            if event is not None and event.event_id == event_id:
                asked = record, event
    if asked is None:
        return None
    record, event = asked
    own = [
        earlier
        for earlier in _before(settings, record)
        if (earlier_event := _read(settings, earlier)) and earlier_event.user_id == event.user_id
    ]
    witnesses: dict[str, Witness] = {}
    for rule in rulebook.rules:
        if event.type in rule.events or "any" in rule.events:
            witnesses[rule.name] = Witness(rulebook, rule.name)
            rulebook = witnesses[rule.name].rulebook
    show_in(settings, rulebook)
    plain = msgspec.structs.replace(settings, privacy=PrivacySettings(), decision_sample=0.0, review_share=0.0)
    engine = OfflineEngine(rulebook, plain, models)
    for played in (*own, record):
        for witness in witnesses.values():
            witness.take()
        list(engine.run([Arrival("event", 0, played.value, arrival_of(played))]))
    noted = {name: witness.take() for name, witness in witnesses.items()}
    return Retraced(event, len(own), {name: min(clauses, key=_missing) for name, clauses in noted.items() if clauses})


def _before(settings: Settings, record: Any) -> list[Any]:
    """What may be about the same user, and came before: in another partition, before there were so many of them."""
    own, elsewhere = list[Any](), list[Any]()
    for earlier in read_all(settings, settings.topics.events):
        if earlier.key != record.key:
            continue
        if earlier.partition != record.partition:
            elsewhere += [earlier] if earlier.timestamp <= record.timestamp else []
        elif earlier.offset < record.offset:
            own.append(earlier)
    return sorted(elsewhere, key=lambda earlier: (earlier.timestamp, earlier.offset)) + own


def _read(settings: Settings, record: Any) -> Event | None:
    try:
        limit = settings.events.max_message_bytes
        return decode_event(record.value, settings.events.mapping(), limit, arrival_of(record))
    except EventError:
        return None  # among the dead letters


def _missing(clauses: tuple[ClauseTrace, ...]) -> int:
    return sum(clause.result is not True for clause in clauses)
