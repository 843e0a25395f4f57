"""The classic consumer group protocol: join, sync, heartbeat, leave, and committed offsets."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from engine.dev.broker import codes

State = Literal["Empty", "PreparingRebalance", "CompletingRebalance", "Stable"]
Offset = tuple[int, str]


@dataclass(slots=True)
class GroupMember:
    """One consumer in a group. `joining` and `syncing` are its requests that wait for the others."""

    id: str
    client_id: str = ""
    instance_id: str | None = None
    protocols: list[tuple[str, bytes]] = field(default_factory=list)
    session_s: float = 10.0
    rebalance_s: float = 60.0
    deadline: float = 0.0
    assignment: bytes = b""
    joining: "asyncio.Future[None] | None" = None
    syncing: "asyncio.Future[int] | None" = None

    @property
    def waits_to_join(self) -> bool:
        """Whether it has asked to join this generation."""
        return self.joining is not None and not self.joining.done()

    def dismiss(self) -> None:
        """Answer what it waits for: it is no member any more."""
        if self.joining is not None and not self.joining.done():
            self.joining.set_result(None)
        if self.syncing is not None and not self.syncing.done():
            self.syncing.set_result(codes.UNKNOWN_MEMBER_ID)


INITIAL_DELAY_S = 0.3
"""How long an empty group waits for more members before its first assignment (Kafka waits three
seconds). kafka-python relies on it: it may join before it has the topic's metadata, and then keeps an
empty assignment."""


class Group:
    """One consumer group's state machine. Everything runs on the broker's event loop."""

    def __init__(self, group_id: str, initial_delay_s: float = INITIAL_DELAY_S) -> None:
        self.id = group_id
        self._initial_delay_s = initial_delay_s
        self._not_before = 0.0
        self.state: State = "Empty"
        self.generation = 0
        self.leader = ""
        self.protocol = ""
        self.protocol_type = ""
        self.members: dict[str, GroupMember] = {}
        self.offsets: dict[tuple[str, int], Offset] = {}
        self._announced: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    # -- membership -------------------------------------------------------------------------------

    def announce(self, client_id: str) -> str:
        """A member id for a consumer that has none yet."""
        member_id = f"{client_id}-{uuid4()}"
        self._announced.add(member_id)
        return member_id

    def replace_static(self, instance_id: str) -> None:
        """A static member came back under a new id: forget the old one."""
        for member in [m for m in self.members.values() if m.instance_id == instance_id]:
            del self.members[member.id]
            member.dismiss()

    def knows(self, member_id: str) -> bool:
        """Whether a member id has been given out."""
        return member_id in self.members or member_id in self._announced

    def accepts(self, member_id: str, protocol_type: str, protocols: set[str]) -> bool:
        """Whether a consumer speaks a protocol that all the others speak too."""
        if self.members and self.protocol_type and protocol_type != self.protocol_type:
            return False
        others = [member for member in self.members.values() if member.id != member_id]
        return all(protocols & {name for name, _ in member.protocols} for member in others)

    async def join(self, member: GroupMember, protocol_type: str) -> bool:
        """Join the next generation and wait for it. False when the member was thrown out meanwhile."""
        self._announced.discard(member.id)
        self.members[member.id] = member
        self.protocol_type = protocol_type
        member.joining = asyncio.get_running_loop().create_future()
        self._begin_rebalance()
        self._complete_if_all_joined()
        await member.joining
        return member.id in self.members

    async def sync(self, member: GroupMember, assignments: dict[str, bytes]) -> int:
        """The leader hands out the assignments, the others wait for theirs. Returns an error code."""
        self.touch(member)
        if self.state == "PreparingRebalance":
            return codes.REBALANCE_IN_PROGRESS
        if self.state == "CompletingRebalance":
            if member.id == self.leader:
                self._hand_out(assignments)
            else:
                member.syncing = asyncio.get_running_loop().create_future()
                error = await member.syncing
                if error != codes.NONE:
                    return error
        self.touch(member)
        return codes.NONE

    def check(self, member_id: str, generation: int) -> int:
        """Whether a member may speak for this generation; it stays alive by asking."""
        member = self.members.get(member_id)
        if member is None:
            return codes.UNKNOWN_MEMBER_ID
        if generation != self.generation:
            return codes.ILLEGAL_GENERATION
        self.touch(member)
        return codes.NONE

    def touch(self, member: GroupMember) -> None:
        """The member has shown that it lives."""
        member.deadline = asyncio.get_running_loop().time() + member.session_s

    def remove(self, member_id: str) -> bool:
        """A member leaves or has died."""
        member = self.members.pop(member_id, None)
        if member is None:
            return False
        member.dismiss()
        if self.members:
            self._begin_rebalance()
            self._complete_if_all_joined()
        else:
            self._become_empty()
        return True

    def expire(self) -> None:
        """Remove the members whose session has run out."""
        now = asyncio.get_running_loop().time()
        for member in list(self.members.values()):
            if member.deadline and now > member.deadline and not member.waits_to_join:
                self.remove(member.id)

    # -- rebalance --------------------------------------------------------------------------------

    def _begin_rebalance(self) -> None:
        if self.state == "PreparingRebalance":
            return
        for member in self.members.values():
            if member.syncing is not None and not member.syncing.done():
                member.syncing.set_result(codes.REBALANCE_IN_PROGRESS)
            member.syncing = None
        loop = asyncio.get_running_loop()
        patience_s = max((member.rebalance_s for member in self.members.values()), default=0.0)
        if self.state == "Empty":
            patience_s = self._initial_delay_s
            self._not_before = loop.time() + patience_s
        self.state = "PreparingRebalance"
        self._cancel_timer()
        self._timer = loop.call_later(patience_s, self._complete_rebalance)

    def _complete_if_all_joined(self) -> None:
        early = asyncio.get_running_loop().time() < self._not_before
        all_joined = all(member.waits_to_join for member in self.members.values())
        if self.state == "PreparingRebalance" and all_joined and not early:
            self._complete_rebalance()

    def _complete_rebalance(self) -> None:
        if self.state != "PreparingRebalance":
            return
        self._cancel_timer()
        self.members = {member.id: member for member in self.members.values() if member.waits_to_join}
        self.generation += 1
        if not self.members:
            self._become_empty()
            return
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        shared = set.intersection(*[{name for name, _ in member.protocols} for member in self.members.values()])
        self.protocol = next(name for name, _ in self.members[self.leader].protocols if name in shared)
        self.state = "CompletingRebalance"
        for member in self.members.values():
            member.assignment = b""
            self.touch(member)
            assert member.joining is not None
            member.joining.set_result(None)

    def _hand_out(self, assignments: dict[str, bytes]) -> None:
        self.state = "Stable"
        for member in self.members.values():
            member.assignment = assignments.get(member.id, b"")
            if member.syncing is not None and not member.syncing.done():
                member.syncing.set_result(codes.NONE)

    def _become_empty(self) -> None:
        self.state, self.leader = "Empty", ""
        self.generation += 1
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Groups:
    """All groups, by id."""

    def __init__(self) -> None:
        self.by_id: dict[str, Group] = {}

    def get(self, group_id: str) -> Group:
        """A group; it begins to exist when it is asked for."""
        return self.by_id.setdefault(group_id, Group(group_id))

    def forget_topic(self, topic: str) -> None:
        """Committed offsets of a deleted topic are gone."""
        for group in self.by_id.values():
            group.offsets = {key: value for key, value in group.offsets.items() if key[0] != topic}

    def expire_members(self) -> None:
        """Remove dead members everywhere."""
        for group in list(self.by_id.values()):
            group.expire()
