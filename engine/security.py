"""Settings that hold secrets: how Kafka is reached, who publishes, and with which keys ids are hidden.

A secret comes from the environment or from a file, and is never shown.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from engine.errors import SettingsError
from engine.keys.pseudonyms import Pseudonyms

MIN_KEY_CHARS = 32

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class SecuritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How Kafka is reached, and who may say what. `publisher` and `publisher_key`: the name and the private key that
    this process signs with; `publishers_file`: whose signatures count; `worker_key`: what all workers share and seal
    their own topics with; `hash_key`: what keys the hashes that decide something, the same for all processes of a
    deployment and never to be changed: stored hashes would mean nothing any more. `unverified`: what becomes of
    messages that lack the signature or the seal that they should have; `warn` takes them, counts them and says so.

    `ca_file`: who signs the brokers' certificates, if not the system's authorities;
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
    unverified: Literal["refuse", "warn"] = "refuse"
    worker_key: str | None = None
    worker_key_file: str | None = None
    hash_key: str | None = None
    hash_key_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name in (
            "ca_file", "certificate_file", "key_file", "password_file", "token_file", "publisher_key_file",
            "publishers_file", "worker_key_file", "hash_key_file",
        ):  # fmt: skip
            if getattr(self, name) and not _is_file(getattr(self, name)):  # not shown: it may be the secret itself
                raise ValueError(f"`security.{name}` is not the path of a file that is there")
        if self.key_file and not self.certificate_file:
            raise ValueError("`security.certificate_file` goes with `security.key_file`")
        if self.password and self.password_file:
            raise ValueError("`security.password` and `security.password_file` are two passwords; give one")
        if (self.publisher_key or self.publisher_key_file) and not self.publisher:
            raise ValueError("`security.publisher` is the name that goes with `security.publisher_key`")
        for name in ("worker_key", "hash_key"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ValueError(f"`security.{name}` and `security.{name}_file` are two keys; give one")
            if getattr(self, name) and len(getattr(self, name)) < MIN_KEY_CHARS:
                raise ValueError(f"`security.{name}` is shorter than {MIN_KEY_CHARS} characters: openssl rand -hex 32")
        if self.uses_sasl and self.uses_tokens != bool(self.token_file):
            raise ValueError("`security.token_file` goes with the mechanism OAUTHBEARER")
        if self.uses_sasl and not self.uses_tokens and not (self.username and (self.password or self.password_file)):
            raise ValueError("`security.username` and a password are needed with SASL")

    def __repr__(self) -> str:
        return f"SecuritySettings({self.protocol}, username={self.username!r})"

    @property
    def warns(self) -> bool:
        """Whether messages that nothing proves are taken for now."""
        return self.unverified == "warn"

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

    def worker_secret(self) -> str:
        """What workers seal with; empty if they do not. Raises SettingsError."""
        return self._long_secret("worker_key")

    def hash_secret(self) -> str:
        """What keys the hashes that decide something; empty if nothing does. Raises SettingsError."""
        return self._long_secret("hash_key")

    def _long_secret(self, name: str) -> str:
        path: str | None = getattr(self, f"{name}_file")
        if path is None:
            return getattr(self, name) or ""
        found = read_secret(path, f"security.{name}_file")
        if len(found) < MIN_KEY_CHARS:
            raise SettingsError(
                f"`security.{name}_file` has fewer than {MIN_KEY_CHARS} characters: openssl rand -hex 32"
            )
        return found


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


class PrivacySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether people have pseudonyms in state, decisions and logs: with a key they do. `key_file` may hold several, a
    line each: the first makes pseudonyms, the others only reveal those that were made with them. `fields`: under
    which of our names, or dotted paths, events hold what tells who somebody is."""

    key: str | None = None
    key_file: str | None = None
    fields: frozenset[str] = frozenset(("user_id", "target_id", "ip", "device_id"))

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.key and self.key_file:
            raise ValueError("`privacy.key` and `privacy.key_file` are two places; give one")
        if self.key_file and not _is_file(self.key_file):
            raise ValueError("`privacy.key_file` is not the path of a file that is there")
        if "user_id" not in self.fields:
            raise ValueError("`privacy.fields` has user_id among them")

    def __repr__(self) -> str:
        return f"PrivacySettings({'on' if self.key or self.key_file else 'off'})"

    def pseudonyms(self, sources: Mapping[str, str]) -> Pseudonyms | None:
        """What makes the pseudonyms; None when nobody has one. `sources`: where producers have our fields. Raises
        SettingsError."""
        found = self.key or (read_secret(self.key_file, "privacy.key_file") if self.key_file else "")
        keys = found.split()
        if not keys:
            return None
        if min(map(len, keys)) < MIN_KEY_CHARS:
            raise SettingsError(f"a key of `privacy` is shorter than {MIN_KEY_CHARS} characters: openssl rand -hex 32")
        paths = self.fields | {sources[name] for name in self.fields if name in sources}
        return Pseudonyms(keys, paths | {name for name, source in sources.items() if source in paths})
