"""What a partition keeps of outcomes: who waits at an entity, and what is known of events that are not scored yet.

meeting     the value is all that is known of one outcome at one entity
unscored    what has come of an event, by the event's identity, until its score is there
"""

import struct
from collections.abc import Callable, Iterable
from hashlib import blake2b
from itertools import takewhile

from engine.state.scored import Change, Reader
from engine.state.under_way import Pending, keep, settle

MEETING = b"o"
"""Key prefix of meetings: o + a hash of the outcome, the kind of entity and its key."""
UNSCORED = b"u"
"""Key prefix of what is known of events that are not scored yet: u + the event's identity."""

_EVENT = struct.Struct("<Q")


class Noted:
    """One partition's. What is under way to the database is kept in memory until `settle`."""

    def __init__(self, database: Callable[[], Reader]) -> None:
        self._database = database
        self._pending: Pending = {}
        self._unscored: set[bytes] | None = None

    @property
    def unscored(self) -> set[bytes]:
        """The names of what is known of events that are not scored yet: they are few."""
        if self._unscored is None:
            items = self._database().items(from_key=UNSCORED)
            self._unscored = {key for key, _ in takewhile(lambda item: item[0].startswith(UNSCORED), items)}
        return self._unscored

    def get(self, keys: Iterable[bytes]) -> list[bytes | None]:
        """What is kept under these keys."""
        asked = list(keys)
        stored = [key for key in asked if key not in self._pending]
        found = dict(zip(stored, self._database().get(stored), strict=True)) if stored else {}
        return [self._pending[key][0] if key in self._pending else found[key] for key in asked]

    def put(self, key: bytes, value: bytes | None) -> Change:
        """Keep something in the place of what was there; None deletes it."""
        if key.startswith(UNSCORED):
            (self.unscored.discard if value is None else self.unscored.add)(key)
        return keep(self._pending, key, value)

    def settle(self, changes: Iterable[Change]) -> None:
        """These changes are in the database."""
        for key, _ in changes:
            settle(self._pending, key)


def meeting_name(outcome: int, kind: str, key: str) -> bytes:
    """Where it is kept who waits for an outcome at an entity."""
    return MEETING + blake2b(f"{outcome:08x}{kind}\x00{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def unscored_name(identity: int) -> bytes:
    """Where it is kept what has come of an event that is not scored yet."""
    return UNSCORED + _EVENT.pack(identity)
