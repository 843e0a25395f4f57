"""Which events and actions the engine knows, as far as its topics tell: those that labels may be about."""

from collections.abc import Collection, Iterator
from typing import Any

import orjson

from engine.core.kernel import lookup
from engine.settings import Settings
from engine.stream.kafka.records import read_all

LOOKED_AT = 200_000
"""So many of the latest messages of each topic are looked at: somebody waits."""


def find_known_events(settings: Settings, ids: Collection[str]) -> set[str]:
    """Those of these event ids that are among the latest events, or what has been said of events: to be reviewed,
    decided. Raises TopicError."""
    topics, source = settings.topics, settings.events.mapping().sources.get("event_id", "event_id")
    left = set(ids)
    for topic, path in ((topics.review, "event_id"), (topics.decisions, "event_id"), (topics.events, source)):
        if left:
            left -= _find(settings, topic, left, path)
    return set(ids) - left


def find_known_actions(settings: Settings, ids: Collection[str]) -> set[str]:
    """Those of these action ids that have been published. Raises TopicError."""
    return _find(settings, settings.topics.actions, set(ids), "action_id")


def _find(settings: Settings, topic: str, ids: set[str], path: str) -> set[str]:
    known: set[str] = set()
    for document in _documents(settings, topic):
        name = lookup(document, path)
        if type(name) in (str, int) and str(name) in ids:  # `events.as_string` reads numbers as ids
            known.add(str(name))
            if len(known) == len(ids):
                break
    return known


def _documents(settings: Settings, topic: str) -> Iterator[dict[str, Any]]:
    for record in read_all(settings, topic, most=LOOKED_AT):
        try:
            document = orjson.loads(record.value or b"")
        except orjson.JSONDecodeError:
            continue
        if type(document) is dict:
            yield document
