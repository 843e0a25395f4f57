"""How a running system stands: who owns which partitions, how far behind they are, and what is in use."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition

from engine.settings import Settings
from engine.stream.admin.publishing import read_models
from engine.stream.admin.serve_pages import ServeStatus, read_serve_status
from engine.stream.admin.worker_pages import WorkerPage, address_of, read_worker_page
from engine.stream.control.rulebooks import Refused, read_in_use, read_paused, read_refused
from engine.stream.handlers.messages import Pause
from engine.stream.kafka.access import enrich_group
from engine.stream.kafka.clients import consumer
from engine.stream.kafka.groups import read_group

_ASKED_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Owned:
    """One partition of a topic that workers read. `owner`: the worker's name; None: nobody's."""

    topic: str
    partition: int
    owner: str | None
    committed: int
    end: int

    @property
    def lag(self) -> int:
        """Messages not yet decided and committed."""
        return max(0, self.end - self.committed)


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker. `name`: host and port of its pages, where they are known; `page`: None where it cannot be asked from
    here; `enriches`: it is one of the stage before `events`, and decides nothing."""

    name: str
    page: WorkerPage | None
    enriches: bool = False


@dataclass(slots=True)
class EngineStatus:
    """What the broker and the workers tell. `state`: the group's; `rulebook`: its id, author, note; `refused`:
    rulebooks pushed after it that no worker uses; `paused`: by whom each of these rules is; `models`: labels behind
    each; `serve`: the process that answers questions, where surfaces are declared."""

    state: str
    members: list[WorkerStatus]
    partitions: list[Owned]
    rulebook: tuple[str, str, str] | None = None
    refused: list[Refused] = field(default_factory=list)
    paused: dict[str, Pause] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    serve: ServeStatus | None = None

    def problems(self, most_behind: int) -> Iterator[str]:
        """What somebody has to look after. `most_behind`: so many messages may wait in one partition."""
        orphans = defaultdict[str, list[int]](list)
        for partition in self.partitions:
            if partition.owner is None:
                orphans[partition.topic].append(partition.partition)
        for topic, partitions in orphans.items():
            yield f"{topic} {ranges(partitions)} has no worker"
        for partition in self.partitions:
            if partition.lag > most_behind:
                yield f"{partition.topic} {partition.partition} is {partition.lag:,} messages behind"
        if self.rulebook is None:
            yield "no rulebook: publish one with `floodgate rules push`"
        yield from map(str, self.refused)
        if self.serve is not None and self.serve.is_ready is False:
            yield f"serve at {self.serve.address} reads no replies: every question is answered by its surface's policy"
        yield from self._problems_of_workers()

    def _problems_of_workers(self) -> Iterator[str]:
        rulebooks, versions = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for member in self.members:
            if member.page is None:
                continue
            if member.page.waiting_for:
                yield f"worker {member.name} waits for {', '.join(member.page.waiting_for)}"
            if member.page.missing:
                yield f"worker {member.name} lacks {', '.join(member.page.missing)}: what it would tell is unknown"
            versions[member.page.version].append(member.name)
            if member.page.rulebook is not None:
                rulebooks[member.page.rulebook].append(member.name)
        for difference, workers in (("decide by different rulebooks", rulebooks), ("run different versions", versions)):
            if len(workers) > 1:
                listed = "; ".join(f"{value}: {', '.join(names)}" for value, names in sorted(workers.items()))
                yield f"workers {difference} ({listed})"
        if self.rulebook is not None and len(rulebooks) == 1 and self.rulebook[0] not in rulebooks:
            yield f"workers decide by the rulebook {next(iter(rulebooks))}; {self.rulebook[0]} was pushed last"


def read_status(settings: Settings) -> EngineStatus:
    """Ask the broker. Raises BrokerError, TopicError."""
    group, offsets = read_group(settings, settings.consumer_group)
    owners = _owners(group)
    standing = EngineStatus(state=str(group["group_state"]), members=_members(group), partitions=[])
    topics = [settings.topics.events, settings.topics.labels, settings.topics.hops]
    if not settings.candidate.name:  # of which the command does not know whether it learns
        topics.append(settings.topics.examples)
    if settings.enrichment.is_used and not settings.candidate.name:
        group, enriched = read_group(settings, enrich_group(settings))
        owners, offsets = owners | _owners(group), offsets | enriched
        standing.members += _members(group, enriches=True)
        topics.insert(0, settings.topics.raw_events)
    with consumer(settings) as client:
        tps = [TopicPartition(topic, part) for topic in topics for part in client.partitions_for_topic(topic) or ()]
        starts, ends = client.beginning_offsets(tps), client.end_offsets(tps)
    for tp in sorted(tps):
        known = offsets.get(tp)
        committed = known.offset if known is not None and known.offset >= 0 else starts[tp]
        standing.partitions.append(
            Owned(topic=tp.topic, partition=tp.partition, owner=owners.get(tp), committed=committed, end=ends[tp])
        )
    in_use = read_in_use(settings)
    if in_use is not None:
        standing.rulebook = (in_use[0].id, in_use[0].author, in_use[0].note)
    standing.refused = [
        refusal for refusal in read_refused(settings) if in_use is None or refusal.number > in_use[0].number
    ]
    standing.paused = dict(sorted(read_paused(settings).items()))
    standing.models = {name: model.labels for name, model in sorted(read_models(settings).items())}
    if settings.serve.surfaces:
        standing.serve = read_serve_status((settings.serve.pages_host, settings.serve.pages_port))
    return standing


def ranges(numbers: list[int]) -> str:
    """1, 2, 3, 7 as 1-3 7."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return " ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _members(group: Any, enriches: bool = False) -> list[WorkerStatus]:
    addresses = {_name(member): address_of(member) for member in group["members"]}
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        pages = pool.map(lambda address: read_worker_page(address) if address else None, addresses.values())
        found = (WorkerStatus(name, page, enriches) for name, page in zip(addresses, pages, strict=True))
        return sorted(found, key=lambda member: member.name)


def _owners(group: Any) -> dict[TopicPartition, str]:
    owners = {}
    for member in group["members"]:
        for topic, partitions in _assigned(member):
            for partition in partitions:
                owners[TopicPartition(topic, partition)] = _name(member)
    return owners


def _assigned(member: Any) -> list[tuple[str, list[int]]]:
    assignment = member["member_assignment"]
    topics = assignment.get("assigned_partitions", []) if isinstance(assignment, dict) else []
    return [(topic["topic"], topic["partitions"]) for topic in topics]


def _name(member: Any) -> str:
    address = address_of(member)
    if address is not None:
        return f"{address[0]}:{address[1]}"
    return f"{member['member_id'].rpartition('-')[2][:8]} on {member['client_host'].lstrip('/')}"
