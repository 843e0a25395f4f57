"""Every setting, in one frozen and validated object, from a YAML file and the environment.

A file holds the names below; the environment holds them in capitals with a prefix, and two underscores
go one level down: FLOODGATE_BROKERS, FLOODGATE_TOPICS__EVENTS. The environment wins.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from engine.candidate_settings import CandidateSettings
from engine.console_settings import ConsoleSettings
from engine.core.kernel import set_hash_key
from engine.delivery_settings import DeliverySettings
from engine.enrichment_settings import EnrichmentSettings
from engine.errors import SettingsError
from engine.export_settings import ExportSettings
from engine.intake_settings import IntakeSettings
from engine.keys.pseudonyms import Pseudonyms
from engine.learning.sources import WINDOW
from engine.limits import PORT, SHARE, Limit, at_least, check_limits, matching, one_of
from engine.mappings import EventSettings, LabelSettings
from engine.security import PrivacySettings, SecuritySettings
from engine.serve_settings import ServeSettings
from engine.settings_source import read_settings_file, refusal
from engine.trace_settings import TraceSettings

PREFIX = "FLOODGATE_"
_LISTS = (
    ["events", "as_string"], ["labels", "as_string"], ["privacy", "fields"],
    ["console", "policies"], ["console", "appeal_types"], ["console", "report_types"],
    ["console", "oidc_scopes"], ["console", "oidc_hosts"], ["delivery", "hosts"],
    ["export", "tables"],
)  # fmt: skip
"""What the environment writes with commas."""
_ENVIRONMENT = r"[A-Za-z0-9_-]{0,50}"


def _are_addresses(brokers: str) -> bool:
    found = [re.fullmatch(r"(?:\[[^]]+\]|[^:\s]+):([0-9]{1,5})", broker.strip()) for broker in brokers.split(",")]
    return all(address is not None and PORT.holds(int(address[1])) for address in found)


class TopicNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The topics' names, where they differ from ours."""

    events: str = "events"
    labels: str = "labels"
    actions: str = "actions"
    decisions: str = "decisions"
    hops: str = "hops"
    dead_letters: str = "dead-letters"
    examples: str = "examples"
    models: str = "models"
    review: str = "review"
    rulebooks: str = "rulebooks"
    scores: str = "scores"
    raw_events: str = "raw-events"
    replies: str = "replies"


RETENTION_DAYS = {
    "events": 7,
    "labels": 30,
    "actions": 30,
    "decisions": 30,
    "hops": 7,
    "dead_letters": 30,
    "examples": 30,
    "review": 30,
    "scores": 7,
    "raw_events": 7,
    "replies": 1,
}
"""How long topics keep messages that are not state."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator can set. The defaults run on a laptop."""

    brokers: Annotated[str, Limit(_are_addresses, "are host:port, separated by commas")] = "127.0.0.1:9092"
    """host:port of the Kafka brokers, separated by commas."""
    environment: Annotated[str, matching(_ENVIRONMENT, "is up to 50 letters, digits, _ and -")] = ""
    """What comes before the names of topics and before `app_id`, where these are not set: `staging` makes
    `staging-events` and `staging-floodgate`."""
    app_id: Annotated[str, matching(r"[A-Za-z0-9._-]{1,200}", "is letters, digits, . _ and -")] = "floodgate"
    """Which application this is: what is published says for which one it is, and what is sealed or signed counts for it
    alone. The prefix of transactional ids."""
    group: Annotated[str, matching(r"[A-Za-z0-9._-]{0,249}", "is letters, digits, . _ and -")] = ""
    """The consumer group of the workers, and the prefix of the changelog topic; `app_id` where it is not set."""
    candidate: CandidateSettings = CandidateSettings()
    partitions: Annotated[int, at_least(1)] = 8
    """Partitions of events, labels and state. `floodgate partitions move` makes more of them."""
    state_generation: Annotated[int, at_least(1)] = 1
    """Which changelog has the state: the next one after each `floodgate partitions move`, which tells what to set."""
    replication: Annotated[int, at_least(1)] = 1
    """Replicas of each topic; 3 in production."""
    security: SecuritySettings = SecuritySettings()
    privacy: PrivacySettings = PrivacySettings()
    topics: TopicNames = TopicNames()
    events: EventSettings = EventSettings()
    labels: LabelSettings = LabelSettings()
    console: ConsoleSettings = ConsoleSettings()
    delivery: DeliverySettings = DeliverySettings()
    enrichment: EnrichmentSettings = EnrichmentSettings()
    export: ExportSettings = ExportSettings()
    intake: IntakeSettings = IntakeSettings()
    serve: ServeSettings = ServeSettings()
    traces: TraceSettings = TraceSettings()
    data_dir: Annotated[str, Limit(bool, "is a directory")] = ".floodgate/data"
    """Where RocksDB keeps this worker's state. One directory for each worker."""
    reference_data_dir: Annotated[str, Limit(bool, "is a directory")] = ".floodgate/reference"
    """Where the files are that `enrich:` of a rulebook names, such as city.mmdb. Nothing else is read of them."""
    max_table_rows: Annotated[int, at_least(1)] = 1_000_000
    """Rows of tables that come on topics, of all together, that this worker keeps in memory."""
    max_table_bytes: Annotated[int, at_least(1_000_000)] = 500_000_000
    """What these rows may take, about."""
    retention_days: Annotated[
        dict[str, int],
        Limit(lambda days: days.keys() <= RETENTION_DAYS.keys(), f"is about {', '.join(RETENTION_DAYS)}"),
        Limit(lambda days: all(number >= 1 for number in days.values()), "are at least 1"),
    ] = {}
    """How long `topics create` lets topics keep messages, by our names of them, where that is not the default."""
    state_ttl_days: Annotated[int, at_least(32, ", above the longest window")] = 40
    """When untouched state is forgotten; longer than the longest window and than labels are late."""
    rewrite_interval_ms: Annotated[int, at_least(1_000)] = 3_600_000
    """How often a worker rewrites the databases in which people were forgotten, so that their files lose them."""
    web_host: str = "127.0.0.1"
    web_port: Annotated[int, PORT] = 6066
    """Metrics and health. Loopback unless told otherwise: it has no authentication."""
    batch_max_events: Annotated[int, at_least(1)] = 4_000
    """Events of one partition computed at a stretch, before another gets its turn."""
    max_batches_in_flight: Annotated[int, at_least(1)] = 4
    """So many full batches, or as many events in smaller ones, wait for acknowledgements while the next is computed."""
    linger_ms: Annotated[int, at_least(0)] = 5
    """How long messages that follow others gather, so that they are worked through in fewer batches and requests."""
    store_linger_ms: Annotated[int, at_least(0)] = 50
    """How long changes of the state gather before they are written, where little comes."""
    cached_entities: Annotated[int, at_least(1)] = 50_000
    """Decoded records kept in memory, for each partition."""
    standby_replicas: Annotated[int, at_least(0)] = 1
    """Other workers that keep a warm copy of each partition's state."""
    commit_interval_ms: Annotated[int, at_least(100)] = 1_000
    session_timeout_ms: Annotated[int, at_least(3_000)] = 10_000
    """After how long a silent worker is taken for dead."""
    instance_id: Annotated[str, matching(r"[A-Za-z0-9._-]{0,200}", "is letters, digits, . _ and -")] = ""
    """A name of this worker that it keeps when it is started again, as its host's: one that was killed gets its
    partitions back at once, without the others waiting until its session is over. No two workers have the same."""
    stop_timeout_s: Annotated[int, at_least(1)] = 25
    """How long a worker may take to finish what is under way when it is told to stop."""
    decision_sample: Annotated[float, SHARE] = 0.01
    """The share of events without a hit whose decision is published too."""
    review_share: Annotated[float, SHARE] = 0.001
    """The share of scored events that moderators are asked about; more of those that a model cannot tell."""
    publish_scores: bool = False
    """Whether each score is a message on the topic `scores`, for rankers and ad systems."""
    snapshot_interval_ms: Annotated[int, at_least(100)] = 1_000
    """How often the trainer publishes a model that has learned something."""
    log_level: Annotated[str, one_of("debug", "info", "warning", "error")] = "info"
    log_format: Annotated[str, one_of("json", "console")] = "json"
    log_actions: bool = True
    """Whether each decision that acts is a line in the log too."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot work, and say which."""
        check_limits(self)
        used = msgspec.structs.asdict(self.topics)
        if not self.enrichment.is_used:
            del used["raw_events"]
        names = list(used.values())
        if len(set(names)) < len(names):
            raise ValueError(f"`topics` have different names, not {names}")
        if self.max_batches_in_flight * self.batch_max_events > WINDOW:
            both = "`max_batches_in_flight` times `batch_max_events`"
            raise ValueError(f"{both} is at most {WINDOW}: what a crash repeats is known among so many")
        if self.candidate.name:
            self.candidate.raise_if_shared(self.group, (used[topic] for topic in self.candidate.own_topics))

    @property
    def bootstrap_servers(self) -> list[str]:
        """The brokers as a list."""
        return [broker.strip() for broker in self.brokers.split(",")]

    @property
    def consumer_group(self) -> str:
        """The consumer group of the workers, whose state the changelog has."""
        return self.group or self.app_id

    @property
    def learns(self) -> bool:
        """Whether these workers train models; a candidate may go by those of the workers beside it."""
        return self.candidate.learns or not self.candidate.name

    @property
    def client_id(self) -> str:
        """What its clients are called at the brokers: a candidate's otherwise than those of the workers that decide."""
        return self.candidate.own(self.app_id) if self.candidate.name else self.app_id

    def in_environment(self, usual: str) -> str:
        """What something is called on a Kafka that other environments may share."""
        return f"{self.environment}-{usual}" if self.environment else usual

    def key_hashes(self) -> None:
        """Key the hashes of this process, where it is put together. Raises SettingsError."""
        set_hash_key(self.security.hash_secret())

    def pseudonyms(self) -> Pseudonyms | None:
        """What hides people's ids; None when nothing does. Raises SettingsError."""
        return self.privacy.pseudonyms(self.events.fields)


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from an optional file and the environment. Raises SettingsError with the setting's name."""
    values: dict[str, Any] = {} if path is None else read_settings_file(path)
    variables = os.environ if environment is None else environment
    for name, value in variables.items():
        if name.startswith(PREFIX):
            place = name.removeprefix(PREFIX).lower().split("__")
            _place(values, place, value.split(",") if place in _LISTS else value)
    for name in ("topics", "retention_days"):
        _name_as_topics_are(values, name)
    _name_by_environment(values)
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"a setting cannot work: {refusal(error, Settings, variables)}") from error


def _name_as_topics_are(values: dict[str, Any], setting: str) -> None:
    """`dead-letters` is the topic, `dead_letters` what the environment can say: both are understood."""
    named = values.get(setting)
    if isinstance(named, dict):
        values[setting] = {str(name).replace("-", "_"): value for name, value in named.items()}


def _name_by_environment(values: dict[str, Any]) -> None:
    """Topics and groups of two environments on one Kafka have different names, but for those that are set."""
    environment, topics = values.get("environment"), values.setdefault("topics", {})
    if isinstance(environment, str) and environment and isinstance(topics, dict):
        for name, usual in msgspec.structs.asdict(TopicNames()).items():
            topics.setdefault(name, f"{environment}-{usual}")
        values.setdefault("app_id", f"{environment}-floodgate")


def _place(values: dict[str, Any], path: list[str], value: str | list[str]) -> None:
    for part in path[:-1]:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"`{part}` is a single value, not a group of settings")
        values = inner
    if isinstance(values.get(path[-1]), dict):
        raise SettingsError(f"`{path[-1]}` is a group of settings or a single value, not both")
    values[path[-1]] = value
