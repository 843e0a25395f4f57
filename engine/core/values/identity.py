"""Who did what, under which id: the things that every event says about itself."""

from typing import Any

from engine.core.values.hashing import digest, hash64

MAX_ID_CHARS = 256

IDENTITY_FIELDS = ("event_id", "type", "user_id")
TEXT_FIELDS = ("ip", "device_id", "target_id", "text")
"""Optional fields with a fixed meaning; when present they must be strings (null counts as absent)."""

ID_FIELDS = ("device_id", "target_id")
"""Those of them that many producers write as integers: 7 is "7" there."""

ADDRESS = "ip"
"""This one holds one address: a comma is what a header with several has."""

EVENT_TIME = "ts"
"""Under this name an event has the time by which its windows go."""

MESSAGE = "message"
"""Stands among the invalid fields where the message as a whole was no JSON."""
CLOCK_SKEW, INVALID_FIELDS, CONFLICTING_IDS = "clock_skew", "invalid_fields", "conflicting_ids"
COMPUTED_FIELDS = (CLOCK_SKEW, INVALID_FIELDS, CONFLICTING_IDS)
"""What the engine finds out about an event and rules can read: how far its time lies ahead of its arrival, which of its
fields cannot be what they are, whether its user has used its id for something else. Producers cannot set them."""


def plain_identity(document: dict[str, Any]) -> tuple[str, str, str, int] | None:
    """(event_id, type, user_id, ts) if they are names and an integer, all text fields are texts, the address is no
    list, and nothing is there that the engine computes, else None."""
    get = document.get
    event_id, kind, user_id, ts_ms = get("event_id"), get("type"), get("user_id"), get("ts")
    if not (
        type(event_id) is str and type(kind) is str and type(user_id) is str and type(ts_ms) is int
        and 0 < len(event_id) <= MAX_ID_CHARS and 0 < len(kind) <= MAX_ID_CHARS and 0 < len(user_id) <= MAX_ID_CHARS
    ):  # fmt: skip
        return None
    for name in TEXT_FIELDS:
        value = get(name)
        if value is not None and type(value) is not str:
            return None
    if "," in (get(ADDRESS) or ""):
        return None
    for name in COMPUTED_FIELDS:
        if name in document:
            return None
    return event_id, kind, user_id, ts_ms


def identity_of(user_id: str, kind: str, event_id: str) -> int:
    """The identity of an event: a hash of its user's, its type's and its own name, whatever is in them."""
    return hash64(_named(user_id, kind, event_id))


def action_id(
    event: tuple[str, str, str], content: int, rule: str, target: tuple[str, str], further: tuple[str, ...] = ()
) -> str:
    """The deterministic id of an action. `event`: user, type and id; `content`: the hash of what the event says, so
    that an id which a sender uses again names another action; `target`: its type and id; `further`: kind and scope of
    an action that its rule does beside its first one."""
    return digest(_named(*event), f"{content:016x}", rule, *target, *further)


def _named(user_id: str, kind: str, event_id: str) -> str:
    return f"{len(user_id)}:{user_id}{len(kind)}:{kind}{event_id}"
