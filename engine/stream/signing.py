"""Who may publish labels, rulebooks and what else people decide: messages carry their publisher's name and a signature.

A signature is an HMAC-SHA256 over topic, key and value, with a secret that the publisher shares with the workers. It
keeps those out who may write to a topic and have no secret. It does not keep anyone from sending once more what a
publisher has sent: that is what the broker's access lists are for.
"""

import hmac
from typing import Any

import yaml

from engine.errors import SettingsError
from engine.security import read_secret
from engine.settings import Settings

PUBLISHER, SIGNATURE = "publisher", "signature"


class Signer:
    """Signs what this process publishes, if it has a secret. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings) -> None:
        self._name, self._secret = settings.security.publisher or "", settings.security.publisher_secret()

    def headers(self, topic: str, key: bytes | None, value: bytes | None) -> list[tuple[str, bytes]]:
        """The headers of a message; none without a secret."""
        if not self._secret:
            return []
        return [(PUBLISHER, self._name.encode()), (SIGNATURE, _sign(self._secret, topic, key, value).encode())]


class Publishers:
    """Those whose messages count. Without a list, everyone's do."""

    def __init__(self, settings: Settings) -> None:
        self._secrets = _read(settings.security.publishers_file)

    def accept(self, record: Any) -> bool:
        """Whether a record comes from one of them."""
        if self._secrets is None:
            return True
        headers = dict(record.headers or ())
        secret = self._secrets.get((headers.get(PUBLISHER) or b"").decode("utf-8", "replace"))
        if secret is None:
            return False
        wanted = _sign(secret, record.topic, record.key, record.value)
        return hmac.compare_digest(wanted.encode(), headers.get(SIGNATURE) or b"")


def _sign(secret: str, topic: str, key: bytes | None, value: bytes | None) -> str:
    parts = (topic.encode(), key or b"", value or b"")
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(secret.encode(), message, "sha256").hexdigest()


def _read(path: str | None) -> dict[str, str] | None:
    if path is None:
        return None
    try:
        found = yaml.safe_load(read_secret(path, "security.publishers_file"))
    except yaml.YAMLError as error:
        # The error would quote the file, secrets and all.
        raise SettingsError("`security.publishers_file` is not YAML") from error
    if not isinstance(found, dict) or not all(isinstance(one, str) and one for pair in found.items() for one in pair):
        raise SettingsError("`security.publishers_file` maps names to secrets, both as text")
    return found
