"""Every setting, in one frozen and validated object, from a YAML file and the environment.

A file holds the names below; the environment holds them in capitals with a prefix, and two underscores
go one level down: FLOODGATE_BROKERS, FLOODGATE_TOPICS__EVENTS. The environment wins.
"""

import operator
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from engine.core.events import FieldMapping, TimeUnit
from engine.errors import SettingsError

PREFIX = "FLOODGATE_"


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


class EventSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How producers' messages become events.

    `fields` maps our names to dotted paths in the message; `as_string` names identifiers that may
    arrive as integers; `max_message_bytes` and `max_field_bytes` turn larger ones into dead letters;
    `max_future_ms` is how far ahead of its arrival an event time may lie.
    """

    fields: dict[str, str] = {}
    ts_unit: TimeUnit = "auto"
    as_string: frozenset[str] = frozenset()
    max_message_bytes: int = 262_144
    max_field_bytes: int = 65_536
    max_future_ms: int = 86_400_000

    def mapping(self) -> FieldMapping:
        """The core's view of these settings."""
        return FieldMapping(self.fields, self.ts_unit, self.as_string, self.max_field_bytes, self.max_future_ms)


Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class SecuritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How Kafka is reached. `ca_file`: who signs the brokers' certificates, if not the system's authorities;
    `certificate_file` and `key_file`: this client's own. The password comes from the environment or from
    `password_file`, and is never shown. With OAUTHBEARER, `token_file` holds a token that something else renews; it is
    read at every login."""

    protocol: Protocol = "PLAINTEXT"
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    token_file: str | None = None
    publisher: str | None = None
    publisher_key: str | None = None
    publisher_key_file: str | None = None
    publishers_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name in (
            "ca_file", "certificate_file", "key_file", "password_file", "token_file", "publisher_key_file",
            "publishers_file",
        ):  # fmt: skip
            if getattr(self, name) and not _is_file(getattr(self, name)):  # not shown: it may be the secret itself
                raise ValueError(f"`security.{name}` is not the path of a file that is there")
        if self.key_file and not self.certificate_file:
            raise ValueError("`security.certificate_file` goes with `security.key_file`")
        if self.password and self.password_file:
            raise ValueError("`security.password` and `security.password_file` are two passwords; give one")
        if (self.publisher_key or self.publisher_key_file) and not self.publisher:
            raise ValueError("`security.publisher` is the name that goes with `security.publisher_key`")
        if self.uses_sasl and self.uses_tokens != bool(self.token_file):
            raise ValueError("`security.token_file` goes with the mechanism OAUTHBEARER")
        if self.uses_sasl and not self.uses_tokens and not (self.username and (self.password or self.password_file)):
            raise ValueError("`security.username` and a password are needed with SASL")

    def __repr__(self) -> str:
        return f"SecuritySettings({self.protocol}, username={self.username!r})"

    @property
    def uses_sasl(self) -> bool:
        """Whether a user name is asked for."""
        return self.protocol.startswith("SASL")

    @property
    def uses_tokens(self) -> bool:
        """Whether a token is asked for instead."""
        return self.mechanism == "OAUTHBEARER"

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.protocol.endswith("SSL")

    def secret(self) -> str:
        """The password. Raises SettingsError where its file cannot be read or is empty."""
        if self.password_file is None:
            return self.password or ""
        return read_secret(self.password_file, "security.password_file")

    def token(self) -> str:
        """The token of this moment. Raises SettingsError where its file cannot be read or is empty."""
        return read_secret(self.token_file or "", "security.token_file")

    def publisher_secret(self) -> str:
        """What this process signs its labels and rulebooks with; empty if it does not. Raises SettingsError."""
        if self.publisher_key_file is None:
            return self.publisher_key or ""
        return read_secret(self.publisher_key_file, "security.publisher_key_file")


def read_secret(path: str, setting: str) -> str:
    """What a file holds. Raises SettingsError where it cannot be read or is empty."""
    try:
        found = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"`{setting}` cannot be read: {error}") from error
    if not found:
        raise SettingsError(f"`{setting}` is an empty file")
    return found


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long for a path, for example
        return False


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator can set. The defaults run on a laptop."""

    brokers: str = "127.0.0.1:9092"
    """host:port of the Kafka brokers, separated by commas."""
    app_id: str = "floodgate"
    """The consumer group, and the prefix of the changelog topic."""
    partitions: int = 8
    """Partitions of events, labels and state. Choose once: state does not move between partitions."""
    replication: int = 1
    """Replicas of each topic; 3 in production."""
    security: SecuritySettings = SecuritySettings()
    topics: TopicNames = TopicNames()
    events: EventSettings = EventSettings()
    data_dir: str = ".floodgate/data"
    """Where RocksDB keeps this worker's state. One directory for each worker."""
    state_ttl_days: int = 40
    """When untouched state is forgotten; longer than the longest window and than labels are late."""
    web_host: str = "127.0.0.1"
    web_port: int = 6066
    """Metrics and health. Loopback unless told otherwise: it has no authentication."""
    batch_max_events: int = 4_000
    """Events computed at a stretch, before anything else gets a turn."""
    max_batches_in_flight: int = 4
    """Batches whose acknowledgements are on their way while the next one is computed."""
    cached_entities: int = 50_000
    """Decoded records kept in memory, for each partition."""
    standby_replicas: int = 1
    """Other workers that keep a warm copy of each partition's state."""
    commit_interval_ms: int = 1_000
    session_timeout_ms: int = 10_000
    """After how long a silent worker is taken for dead."""
    decision_sample: float = 0.01
    """The share of events without a hit whose decision is published too."""
    review_share: float = 0.001
    """The share of scored events that moderators are asked about; more of those that a model cannot tell."""
    snapshot_interval_ms: int = 1_000
    """How often the trainer publishes a model that has learned something."""
    log_level: str = "info"
    log_format: str = "json"

    def __post_init__(self) -> None:
        """Refuse settings that cannot work, and say which."""
        names = list(msgspec.structs.asdict(self.topics).values())
        addresses = [re.fullmatch(r"(\[[^]]+\]|[^:\s]+):[0-9]{1,5}", broker) for broker in self.bootstrap_servers]
        checks = [
            (all(addresses), "brokers", "are host:port, separated by commas"),
            (bool(re.fullmatch(r"[A-Za-z0-9._-]{1,200}", self.app_id)), "app_id", "is letters, digits, . _ and -"),
            (bool(self.data_dir), "data_dir", "is a directory"),
            (len(set(names)) == len(names), "topics", "have different names"),
            (self.standby_replicas >= 0, "standby_replicas", "is 0 or more"),
            (self.snapshot_interval_ms >= 100, "snapshot_interval_ms", "is at least 100"),
            (self.events.max_message_bytes >= 100, "events.max_message_bytes", "is at least 100"),
            (self.events.max_field_bytes >= 100, "events.max_field_bytes", "is at least 100"),
            (self.events.max_future_ms >= 0, "events.max_future_ms", "is 0 or more"),
            (all(self.events.fields.values()), "events.fields", "map our names to paths"),
            (self.partitions >= 1, "partitions", "is at least 1"),
            (self.replication >= 1, "replication", "is at least 1"),
            (0 < self.web_port < 65_536, "web_port", "is a port number"),
            (self.batch_max_events >= 1, "batch_max_events", "is at least 1"),
            (self.max_batches_in_flight >= 1, "max_batches_in_flight", "is at least 1"),
            (self.cached_entities >= 1, "cached_entities", "is at least 1"),
            (self.commit_interval_ms >= 100, "commit_interval_ms", "is at least 100"),
            (self.session_timeout_ms >= 3_000, "session_timeout_ms", "is at least 3000"),
            (0 <= self.decision_sample <= 1, "decision_sample", "is a share between 0 and 1"),
            (0 <= self.review_share <= 1, "review_share", "is a share between 0 and 1"),
            (self.state_ttl_days >= 32, "state_ttl_days", "is at least 32, above the longest window"),
            (self.log_format in ("json", "console"), "log_format", "is json or console"),
            (self.log_level in ("debug", "info", "warning", "error"), "log_level", "is debug, info, warning or error"),
        ]
        for holds, name, rule in checks:
            if not holds:
                raise ValueError(f"`{name}` {rule}, not {operator.attrgetter(name)(self)!r}")

    @property
    def bootstrap_servers(self) -> list[str]:
        """The brokers as a list."""
        return [broker.strip() for broker in self.brokers.split(",")]


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from an optional file and the environment. Raises SettingsError with the setting's name."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = yaml.safe_load(path.read_text("utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SettingsError(f"the settings file {path} cannot be read: {error}") from error
        if not isinstance(values, dict):
            raise SettingsError(f"the settings file {path} must be a mapping of names")
    for name, value in (os.environ if environment is None else environment).items():
        if name.startswith(PREFIX):
            place = name.removeprefix(PREFIX).lower().split("__")
            _place(values, place, value.split(",") if place[-1] == "as_string" else value)
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"a setting cannot work: {error}") from error


def _place(values: dict[str, Any], path: list[str], value: str | list[str]) -> None:
    for part in path[:-1]:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"`{part}` is a single value, not a group of settings")
        values = inner
    if isinstance(values.get(path[-1]), dict):
        raise SettingsError(f"`{path[-1]}` is a group of settings or a single value, not both")
    values[path[-1]] = value
