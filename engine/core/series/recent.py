"""The last events that an entity has seen: an event that is sent twice counts once.

An event is remembered by 64 bits: the upper half of the hash of its identity (who, what type, which id) above the
lower half of the hash of its content. The same id with another content is another event: whoever writes events must
not make the second one vanish.
"""

from array import array

SEEN, NEW, CONFLICTING = 0, 1, 2
"""It is there already; it is new; so is it, but an event of the same identity and of another content is there."""

_LOWER = (1 << 32) - 1


def remember(recent: "array[int]", identity: int, content: int, limit: int) -> int:
    """Enter an event by its two hashes: SEEN, NEW or CONFLICTING. The oldest beyond `limit` are forgotten."""
    event = identity & ~_LOWER | content & _LOWER
    if event in recent:
        return SEEN
    novelty = CONFLICTING if any(known >> 32 == event >> 32 for known in recent) else NEW
    recent.append(event)
    if len(recent) > limit:
        del recent[: len(recent) - limit]
    return novelty
