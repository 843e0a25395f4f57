"""What the engine knows of one person, found by reading all of it, and the request to forget it."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import orjson

from engine.core.kernel import hash64, identity_of
from engine.core.state.records import load_record
from engine.errors import EventError, StateError
from engine.learning.labels import decode_known, subject_of
from engine.learning.scored import read_scored
from engine.settings import Settings
from engine.state.noted import MEETING, UNSCORED
from engine.state.scored import (
    ACTION,
    BLOCK,
    CONSEQUENCE,
    REPLY,
    STRIKE,
    VERDICT,
    consequence_name,
    event_of_action,
    events_of,
    payload_of,
    strike_name,
    verdict_name,
)
from engine.state.store import ENTITY
from engine.state.timers import MEETING_TIMER, TIMER
from engine.stream.handlers.absences import user_of
from engine.stream.handlers.answers import read_unscored
from engine.stream.handlers.consequences import taken_back
from engine.stream.handlers.erasure import Forget, is_about
from engine.stream.handlers.events import arrival_of
from engine.stream.handlers.hop_messages import encode_request
from engine.stream.handlers.messages import decode_event
from engine.stream.handlers.outcomes import is_of
from engine.stream.handlers.replies import read_kept
from engine.stream.kafka.records import read_all, sending
from engine.stream.kafka.topics import changelog_topic

Progress = Callable[[str], None]
"""Told of each topic that is read now."""

_KEYS_AT_ONCE = 500
_MOST_POLICIES = 100


@dataclass(slots=True)
class UserData:
    """What was found of a user. `names`: his id, and his pseudonyms; `subjects`: the identities of his events;
    `policies`: under which verdicts may have been given; `state`: by partition and name, the keys of what is known of
    him; `kinds`: how
    many of each; `passing`: messages about him on topics that are kept for a while and then deleted by the broker."""

    user_id: str
    names: tuple[str, ...]
    subjects: set[int] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)
    state: dict[int, dict[str, list[bytes]]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    passing: Counter[str] = field(default_factory=Counter)


def find_user_data(settings: Settings, user_id: str, show_progress: Progress, subjects: Iterable[int] = ()) -> UserData:
    """Read all topics for a user. `subjects`: those that are known already. Raises TopicError."""
    pseudonyms, names = settings.pseudonyms(), settings.topics
    user_data = UserData(
        user_id=user_id,
        names=(user_id, *(pseudonyms.every(user_id) if pseudonyms is not None else ())),
        subjects=set(subjects),
    )
    scores = (names.scores,) if settings.publish_scores else ()
    limits = {names.events: settings.events.max_message_bytes}
    if settings.enrichment.is_used:  # what waits there, or is longer kept there, has the same identity behind the stage
        limits[names.raw_events] = settings.enrichment.max_message_bytes
    for topic, limit in limits.items():
        show_progress(topic)
        _find_events(settings, user_data, topic, limit)
    passing = (names.labels, names.decisions, names.actions, names.review, names.dead_letters, names.examples)
    for topic in (*passing, *scores):
        show_progress(topic)
        for record in read_all(settings, topic):
            if _may_name(record, user_data):
                user_data.passing[topic] += 1
                _note_subjects(user_data, record.value)
    show_progress("state")
    _find_state(settings, user_data)
    return user_data


def find_in_state(settings: Settings, known: UserData) -> UserData:
    """What is in the state of these settings of a user of whom more is known already. Raises TopicError."""
    user_data = UserData(known.user_id, known.names, set(known.subjects), set(known.policies))
    _find_state(settings, user_data)
    return user_data


def ask_to_forget(settings: Settings, user_data: UserData) -> int:
    """Ask the owners of the state to forget; returns the number of requests. Raises PublishError."""
    with sending(settings, "forget", "not all of the requests could be published; run this again") as messages:
        parts = [
            (partition, *item) for partition, by_name in sorted(user_data.state.items()) for item in by_name.items()
        ]
        for partition, name, keys in parts:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                request = Forget(name, keys[start : start + _KEYS_AT_ONCE])
                messages.send(settings.topics.hops, name.encode(), encode_request(request), partition)
        return len(messages.wait())


def _find_events(settings: Settings, user_data: UserData, topic: str, limit: int) -> None:
    mapping = settings.events.mapping()
    for record in read_all(settings, topic):
        if not _may_name(record, user_data):
            continue
        try:
            event = decode_event(record.value, mapping, limit, arrival_of(record))
        except EventError:
            continue  # among the dead letters
        user_data.passing[topic] += 1
        if event.user_id == user_data.user_id:
            _note_event(user_data, event.type, event.event_id)


def _note_event(user_data: UserData, kind: str, event_id: str) -> None:
    """An event of the user, under each of his names."""
    user_data.subjects |= {identity_of(name, kind, event_id) for name in user_data.names}


def _note_subjects(user_data: UserData, value: bytes | None) -> None:
    """The event that a decision is about: the events topic may not have it any more. The policy of a label."""
    try:
        document = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return
    if not isinstance(document, dict):
        return
    kind, event_id, policy = document.get("type"), document.get("event_id"), document.get("policy")
    if isinstance(kind, str) and isinstance(event_id, str):
        _note_event(user_data, kind, event_id)
    if isinstance(policy, str) and len(user_data.policies) < _MOST_POLICIES:
        user_data.policies.add(policy)


def _find_state(settings: Settings, user_data: UserData) -> None:
    places: dict[tuple[int, bytes], tuple[str, list[str]]] = {}
    verdicts: set[tuple[int, bytes]] = set()
    beside: set[tuple[int, bytes]] = set()  # what is noted of actions for their revocation
    actions: dict[tuple[int, bytes], int] = {}
    for record in read_all(settings, changelog_topic(settings)):
        place = record.partition, record.key
        if record.key.startswith((VERDICT, STRIKE, CONSEQUENCE)):
            noted = verdicts if record.key.startswith(VERDICT) else beside
            (noted.discard if record.value is None else noted.add)(place)
            places.pop(place, None)
            if record.value is not None and (names := _followed(record, user_data)):
                places[place] = "verdicts on events", names
            continue
        if record.key.startswith(ACTION):
            actions.pop(place, None)
            if record.value is not None:
                actions[place] = event_of_action(record.value)[0]
            continue
        places.pop(place, None)  # deleted since, or no longer about him
        if record.value is not None:
            kind, names = _kind(record.key, record.value, user_data)
            if names:
                places[place] = kind, names
    policies, latest = (None, *sorted(user_data.policies)), [user_data.names[-1]]
    verdict_names = {verdict_name(subject_of(subject, policy)) for subject in user_data.subjects for policy in policies}
    places.update({place: ("verdicts on events", latest) for place in verdicts if place[1] in verdict_names})
    about = "what actions were about"
    own = [place for place, event in actions.items() if event in user_data.subjects]
    places.update(dict.fromkeys(own, (about, latest)))
    for about, name_of in (("strikes of actions", strike_name), ("what followed from actions", consequence_name)):
        noted = {(partition, name_of(key)) for partition, key in own} & beside
        places.update(dict.fromkeys(noted, (about, latest)))
    for (partition, key), (kind, names) in sorted(places.items()):
        user_data.kinds[kind] += 1
        for name in names:
            user_data.state.setdefault(partition, {}).setdefault(name, []).append(key)


def _kind(key: bytes, value: bytes, user_data: UserData) -> tuple[str, list[str]]:
    """What a record is, and under which of his names it is about the user."""
    if key.startswith(BLOCK):
        return "features as scored", [name for name in user_data.names if _note_scored(user_data, value, name)]
    if key.startswith((TIMER, MEETING_TIMER)):
        return "events that are waited upon", [name for name in user_data.names if name == user_of(value)]
    if key.startswith(MEETING):
        return "events that wait for an outcome", [name for name in user_data.names if is_of(value, name)]
    if key.startswith(REPLY):
        noted = read_kept(value)
        return "replies", [name for name in user_data.names if noted is not None and noted.user == hash64(name)]
    if key.startswith(UNSCORED):
        users = {each.answer.user_id for each in read_unscored(value)}
        return "what has come of events", [name for name in user_data.names if name in users]
    owners = [name for name in user_data.names if is_about(key, name)]
    if owners or not key.startswith(ENTITY):
        return "records of counters", owners
    named = [name for name in user_data.names if name.encode() in value and _is_named(value, name)]
    return "notes at other entities", named


def _followed(record: Any, user_data: UserData) -> list[str]:
    """Under which of his names the user is in what has followed from a verdict: the event may be on no topic now."""
    if not record.key.startswith(VERDICT):
        return []
    try:
        users = {follow_up.user_id for follow_up in taken_back(decode_known(record.value.decode()).note)}
    except ValueError:
        return []
    return [name for name in user_data.names if name in users]


def _note_scored(user_data: UserData, block: bytes, name: str) -> bool:
    """Whether events of the user are in a block."""
    try:
        events = events_of(block)
    except StateError:
        return False  # no one can read what is in it
    own = events.identities[events.users == np.uint64(hash64(name))]
    user_data.subjects.update(own.tolist())
    with suppress(StateError):  # under these an outcome was noted, as a verdict is
        policies = {model.policy for _, model in read_scored(payload_of(block), own.tolist())} if len(own) else set()
        user_data.policies |= {policy for policy in policies if policy is not None}
    return bool(len(own))


def _is_named(value: bytes, name: str) -> bool:
    try:
        record = load_record(value)
    except StateError:
        return True  # look into it by hand
    notes = (note for contributors in record.contributors.values() for note in contributors.notes)
    links = any(name in link.users for link in record.links.values())
    return links or any(name in (note.user_id, note.target_id) for note in notes)


def _may_name(record: Any, user_data: UserData) -> bool:
    """Whether a JSON message may be about a user: by its key, or as it holds a name of his, as we write it or
    escaped."""
    if any(record.key == name.encode() for name in user_data.names):
        return True
    return record.value is not None and any(
        text in record.value for name in user_data.names for text in _spellings(name)
    )


@cache
def _spellings(name: str) -> tuple[bytes, ...]:
    return orjson.dumps(name), json.dumps(name).encode()
