"""Which Kafka the state on a worker's disk is of. With another one its offsets mean other events: those of the new one
would be taken for events that the state has already, and skipped."""

from pathlib import Path
from typing import Any

import msgspec
from kafka.errors import KafkaError

from engine.errors import BrokerError, StateError
from engine.settings import Settings
from engine.stream.kafka.candidates import CANDIDATES
from engine.stream.kafka.clients import admin
from engine.stream.kafka.passing import raise_if_unknown_yet, until_it_passes
from engine.stream.kafka.topics import changelog_topic, state_of

FILE = "kafka.json"


class StateOrigin(msgspec.Struct, frozen=True):
    """A cluster, and the ids of those of its topics that offsets in the state are of. A topic that was deleted and made
    again has another id; brokers before Kafka 2.8 tell none. `changelog`: the one that the state is in; empty where an
    older version has noted none."""

    cluster: str
    topics: dict[str, str]
    changelog: str = ""


def read_origin(settings: Settings) -> StateOrigin:
    """Of the Kafka that the settings name. Raises BrokerError."""
    changelog = changelog_topic(settings)
    names = [settings.topics.events, settings.topics.labels, settings.topics.hops, changelog]

    def ask() -> tuple[str, list[Any]]:
        with admin(settings) as client:
            described = client.describe_topics(names)
            raise_if_unknown_yet(described)
            return str(client.describe_cluster()["cluster_id"]), described

    try:
        cluster, described = until_it_passes(ask)
    except KafkaError as error:
        raise BrokerError(f"the brokers do not tell which cluster they are: {error!r}") from error
    return StateOrigin(cluster, {topic["name"]: str(topic.get("topic_id") or "") for topic in described}, changelog)


def raise_if_moved(settings: Settings) -> None:
    """Raise StateError where the state in `data_dir` is of another Kafka; else note which one it is of."""
    directory = Path(settings.data_dir)
    file, now = directory / FILE, read_origin(settings)
    before = _noted(file)
    moved = _moved(before, now) if before is not None else None
    if moved is not None and _has_state(directory):
        raise StateError(
            f"the state in {directory} is {moved}: events would be taken for others and skipped. If `brokers` and "
            f"`group` are right, move that directory away, or set another `data_dir`; the worker then reads its state "
            f"back from {changelog_topic(settings)}"
        )
    if before != now:
        directory.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(now))


def _has_state(directory: Path) -> bool:
    """Whether there are databases, other than those of candidates below it."""
    found = (path.relative_to(directory) for path in directory.rglob("*.db") if path.is_dir())
    return any(not path.parts[0].startswith(CANDIDATES) for path in found)


def _moved(before: StateOrigin, now: StateOrigin) -> str | None:
    if before.cluster != now.cluster:
        return f"of the Kafka cluster {before.cluster}, and this is {now.cluster}"
    if before.changelog and state_of(before.changelog) != state_of(now.changelog):  # generations have their own files
        return f"of {before.changelog}, and this worker's is in {now.changelog}"
    again = [name for name, known in before.topics.items() if known and (now.topics.get(name) or known) != known]
    return f"older than the topics {', '.join(again)}, which were deleted and made again" if again else None


def _noted(file: Path) -> StateOrigin | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=StateOrigin)
    except (FileNotFoundError, msgspec.MsgspecError):  # nothing yet, or half a note: whatever is there now is noted
        return None
