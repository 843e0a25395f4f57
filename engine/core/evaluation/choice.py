"""Which few of many keys are counted, whatever order their sender has put them in."""

from collections.abc import Iterable

from engine.core.domain.kinds import parts_of
from engine.core.kernel import hash64

MOST = 8
"""So many keys of one kind are all counted."""

MOST_LINKED = 16
"""So many of a kind that has to do with links, pictures or videos: throw-away ones beside the one that counts are free.
Each is a visit on the event's way to its entities, of some 40 µs."""


def most_of(kind: str) -> int:
    """How many keys of a kind of entities are counted."""
    parts = parts_of(kind)
    return MOST_LINKED if {"url_domain", "image", "video"} & {*parts} else MOST


def chosen(keys: Iterable[str], most: int = MOST) -> tuple[str, ...]:
    """The different keys in their order, all of them where they are at most `most`; else those that come first by
    their keyed hashes.

    Which ones these are does not depend on the order, and a key is ranked the same in each event: who adds throw-away
    keys to hide one of his cannot tell how many that takes, nor make ones that outrank it.
    """
    different = tuple(dict.fromkeys(keys))
    if len(different) <= most:
        return different
    kept = set(ranked(different)[:most])
    return tuple(key for key in different if key in kept)


def ranked(keys: Iterable[str]) -> list[str]:
    """The keys in an order that nobody can tell without the deployment's secret, and that is the same wherever they
    stand."""
    return sorted(keys, key=lambda key: (hash64(key), key))
