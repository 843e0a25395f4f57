"""What workers write and nobody else may is sealed: models, examples, hops, actions, decisions, scores, replies.

A seal is a keyed hash (BLAKE2b) over topic, key and value with a secret that the workers share, in a header. Without
the secret nothing is sealed and nothing asked for; with it, what has no seal of ours is refused, or taken for now and
told (`security.unverified`).
"""

import hmac
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from engine.settings import Settings

SEAL = "seal"
_SEAL_BYTES = 16


class Seals:
    """Makes and checks seals. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, on_unverified: Callable[[Any], None] = lambda _: None) -> None:
        self._warns, self._on_unverified = settings.security.warns, on_unverified
        names, secret = settings.topics, settings.security.worker_secret()
        self._key = blake2b(f"{settings.app_id}\x00{secret}".encode(), digest_size=32).digest() if secret else b""
        self.topics = frozenset(
            (names.models, names.examples, names.hops, names.actions, names.decisions, names.scores, names.replies)
        )

    @property
    def are_asked_for(self) -> bool:
        """Whether messages have to have one."""
        return bool(self._key)

    def header(self, topic: str, key: bytes | None, value: bytes) -> tuple[str, bytes] | None:
        """What is added to the headers of a message; None where nothing is sealed."""
        if not self._key or topic not in self.topics:
            return None
        return SEAL, self._made(topic, key, value)

    def fits(self, record: Any) -> bool:
        """Whether a record comes from a worker, as far as that has to be proved."""
        if not self._key:
            return True
        seal = dict(record.headers or ()).get(SEAL) or b""
        if hmac.compare_digest(seal, self._made(record.topic, record.key, record.value or b"")):
            return True
        if self._warns:
            self._on_unverified(record)
        return self._warns

    def _made(self, topic: str, key: bytes | None, value: bytes) -> bytes:
        keyed = blake2b(topic.encode(), digest_size=_SEAL_BYTES, key=self._key)
        keyed.update((-1 if key is None else len(key)).to_bytes(8, "big", signed=True))
        keyed.update(key or b"")
        keyed.update(value)
        return keyed.digest()
