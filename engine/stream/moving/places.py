"""Where everything of one partition belongs, once there are more of them.

A key's partition is a remainder of its hash. There are to be a multiple of what there were, so whatever is in partition
2 of 4 belongs into 2, 6, 10 or 14 of 16: each new partition takes all that it has from one old one.

Users and entities tell it by their keys. Much else is kept under hashes: of an event, of an action, of who meets where.
What such a hash stands for is looked up in what is kept beside it; where nothing tells, a thing goes to all of these
partitions, and the one that it belongs into finds it.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from engine.core.kernel import hash64
from engine.errors import StateError
from engine.learning.labels import decode_known, subject_of
from engine.learning.scored import policies_of
from engine.state.entity_budget import EntityBudget, load_entity_budget, provisional_name
from engine.state.noted import MEETING
from engine.state.scored import ACTION, BLOCK, CONSEQUENCE, VERDICT, event_of_action, events_of, is_kept, payload_of
from engine.state.store import ENTITY, ENTITY_BUDGET, PROVISIONAL, USER
from engine.stream.handlers import consequences
from engine.stream.handlers.outcomes import read_meeting
from engine.stream.kafka.placing import among
from engine.stream.moving.spool import Spool

_HASH = struct.Struct("<Q")
_OF_USER, _OF_SUBJECT, _OF_ACTION, _OF_MEETING = b"u", b"s", b"a", b"m"
_AT_ONCE = 1_000


class Places:
    """Of partition `own` of `before`, of which there are `to` from now on. `reveal`: a user's id, as messages are keyed
    by it. `strays`: of so many `users`, those whom producers have sent to another partition than Kafka's usual one for
    their id: they stay where they are. `lost`: meetings that older versions began, of which it is not known where they
    are."""

    def __init__(self, spool: Spool, own: int, before: int, to: int, reveal: Callable[[str], str]) -> None:
        self._spool, self._own, self._before, self._reveal = spool, own, before, reveal
        self._place = among(to)
        self.every = range(own, to, before)
        self.strays = self.users = self.lost = 0
        self.budgets: dict[int, EntityBudget] = {}

    def of_user(self, user_id: str, was: int | None = None) -> int:
        """Where a user is who was in partition `was`, or in this one."""
        was = self._own if was is None else was
        place = self._place(self._reveal(user_id).encode("utf-8", "surrogatepass"))
        return place if place % self._before == was else was

    def of_entity(self, message_key: bytes) -> int:
        """Where an entity is."""
        place = self._place(message_key)
        return place if place % self._before == self._own else self._own

    def of_hashed_users(self, users: Sequence[int]) -> list[int | None]:
        """Where users are, by the hashes of their ids."""
        return self._spool.places_of([_OF_USER + _HASH.pack(user) for user in users])

    def of_subject(self, name: bytes) -> int | None:
        """Where the user is whose event a verdict is about, by the name of the verdict."""
        return self._known(_OF_SUBJECT + name.removeprefix(VERDICT))

    def of_action(self, name: bytes) -> int | None:
        """Where the user is whom an action was about, by the name of anything that is noted of it."""
        return self._known(_OF_ACTION + name[1:])

    def of_meeting(self, name: bytes) -> int | None:
        """Where those meet who wait for an outcome."""
        return self._known(_OF_MEETING + name)

    def find_out(self) -> None:
        """Read all of the partition once."""
        for found in (self._users, self._subjects, self._meetings, self._consequences, self._actions, self._verdicts):
            self._note(found())
        self._share_budget()

    def _known(self, name: bytes) -> int | None:
        return self._spool.places_of([name])[0]

    def _note(self, found: Iterator[tuple[bytes, int | None]]) -> None:
        places = dict[bytes, int]()
        for name, place in found:
            if place is not None:
                places[name] = place
            if len(places) >= _AT_ONCE:
                self._spool.place(places)
                places = {}
        self._spool.place(places)

    def _users(self) -> Iterator[tuple[bytes, int | None]]:
        for key, _, _ in self._spool.items(USER):
            user_id = key.removeprefix(USER).decode("utf-8", "surrogatepass")
            self.users += 1
            home = self._place(self._reveal(user_id).encode("utf-8", "surrogatepass"))
            self.strays += home % self._before != self._own
            yield _OF_USER + _HASH.pack(hash64(user_id)), self.of_user(user_id)

    def _subjects(self) -> Iterator[tuple[bytes, int | None]]:
        """Events, and under which policies there may be verdicts on them."""
        for key, value, _ in self._spool.items(BLOCK):
            with suppress(StateError):
                events = events_of(value)
                policies = (None, *(set() if is_kept(key) else policies_of(payload_of(value))))
                places = self.of_hashed_users(events.users.tolist())
                for identity, place in zip(events.identities.tolist(), places, strict=True):
                    for policy in policies:
                        yield _OF_SUBJECT + _HASH.pack(subject_of(identity, policy)), place

    def _meetings(self) -> Iterator[tuple[bytes, int | None]]:
        for key, value, _ in self._spool.items(MEETING):
            place = self._meeting_place(value)
            self.lost += place is None
            yield _OF_MEETING + key, place

    def _meeting_place(self, value: bytes) -> int | None:
        try:
            meeting = read_meeting(value)
        except StateError:
            return self._own  # nobody can read it there either
        if meeting.at is None:
            return None
        if meeting.at:
            return self.of_entity(meeting.at)
        if meeting.waits:
            return self.of_user(meeting.waits[0].user_id)
        (place,) = self.of_hashed_users([came.user for came in meeting.came[:1]]) or (None,)
        return self._own if place is None else place

    def _consequences(self) -> Iterator[tuple[bytes, int | None]]:
        for key, value, _ in self._spool.items(CONSEQUENCE):
            yield _OF_ACTION + key[1:], self._of_note(value)

    def _actions(self) -> Iterator[tuple[bytes, int | None]]:
        for key, value, _ in self._spool.items(ACTION):
            identity, _ = event_of_action(value)
            yield _OF_ACTION + key[1:], self.of_subject(VERDICT + _HASH.pack(identity))

    def _verdicts(self) -> Iterator[tuple[bytes, int | None]]:
        """Those from which something has followed say whose they are."""
        for key, value, _ in self._spool.items(VERDICT):
            with suppress(ValueError):
                note = decode_known(value.decode()).note
                yield _OF_SUBJECT + key.removeprefix(VERDICT), self._of_note(note)

    def _of_note(self, note: bytes) -> int | None:
        _, user_id = consequences.placed(note, lambda _, was: was)
        return self.of_user(user_id) if user_id is not None else None

    def _share_budget(self) -> None:
        budget = load_entity_budget(self._spool.get(ENTITY_BUDGET) or b"", self._spool.get(PROVISIONAL) or b"")
        asked = {name for known in budget.provisional.values() for name, _ in known.newest(len(known))}
        places = dict[bytes, int]()
        for kept in self._spool.items(ENTITY) if asked else ():
            name = provisional_name(kept.key)
            if name in asked:
                places[name] = self.of_entity(kept.key.removeprefix(ENTITY))
        self.budgets = budget.shared(places, self.every)
