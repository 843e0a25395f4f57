"""Consumer groups on the wire, and transactional producers."""

from typing import Any

from kafka.protocol.admin import DeleteGroupsResponse, DescribeGroupsResponse, ListGroupsResponse
from kafka.protocol.consumer import (
    HeartbeatResponse,
    JoinGroupResponse,
    LeaveGroupResponse,
    OffsetCommitResponse,
    OffsetFetchResponse,
    SyncGroupResponse,
)
from kafka.protocol.metadata import FindCoordinatorResponse

from engine.dev.broker import codes
from engine.dev.broker.admin_api import NODE_ID
from engine.dev.broker.groups import Group, GroupMember, Groups


class GroupApi:
    """The handlers by API key; each takes (request, version, client id)."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self.address = ("", 0)
        self.handlers = {
            8: self.commit, 9: self.fetch_offsets, 10: self.find_coordinator, 11: self.join, 12: self.heartbeat,
            13: self.leave, 14: self.sync, 15: self.describe, 16: self.list_groups, 42: self.delete,
        }  # fmt: skip

    def find_coordinator(self, _request: Any, _version: int, _client: str) -> Any:
        """This broker coordinates everything."""
        host, port = self.address
        return FindCoordinatorResponse(
            throttle_time_ms=0, error_code=0, error_message=None, node_id=NODE_ID, host=host, port=port
        )

    async def join(self, request: Any, version: int, client: str) -> Any:
        """Join a group's next generation."""
        group = self._groups.get(request.group_id)
        member_id = request.member_id
        instance_id = request.group_instance_id if version >= 5 else None
        if not member_id:
            if instance_id:
                group.replace_static(instance_id)
            member_id = group.announce(client)
            if version >= 4 and not instance_id:
                return _refused(codes.MEMBER_ID_REQUIRED, member_id)
        elif not group.knows(member_id):
            return _refused(codes.UNKNOWN_MEMBER_ID, member_id)
        if not group.accepts(member_id, request.protocol_type, {protocol.name for protocol in request.protocols}):
            return _refused(codes.INCONSISTENT_GROUP_PROTOCOL, member_id)
        member = group.members.get(member_id) or GroupMember(member_id)
        member.client_id, member.instance_id = client, instance_id
        member.protocols = [(protocol.name, bytes(protocol.metadata)) for protocol in request.protocols]
        member.session_s = request.session_timeout_ms / 1000
        member.rebalance_s = (request.rebalance_timeout_ms if version >= 1 else request.session_timeout_ms) / 1000
        if not await group.join(member, request.protocol_type):
            return _refused(codes.UNKNOWN_MEMBER_ID, member_id)
        return JoinGroupResponse(
            throttle_time_ms=0, error_code=0, generation_id=group.generation, protocol_name=group.protocol,
            leader=group.leader, member_id=member_id, members=_roster(group) if group.leader == member_id else [],
        )  # fmt: skip

    async def sync(self, request: Any, _version: int, _client: str) -> Any:
        """Learn one's assignment; the leader brings everyone's."""
        group = self._groups.get(request.group_id)
        error = group.check(request.member_id, request.generation_id)
        member = group.members.get(request.member_id)
        if error == codes.NONE and member is not None:
            error = await group.sync(member, {item.member_id: bytes(item.assignment) for item in request.assignments})
        assignment = member.assignment if member is not None and error == codes.NONE else b""
        return SyncGroupResponse(throttle_time_ms=0, error_code=error, assignment=assignment)

    def heartbeat(self, request: Any, _version: int, _client: str) -> Any:
        """Still alive; the answer tells when to join again."""
        group = self._groups.get(request.group_id)
        error = group.check(request.member_id, request.generation_id)
        if error == codes.NONE and group.state == "PreparingRebalance":
            error = codes.REBALANCE_IN_PROGRESS
        return HeartbeatResponse(throttle_time_ms=0, error_code=error)

    def leave(self, request: Any, version: int, _client: str) -> Any:
        """Members leave."""
        group = self._groups.get(request.group_id)
        leaving = [request.member_id] if version < 3 else [member.member_id for member in request.members]
        errors = [codes.NONE if group.remove(member_id) else codes.UNKNOWN_MEMBER_ID for member_id in leaving]
        answers = [
            LeaveGroupResponse.MemberResponse(member_id=member_id, group_instance_id=None, error_code=error)
            for member_id, error in zip(leaving, errors, strict=True)
        ]
        return LeaveGroupResponse(throttle_time_ms=0, error_code=errors[0] if version < 3 else 0, members=answers)

    def commit(self, request: Any, _version: int, _client: str) -> Any:
        """Commit offsets; members of an older generation are refused."""
        group = self._groups.get(request.group_id)
        error, generation = codes.NONE, request.generation_id_or_member_epoch
        if request.member_id or generation >= 0:
            error = group.check(request.member_id, generation)
        made = OffsetCommitResponse.OffsetCommitResponseTopic
        topics = []
        for topic in request.topics:
            for part in topic.partitions if error == codes.NONE else ():
                group.offsets[topic.name, part.partition_index] = (part.committed_offset, part.committed_metadata or "")
            parts = [
                made.OffsetCommitResponsePartition(partition_index=part.partition_index, error_code=error)
                for part in topic.partitions
            ]
            topics.append(made(name=topic.name, partitions=parts))
        return OffsetCommitResponse(throttle_time_ms=0, topics=topics)

    def fetch_offsets(self, request: Any, _version: int, _client: str) -> Any:
        """Committed offsets; -1 where there is none."""
        group = self._groups.get(request.group_id)
        asked: dict[str, list[int]] = {}
        if request.topics is None:
            for topic, index in group.offsets:
                asked.setdefault(topic, []).append(index)
        else:
            asked = {topic.name: list(topic.partition_indexes) for topic in request.topics}
        made = OffsetFetchResponse.OffsetFetchResponseTopic
        topics = []
        for topic, indexes in asked.items():
            parts = []
            for index in indexes:
                offset, metadata = group.offsets.get((topic, index), (-1, ""))
                parts.append(
                    made.OffsetFetchResponsePartition(
                        partition_index=index,
                        committed_offset=offset,
                        committed_leader_epoch=-1,
                        metadata=metadata,
                        error_code=0,
                    )
                )
            topics.append(made(name=topic, partitions=parts))
        return OffsetFetchResponse(throttle_time_ms=0, error_code=0, topics=topics)

    def list_groups(self, _request: Any, _version: int, _client: str) -> Any:
        """All groups."""
        groups = [
            ListGroupsResponse.ListedGroup(group_id=group.id, protocol_type=group.protocol_type or "consumer")
            for group in self._groups.by_id.values()
        ]
        return ListGroupsResponse(throttle_time_ms=0, error_code=0, groups=groups)

    def describe(self, request: Any, _version: int, _client: str) -> Any:
        """Groups with their members."""
        return DescribeGroupsResponse(
            throttle_time_ms=0, groups=[_described(name, self._groups.by_id.get(name)) for name in request.groups]
        )

    def delete(self, request: Any, _version: int, _client: str) -> Any:
        """Forget groups without members."""
        results = []
        for name in request.groups_names:
            group = self._groups.by_id.get(name)
            error = codes.GROUP_ID_NOT_FOUND
            if group is not None:
                error = codes.NON_EMPTY_GROUP if group.members else codes.NONE
            if error == codes.NONE:
                del self._groups.by_id[name]
            results.append(DeleteGroupsResponse.DeletableGroupResult(group_id=name, error_code=error))
        return DeleteGroupsResponse(throttle_time_ms=0, results=results)


def _refused(error: int, member_id: str) -> Any:
    return JoinGroupResponse(
        throttle_time_ms=0, error_code=error, generation_id=-1, protocol_name="", leader="", member_id=member_id,
        members=[],
    )  # fmt: skip


def _roster(group: Group) -> list[Any]:
    return [
        JoinGroupResponse.JoinGroupResponseMember(
            member_id=member.id, group_instance_id=member.instance_id, metadata=dict(member.protocols)[group.protocol]
        )
        for member in group.members.values()
    ]


def _described(name: str, group: Group | None) -> Any:
    made = DescribeGroupsResponse.DescribedGroup
    members = [
        made.DescribedGroupMember(
            member_id=member.id, group_instance_id=member.instance_id, client_id=member.client_id,
            client_host="/127.0.0.1", member_metadata=dict(member.protocols).get(group.protocol, b"") if group else b"",
            member_assignment=member.assignment,
        )
        for member in (group.members.values() if group else ())
    ]  # fmt: skip
    return made(
        error_code=0, group_id=name, group_state=group.state if group else "Dead",
        protocol_type=group.protocol_type if group else "", protocol_data=group.protocol if group else "",
        members=members, authorized_operations=set(),
    )  # fmt: skip
