"""The topics: names, partitions, retention. Created and checked with kafka-python's admin client."""

import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from kafka.admin import NewTopic
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAlreadyExistsError

from engine.errors import TopicError
from engine.settings import RETENTION_DAYS, Settings
from engine.stream.kafka.clients import DEFAULT_MESSAGE_BYTES, MAX_MESSAGE_BYTES, admin, consumer
from engine.stream.kafka.passing import until_it_passes

TABLE = "entities"
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it has to be, and what it holds (for the documentation)."""

    name: str
    partitions: int
    holds: str
    key: str
    config: dict[str, str]


def table_name(settings: Settings) -> str:
    """The entity table of this generation of the state: its files and its changelog are named after it."""
    return TABLE if settings.state_generation == 1 else f"{TABLE}-{settings.state_generation}"


def changelog_topic(settings: Settings) -> str:
    """The changelog of the entity table, as Faust names it."""
    return f"{settings.consumer_group}-{table_name(settings)}-changelog"


def former_changelogs(settings: Settings) -> tuple[str, ...]:
    """The changelogs of the generations of state before this one, as far as they are not deleted yet."""
    generations = range(1, settings.state_generation)
    return tuple(changelog_topic(msgspec.structs.replace(settings, state_generation=number)) for number in generations)


def state_of(changelog: str) -> str:
    """Whose state is in a changelog, whichever generation of it that is."""
    return re.sub(rf"-{TABLE}(-[0-9]+)?-changelog$", "", changelog)


def moving_topic(settings: Settings) -> str:
    """It is there while state is being moved to more partitions, and tells how far that is."""
    return f"{settings.consumer_group}-{TABLE}-moving"


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """All topics of these settings."""
    names, many = settings.topics, settings.partitions
    large = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
    compacted = {"cleanup.policy": "compact", **large}

    def kept(topic: str) -> dict[str, str]:
        days = settings.retention_days.get(topic, RETENTION_DAYS[topic])
        return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}

    state = {
        "cleanup.policy": "compact,delete",
        "retention.ms": str(settings.state_ttl_days * _DAY_MS),
        **large,
    }
    scores = TopicSpec(names.scores, many, "what models say of events", "user_id", kept("scores"))
    raw = TopicSpec(
        name=names.raw_events, partitions=many, holds="events on their way to `events`", key="user_id",
        config={**kept("raw_events"), **large},
    )  # fmt: skip
    replies = TopicSpec(names.replies, 1, "decisions for those who wait for them", "token", kept("replies"))
    return [
        *([raw] if settings.enrichment.is_used else []),
        TopicSpec(name=names.events, partitions=many, holds="what users do", key="user_id", config=kept("events")),
        TopicSpec(
            name=names.labels, partitions=many, holds="moderators' verdicts", key="user_id", config=kept("labels")
        ),
        TopicSpec(name=names.actions, partitions=many, holds="what to enforce", key="target", config=kept("actions")),
        TopicSpec(
            name=names.decisions, partitions=many, holds="the audit trail", key="user_id", config=kept("decisions")
        ),
        TopicSpec(
            name=names.hops,
            partitions=many,
            holds="events on their way between entities",
            key="entity",
            config={**kept("hops"), **large},
        ),
        TopicSpec(
            name=names.dead_letters,
            partitions=1,
            holds="messages that could not be used",
            key="as it came",
            config={**kept("dead_letters"), **large},
        ),
        TopicSpec(
            name=names.examples,
            partitions=1,
            holds="labels joined with features as scored",
            key="model",
            config=kept("examples"),
        ),
        TopicSpec(
            name=names.review, partitions=many, holds="events worth a label", key="user_id", config=kept("review")
        ),
        *([scores] if settings.publish_scores else []),
        *([replies] if settings.serve.surfaces else []),
        TopicSpec(name=names.models, partitions=1, holds="model snapshots", key="model", config=compacted),
        TopicSpec(name=names.rulebooks, partitions=1, holds="rulebook versions", key="rulebook", config=compacted),
        TopicSpec(name=changelog_topic(settings), partitions=many, holds="state", key="entity", config=state),
    ]


def largest_messages(settings: Settings) -> dict[str, int]:
    """How many bytes a message of each topic may have."""
    specs = topic_specs(settings)
    return {spec.name: int(spec.config.get("max.message.bytes", DEFAULT_MESSAGE_BYTES)) for spec in specs}


def new_topic(spec: TopicSpec, settings: Settings) -> NewTopic:
    """A topic as it is to be made."""
    # What one replica alone has is lost with it; what all must have cannot be written while one is away.
    in_sync = {"min.insync.replicas": "2"} if settings.replication > 2 else {}
    return NewTopic(spec.name, spec.partitions, settings.replication, topic_configs=spec.config | in_sync)


def topic_names(settings: Settings) -> set[str]:
    """All topics that there are. Raises BrokerError."""
    with consumer(settings) as client:
        return set(client.topics())


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing, and wait until a broker knows them; returns their names. Existing ones are
    left alone. Raises BrokerError, TopicError."""
    made: list[str] = []

    def create() -> None:
        with admin(settings) as client:
            existing = set(client.list_topics())
            refusal = _refusal(settings, existing)
            if refusal is not None:
                raise TopicError(refusal)
            for spec in topic_specs(settings):
                if spec.name not in existing:
                    with suppress(TopicAlreadyExistsError):  # another process was faster
                        client.create_topics([new_topic(spec, settings)])
                        made.append(spec.name)
            with suppress(KafkaTimeoutError):  # they are created all the same
                client.wait_for_topics(made)

    try:
        until_it_passes(create)
    except KafkaError as error:
        raise TopicError(f"the topics could not be created: {error}") from error
    return made


def check_topics(settings: Settings) -> None:
    """Raise TopicError, naming everything that is missing or has the wrong number of partitions: what a worker may see,
    who is allowed to ask less than `topics check` is."""
    missing, wrong = [], []
    with consumer(settings) as client:
        existing = client.topics()
        refusal = _refusal(settings, existing)
        if refusal is not None:
            raise TopicError(refusal)
        for spec in topic_specs(settings):
            if spec.name not in existing:
                missing.append(spec.name)
                continue
            count = len(client.partitions_for_topic(spec.name) or ())
            if count != spec.partitions:
                wrong.append(f"topic {spec.name} has {count} partitions, the settings say {spec.partitions}")
    if missing:
        one = f"topic {missing[0]} does not exist"
        wrong.insert(0, one if len(missing) == 1 else f"these topics do not exist: {', '.join(missing)}")
    if wrong:
        beside = f" --as {settings.candidate.name}" if settings.candidate.name else ""
        create = f"`floodgate topics create{beside}`"
        raise TopicError("; ".join(wrong) + f". Run {create}, or set `partitions` to what there is")


def _refusal(settings: Settings, existing: Collection[str]) -> str | None:
    """Why nobody may work on the state that these settings name, if so: it would be half of it, or none."""
    if moving_topic(settings) in existing:
        return (
            f"the state is half moved to more partitions (topic {moving_topic(settings)}): `floodgate partitions move` "
            "goes on with that, `floodgate partitions roll-back` takes it back"
        )
    changelog = re.compile(rf"{re.escape(settings.consumer_group)}-{TABLE}-([0-9]+)-changelog")
    latest = max((int(found[1]) for found in map(changelog.fullmatch, existing) if found), default=1)
    if latest > settings.state_generation:
        return (
            f"the state has been moved since: set `state_generation` to {latest}, and `partitions` to what the topics "
            "have"
        )
    if settings.state_generation > latest:
        made = "which `floodgate partitions move` makes"
        return f"there is no {changelog_topic(settings)}, {made}: set `state_generation` to {latest}"
    return None
