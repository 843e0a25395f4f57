"""Clusters: users who share entities within a window, such as one device, one domain, one text.

The components of the graph of users and entities are kept online, a little at a time. Users and entities
carry labels; an event carries its user's label from entity to entity, and each takes the smallest that it has
met. The first user of an entity without one lends it a label of his own. What is known of a cluster lies in a
record of its own, under its label: its members and when they were last seen. Where an event finds that two
labels are one cluster, it visits the record of the larger label, which hands its members over and from then
on points to the smaller one.

Bounded on purpose: an entity shared by more than `max_shared` users says nothing (a campus network, a viral
link) and links nobody while it is so popular; a cluster remembers its MAX_MEMBERS latest members; an event
follows at most MAX_MERGES labels.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.kernel import hash64

MAX_MEMBERS = 1_000
MAX_MERGES = 4
MAX_MEMORY_MS = 86_400_000
"""How much longer than the window a cluster that was merged points to the other one."""

SHOWN_MEMBERS = 20
_LATEST = 2**32 - 1
_HEAD = struct.Struct("<QIH")
_USER = struct.Struct("<IH")


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A declared cluster. `key` stands for it in stored records; `share`: the kinds of entities that link."""

    name: str
    key: int
    of: tuple[str, ...]
    share: tuple[str, ...]
    within_ms: int
    max_shared: int


@dataclass(slots=True)
class ClusterLink:
    """What a record knows of a cluster.

    `label` is 0 without one. At a user's record: valid until `until`. At an entity's: `users` are those who
    shared it lately; until `until` it is too popular to say anything. At the cluster's own: its members, and
    in `label`, until `until`, the cluster that it is part of now.
    """

    label: int = 0
    until: int = 0
    users: dict[str, int] = field(default_factory=dict)

    def prune(self, oldest: int) -> None:
        """Forget users who were not seen after `oldest`."""
        if self.users and min(self.users.values()) <= oldest:
            self.users = {user: time for user, time in self.users.items() if time > oldest}

    def see(self, seen: Mapping[str, int]) -> None:
        """Users, and when."""
        for user, time in seen.items():
            self.users[user] = max(time, self.users.get(user, 0))

    def shift(self, by_ms: int) -> None:
        """Move to a base `by_ms` later."""
        self.until = max(0, self.until - by_ms)
        self.users = {user: time - by_ms for user, time in self.users.items() if time >= by_ms}

    def dump(self) -> bytes:
        """As bytes; `load_link` reads them."""
        parts = [_HEAD.pack(self.label, self.until, len(self.users))]
        for user, time in sorted(self.users.items()):
            name = user.encode()
            parts += [_USER.pack(time, len(name)), name]
        return b"".join(parts)


@dataclass(slots=True)
class ClusterTrace:
    """What an event has learned of a cluster on its way: labels that are one, and members (epoch ms).
    `known`: its user belonged to the cluster before; `shared`: it has met an entity that others use."""

    labels: list[int]
    members: dict[str, int] = field(default_factory=dict)
    shared: bool = False
    known: bool = False

    def belongs(self, user_id: str) -> bool:
        """Whether its user is of a cluster: one who shares nothing with anybody is not."""
        return self.shared or self.known or (bool(self.labels) and self.target != own_label(user_id))

    def meet(self, label: int) -> None:
        """One more label of the same cluster."""
        if label and label not in self.labels:
            self.labels.append(label)

    @property
    def target(self) -> int:
        """The label that stands for all; 0 while there is none."""
        return min(self.labels, default=0)


def own_label(user_id: str) -> int:
    """The label that begins with a user."""
    return hash64(user_id) or 1


def labels_of(link: ClusterLink | None, now: int) -> list[int]:
    """The label that a user's event sets out with, if it has one."""
    return [link.label] if link is not None and link.label and now <= link.until else []


def link_entity(
    spec: ClusterSpec, trace: ClusterTrace, link: ClusterLink, user_id: str, now: int, base_ms: int
) -> None:
    """An event at an entity that its cluster shares."""
    if now < link.until:
        return
    link.prune(now - spec.within_ms)
    if not link.users:
        link.label = 0
    newcomer = user_id not in link.users
    link.see({user_id: now})
    if len(link.users) > spec.max_shared:
        link.users.clear()
        link.label, link.until = 0, now + spec.within_ms
        return
    trace.meet(link.label or (0 if trace.labels else own_label(user_id)))
    if len(link.users) > 1:
        trace.shared = True
        if newcomer or link.label != trace.target:
            trace.members.update({user: base_ms + time for user, time in link.users.items()})
    link.label = trace.target


def join(spec: ClusterSpec, trace: ClusterTrace, link: ClusterLink, label: int, now: int, base_ms: int) -> int | None:
    """An event at the record of a cluster. Returns the label to go on to, when there is one."""
    if now <= link.until:
        trace.meet(link.label)
    if label != trace.target:  # part of another cluster now: hand the members over
        trace.members = {**{user: base_ms + time for user, time in link.users.items()}, **trace.members}
        link.users.clear()
        link.label, link.until = trace.target, now + spec.within_ms + MAX_MEMORY_MS
        return trace.target
    link.label = 0
    link.see({user: min(max(0, time_ms - base_ms), _LATEST) for user, time_ms in trace.members.items()})
    if len(link.users) > MAX_MEMBERS:
        latest = sorted(link.users.items(), key=lambda entry: (entry[1], entry[0]))[-MAX_MEMBERS:]
        link.users = dict(latest)
    return None


def size(link: ClusterLink, now: int, over_ms: int) -> int:
    """How many members were seen in (now - over, now]."""
    return sum(now - over_ms < time <= now for time in link.users.values())


def latest_members(link: ClusterLink) -> list[str]:
    """The members seen last, for people to look at."""
    ranked = sorted(link.users.items(), key=lambda entry: (-entry[1], entry[0]))
    return [user for user, _ in ranked[:SHOWN_MEMBERS]]


def load_link(data: bytes, at: int) -> tuple[ClusterLink, int]:
    """What `dump` wrote at a place in `data`, and the place behind it. Raises struct.error or ValueError."""
    label, until, count = _HEAD.unpack_from(data, at)
    at += _HEAD.size
    link = ClusterLink(label, until)
    for _ in range(count):
        time, length = _USER.unpack_from(data, at)
        at += _USER.size
        if at + length > len(data):
            raise ValueError("it ends too early")
        link.users[data[at : at + length].decode()] = time
        at += length
    return link, at
