"""What people publish is signed: labels, rulebooks, pauses, promotions, list entries, commands, requests to forget.

A signature is Ed25519 over the application's id, the topic, the key, the value, the signer's name and a sequence
number, which is the microsecond of signing. The workers have public keys alone, so who breaks into one can sign
nothing. A sequence number counts once: what was signed once cannot be published again by somebody else.

    headers    app_id | publisher (the signer's name) | sequence (decimal) | signature (64 bytes)

What has no signature still says for which application it is: what was meant for another environment changes nothing.
"""

import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine.errors import SettingsError
from engine.settings import Settings

APP_ID, PUBLISHER, SEQUENCE, SIGNATURE = "app_id", "publisher", "sequence", "signature"

_KEY_BYTES = 32
_DOMAIN = b"floodgate signature 1"

Headers = list[tuple[str, bytes]]


class Signer:
    """Signs what this process publishes, if it has a key. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings) -> None:
        self.name, secret = settings.security.publisher or "", settings.security.publisher_secret()
        self._app_id, self._sequence = settings.app_id, 0
        self._key = Ed25519PrivateKey.from_private_bytes(_decoded(secret, "publisher_key")) if secret else None

    def headers(self, topic: str, key: bytes | None, value: bytes | None) -> Headers:
        """The headers of a message; without a key, only for whom it is."""
        ours = (APP_ID, self._app_id.encode())
        if self._key is None:
            return [ours]
        self._sequence = max(self._sequence + 1, time.time_ns() // 1_000)
        signature = self._key.sign(signed_bytes(self._app_id, self.name, self._sequence, topic, key, value))
        return [ours, (PUBLISHER, self.name.encode()), (SEQUENCE, b"%d" % self._sequence), (SIGNATURE, signature)]


def signed_bytes(
    app_id: str, publisher: str, sequence: int, topic: str, key: bytes | None, value: bytes | None
) -> bytes:
    """What is signed: all of it, and where one part ends."""
    parts = (app_id.encode(), publisher.encode(), b"%d" % sequence, topic.encode(), key or b"", value or b"")
    return _DOMAIN + b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def is_anothers(record: Any, app_id: str) -> bool:
    """Whether a record says that it is for another application."""
    named = dict(record.headers or ()).get(APP_ID)
    return named is not None and named != app_id.encode()


def make_keys() -> tuple[str, str]:
    """A new private key and its public one, as settings have them."""
    private = Ed25519PrivateKey.generate()
    return b64encode(private.private_bytes_raw()).decode(), b64encode(private.public_key().public_bytes_raw()).decode()


def public_key(text: str, setting: str) -> Ed25519PublicKey:
    """A public key as settings have it. Raises SettingsError."""
    return Ed25519PublicKey.from_public_bytes(_decoded(text, setting))


def _decoded(text: str, setting: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:  # not shown: it may be the key itself
        raise SettingsError(f"`security.{setting}` is not a key: `floodgate keys new NAME` makes one")
    return key
