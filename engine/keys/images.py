"""Near-duplicate pictures: keys that copies of one picture share, whatever was done to them on the way.

A picture comes as its PDQ hash of 256 bits (`media.hashes`), in which copies differ a little. Eight keys are made of
it, of 24 bits each; two pictures that share one of them are taken for copies. Which bits make a key is drawn by a
deployment's secret: who knew them could change those bits of each copy and no others.
`docs/decisions/0050-enrichment.md` has the rates measured.
"""

from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import Any

from engine.core.kernel import hash64
from engine.core.values.banks import hash_of

SLOTS = 8
SLOT_BITS = 24
MOST_VIEWS = 8
"""So many views of an event's pictures have keys: the whole, its inner part, what a border surrounds."""

MOST_HASHES = 16
"""So many of one event are looked up in a bank: of four pictures, four frames each."""

_BITS, _DIGITS = 256, 64
PURPOSE = "near-duplicate pictures"


def image_hashes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The hashes of an event's pictures, as banks look them up."""
    media = fields.get("media")
    hashes = media.get("hashes") if type(media) is dict else None
    if type(hashes) is not list:
        return ()
    written = (hash_of(found) for found in hashes[:MOST_HASHES])
    return tuple(dict.fromkeys(found for found in written if found is not None))


def image_keys(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of an event's pictures, eight of each view of one, turned the same way for all copies (`media.turned`;
    events that were recorded before there was that have the hashes alone); none where nothing has looked at them."""
    media = fields.get("media")
    hashes = (media.get("turned") or media.get("hashes")) if type(media) is dict else None
    if type(hashes) is not list:
        return ()
    keys: dict[str, None] = {}
    for found in hashes[:MOST_VIEWS]:
        if type(found) is str:
            keys.update(dict.fromkeys(hash_keys(found, hash64(PURPOSE))))
    return tuple(keys)


@lru_cache(4_096)
def hash_keys(found: str, key: int = 0, slots: int = SLOTS) -> tuple[str, ...]:
    """The first keys of a hash of 64 hexadecimal digits; none of anything else. `key`: the deployment's secret of 64
    bits."""
    try:
        bits = int(found, 16) if len(found) == _DIGITS and found.isalnum() else -1
    except ValueError:
        bits = -1
    if bits < 0:
        return ()
    return tuple(
        f"{number}:{sum((bits >> place & 1) << at for at, place in enumerate(places)):06x}"
        for number, places in enumerate(_places(key)[:slots])
    )


@lru_cache(4)
def _places(key: int) -> tuple[tuple[int, ...], ...]:
    """Which bits make each key: all of them are asked at least once where that is possible, none twice in one key."""
    places = list(range(_BITS))
    Random(key).shuffle(places)
    return tuple(tuple(places[start : start + SLOT_BITS]) for start in range(0, SLOTS * SLOT_BITS, SLOT_BITS))
