"""People with keys, for the tests of who may say what."""

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.security import SecuritySettings
from engine.settings import Settings
from engine.stream.kafka.signing import make_keys, signed_bytes

ALL_SCOPES = ("label", "behalf", "rules", "pause", "lists", "forget", "model", "revoke")


class Person(NamedTuple):
    """Who has a pair of keys."""

    name: str
    private: str
    public: str

    def record(
        self, sequence: int, topic: str = "labels", key: bytes | None = b"u", value: bytes | None = b"v", *,
        offset: int = 0, partition: int = 0, app_id: str = "floodgate",
    ) -> Any:  # fmt: skip
        """A record that was signed with a sequence number of one's choice."""
        signer = Ed25519PrivateKey.from_private_bytes(b64decode(self.private))
        signature = signer.sign(signed_bytes(app_id, self.name, sequence, topic, key, value))
        headers = [("publisher", self.name.encode()), ("sequence", b"%d" % sequence), ("signature", signature)]
        return record(topic, key, value, headers, offset, partition)


def person(name: str) -> Person:
    """A new pair of keys."""
    return Person(name, *make_keys())


def record(
    topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = (), offset: int = 0,
    partition: int = 0, timestamp: int | None = None,
) -> Any:  # fmt: skip
    """A record as both clients give it."""
    return SimpleNamespace(
        topic=topic, partition=partition, offset=offset, key=key, value=value, headers=tuple(headers),
        timestamp=timestamp,
    )  # fmt: skip


def changed(one: Any, **changes: Any) -> Any:
    """A record that differs in something."""
    return SimpleNamespace(**{**vars(one), **changes})


def listed(path: Path, people: dict[str, Any]) -> str:
    """A file of publishers: JSON is YAML."""
    path.write_bytes(orjson.dumps(people))
    return str(path)


def entry(*keys: Person | tuple[Person, str], may: Sequence[str] = ALL_SCOPES) -> dict[str, Any]:
    """What the file has of a name: its keys, some with their last days."""
    found = []
    for key in keys:
        one, until = (key, None) if isinstance(key, Person) else key
        found.append({"public": one.public} | ({"until": until} if until is not None else {}))
    return {"may": list(may), "keys": found}


def secured(settings: Settings, **changes: Any) -> Settings:
    """Settings with others of security."""
    known = {name: getattr(settings.security, name) for name in SecuritySettings.__struct_fields__}
    return msgspec.structs.replace(settings, security=SecuritySettings(**{**known, **changes}))
