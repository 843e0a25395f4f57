"""How a running system stands: who owns which partitions, how far behind they are, and what is in use."""

from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError, KafkaError

from engine.errors import BrokerError
from engine.settings import Settings
from engine.stream.clients import admin, consumer
from engine.stream.publishing import read_models
from engine.stream.rulebooks import read_in_use, read_paused


@dataclass(frozen=True, slots=True)
class Owned:
    """One partition of a topic that workers read. `owner`: the worker's client id and host; None: nobody's."""

    topic: str
    partition: int
    owner: str | None
    committed: int
    end: int

    @property
    def lag(self) -> int:
        """Messages not yet decided and committed."""
        return max(0, self.end - self.committed)


@dataclass(slots=True)
class Standing:
    """What the broker tells. `state`: the group's; `rulebook`: its id, author, note; `models`: labels behind each."""

    state: str
    members: list[str]
    partitions: list[Owned]
    rulebook: tuple[str, str, str] | None = None
    paused: list[str] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)


def standing_of(settings: Settings) -> Standing:
    """Ask the broker. Raises BrokerError, TopicError."""
    try:
        with admin(settings) as client:
            group = client.describe_groups([settings.app_id])[settings.app_id]
            offsets = client.list_group_offsets([settings.app_id])[settings.app_id]
    except (CoordinatorNotAvailableError, GroupIdNotFoundError):  # as before the first worker's first start
        group, offsets = {"group_state": "without workers", "members": []}, {}
    except (KafkaError, KeyError) as error:
        raise BrokerError(f"the group {settings.app_id} could not be described: {error!r}") from error
    owners = _owners(group)
    standing = Standing(str(group["group_state"]), sorted({_name(member) for member in group["members"]}), [])
    topics = (settings.topics.events, settings.topics.labels, settings.topics.hops, settings.topics.examples)
    with consumer(settings) as client:
        tps = [TopicPartition(topic, part) for topic in topics for part in client.partitions_for_topic(topic) or ()]
        starts, ends = client.beginning_offsets(tps), client.end_offsets(tps)
    for tp in sorted(tps):
        known = offsets.get(tp)
        committed = known.offset if known is not None and known.offset >= 0 else starts[tp]
        standing.partitions.append(Owned(tp.topic, tp.partition, owners.get(tp), committed, ends[tp]))
    in_use = read_in_use(settings)
    if in_use is not None:
        standing.rulebook = (in_use[0].id, in_use[0].author, in_use[0].note)
    standing.paused = sorted(read_paused(settings))
    standing.models = {name: model.labels for name, model in sorted(read_models(settings).items())}
    return standing


def _owners(group: Any) -> dict[TopicPartition, str]:
    found = {}
    for member in group["members"]:
        for topic, partitions in _assigned(member):
            for partition in partitions:
                found[TopicPartition(topic, partition)] = _name(member)
    return found


def _assigned(member: Any) -> list[tuple[str, list[int]]]:
    assignment = member["member_assignment"]
    topics = assignment.get("assigned_partitions", []) if isinstance(assignment, dict) else []
    return [(topic["topic"], topic["partitions"]) for topic in topics]


def _name(member: Any) -> str:
    return f"{member['member_id'].rpartition('-')[2][:8]} on {member['client_host'].lstrip('/')}"
