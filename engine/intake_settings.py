"""Settings of `floodgate intake`."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from engine.limits import PORT, Limit, check_limits
from engine.security import read_secret

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def _is_registry(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username)
    except ValueError:
        return False


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic of a producer, and how its messages become events."""

    topic: str
    format: Literal["json", "avro", "protobuf", "cloudevents"] = "json"
    """What its messages are: JSON, Avro or Protobuf with a schema of the registry, or CloudEvents (JSON, or with
    headers)."""
    fields: Annotated[dict[str, str], Limit(lambda fields: all(fields.values()), "map our names to paths")] = {}
    """Our names, and the dotted paths where messages have them."""
    type: str = ""
    """The type of all its events; empty: messages tell it."""
    types: dict[str, str] = {}
    """Our types for those that messages tell; what is not among them stays as it is."""
    as_string: frozenset[str] = frozenset()
    """Identifiers that arrive as integers."""
    schema_file: str = ""
    """A JSON Schema that messages have to fit, if they are JSON or CloudEvents."""
    schema_in_registry: bool = False
    """Each message in JSON has to fit the JSON Schema whose number stands before it."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "intake.sources.")
        if self.schema_file and (self.schema_in_registry or self.format not in ("json", "cloudevents")):
            raise ValueError("`intake.sources` has one schema: `schema_file` is for JSON and CloudEvents alone")
        if self.schema_in_registry and self.format != "json":
            raise ValueError("`schema_in_registry` is for JSON alone: Avro and Protobuf have theirs there anyway")
        if self.type and self.types:
            raise ValueError("`intake.sources` has `type` or `types`, not both")


class IntakeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Producers' own topics, which become events."""

    sources: dict[str, SourceSettings] = {}
    """By name. The name is a part of the consumer group: under another one everything is read anew."""
    registry: Annotated[str, Limit(_is_registry, "is http(s)://HOST/PATH, without a user")] = ""
    """The schema registry, which speaks as Confluent's does."""
    registry_user: str = ""
    registry_password_file: str = ""
    """A file with the password of `registry_user`."""
    registry_ca_file: str | None = None
    """Who signs the registry's certificate, if not the system's authorities."""
    host: str = "127.0.0.1"
    """The address that metrics and health are on. Loopback unless told otherwise: there is no authentication."""
    port: Annotated[int, PORT] = 6092

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "intake.")
        for name, source in self.sources.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"`intake.sources` has {name!r}: names are small letters, digits, _ and -")
            if (source.format in ("avro", "protobuf") or source.schema_in_registry) and not self.registry:
                raise ValueError(f"`intake.registry` has the schemas of source {name}, and is not set")

    def registry_password(self) -> str:
        """The password; empty where none is needed. Raises SettingsError."""
        path = self.registry_password_file
        return read_secret(path, "intake.registry_password_file") if path else ""
