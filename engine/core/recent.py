"""The last events that an entity has seen: an event that is sent twice counts once."""

from array import array


def remember(recent: "array[int]", event: int, limit: int) -> bool:
    """Enter an event, the hash of its id; False when it is there already. The oldest beyond `limit` are forgotten."""
    if event in recent:
        return False
    recent.append(event)
    if len(recent) > limit:
        del recent[: len(recent) - limit]
    return True
