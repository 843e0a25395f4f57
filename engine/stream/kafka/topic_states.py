"""Topics as the brokers have them, held against what the engine needs: replicas, least in-sync replicas, retention."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.kafka.clients import admin
from engine.stream.kafka.topics import TopicSpec, topic_specs

_FOREVER = -1
_DAY_MS = 86_400_000
_CONFIG = ("cleanup.policy", "max.message.bytes", "min.insync.replicas", "retention.ms")


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as it is. `replicas`: of the partition that has fewest; `config`: what the brokers say of it, which
    may be less than everything."""

    spec: TopicSpec
    partitions: int
    replicas: int
    config: Mapping[str, str]

    @property
    def exists(self) -> bool:
        """Whether the brokers know it."""
        return self.partitions > 0

    @property
    def retention_ms(self) -> int | None:
        """How long messages are kept: None for good, or where keys alone decide it."""
        kept = _number(self.config, "retention.ms")
        return None if kept == _FOREVER or self.config.get("cleanup.policy") == "compact" else kept

    @property
    def min_in_sync(self) -> int:
        """How many replicas have to have a message before its producer is told so."""
        return _number(self.config, "min.insync.replicas") or 1


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """What is not as it should be. `is_fault`: the engine cannot work with it, or would lose what it has."""

    topic: str
    says: str
    is_fault: bool = False


def topic_states(settings: Settings) -> list[TopicState]:
    """All topics of these settings, as they are. Raises BrokerError, TopicError."""
    specs = topic_specs(settings)
    with admin(settings) as client:
        try:
            there = set(client.list_topics()) & {spec.name for spec in specs}
            described = client.describe_topics(sorted(there)) if there else []
            resources = [ConfigResource(ConfigResourceType.TOPIC, name, list(_CONFIG)) for name in sorted(there)]
            configs = client.describe_configs(resources, config_filter="all").get("topic", {}) if there else {}
        except KafkaError as error:
            raise TopicError(f"the topics could not be looked at: {error}") from error
    partitions = {topic["name"]: topic["partitions"] for topic in described}
    return [_state(spec, partitions.get(spec.name, ()), configs.get(spec.name, {})) for spec in specs]


def _state(
    spec: TopicSpec, partitions: Sequence[Mapping[str, Any]], config: Mapping[str, Mapping[str, Any]]
) -> TopicState:
    replicas = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
    values = {name: str(entry["value"]) for name, entry in config.items() if entry["value"] is not None}
    return TopicState(spec, len(partitions), replicas, values)


def shortcomings(state: TopicState, settings: Settings) -> Iterator[Shortcoming]:
    """All that is not as it should be, and what to do about it."""
    name, spec = state.spec.name, state.spec
    if not state.exists:
        yield Shortcoming(name, "does not exist: run `floodgate topics create`", is_fault=True)
        return
    if state.partitions != spec.partitions:
        problem = (
            f"has {state.partitions} partitions, the settings say {spec.partitions}: set `partitions` to what there is"
        )
        yield Shortcoming(name, problem, is_fault=True)
    yield from _of_replicas(state, settings)
    yield from _of_retention(state)
    most, needed = _number(state.config, "max.message.bytes"), spec.config.get("max.message.bytes")
    if most is not None and needed is not None and most < int(needed):
        problem = f"takes messages of {most} bytes, the engine writes up to {needed}: raise `max.message.bytes`"
        yield Shortcoming(name, problem, is_fault=True)


def _of_replicas(state: TopicState, settings: Settings) -> Iterator[Shortcoming]:
    name, replicas, least = state.spec.name, state.replicas, state.min_in_sync
    if replicas < settings.replication:
        yield Shortcoming(name, f"has {replicas} replicas, the settings say {settings.replication}")
    if least > replicas:
        problem = f"wants {least} replicas in sync and has {replicas}: nobody can write; lower `min.insync.replicas`"
        yield Shortcoming(name, problem, is_fault=True)
    elif least == replicas > 1:
        problem = f"wants all of its {replicas} replicas in sync: nobody can write while one broker is away"
        yield Shortcoming(name, problem)
    elif least == 1 and replicas > 2:
        problem = "takes a message for written when one replica has it: set `min.insync.replicas` to 2"
        yield Shortcoming(name, problem)


def _of_retention(state: TopicState) -> Iterator[Shortcoming]:
    name, declared = state.spec.name, state.spec.config
    policy = state.config.get("cleanup.policy")
    if policy is None:
        return
    missing = [cleanup for cleanup in declared["cleanup.policy"].split(",") if cleanup not in policy.split(",")]
    if "compact" in missing:
        problem = f"is cleaned by `{policy}`: old messages go, which are still in force; set `cleanup.policy` to `{{}}`"
        yield Shortcoming(name, problem.format(declared["cleanup.policy"]), is_fault=True)
    elif "compact" in policy and "compact" not in declared["cleanup.policy"]:
        yield Shortcoming(name, f"is cleaned by `{policy}`: of messages with one key, the last is kept", is_fault=True)
    kept, least = state.retention_ms, _number(declared, "retention.ms")
    if kept is not None and least is not None and kept < least:
        problem = f"keeps messages for {_days(kept)}, the settings say {_days(least)}: raise `retention.ms`"
        yield Shortcoming(name, problem, is_fault="compact" in declared["cleanup.policy"])


def _days(span_ms: int) -> str:
    return f"{span_ms / _DAY_MS:.3g} days"


def _number(config: Mapping[str, str], name: str) -> int | None:
    text = config.get(name, "")
    return int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdigit() else None
