"""The four things that every event says about itself, where it says them in the plainest way."""

from typing import Any

MAX_ID_CHARS = 256

TEXT_FIELDS = ("ip", "device_id", "target_id", "text")
"""Optional fields with a fixed meaning; when present they must be strings (null counts as absent)."""


def plain_identity(document: dict[str, Any]) -> tuple[str, str, str, int] | None:
    """(event_id, type, user_id, ts) if they are names and an integer, and all text fields are texts, else None."""
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
    return event_id, kind, user_id, ts_ms
