"""Who may say what: the file of publishers, and whether a message comes from one of them.

    ann:
      may: [rules, pause, lists]
      keys:
        - {public: 6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=, until: 2027-01-31}
        - {public: GfS2Qp2lqCw1qL4VPVMQ4NnKbZqg1m3lW3iYpQ1Jc0E=}

A name may have several keys, each until a day if that is told: a new one is added before the old one ends.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal, NamedTuple

import msgspec
import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from engine.errors import SettingsError
from engine.security import read_secret
from engine.settings import Settings
from engine.stream.kafka.sealing import Seals
from engine.stream.kafka.signing import PUBLISHER, SEQUENCE, SIGNATURE, is_anothers, public_key, signed_bytes

Scope = Literal["label", "behalf", "rules", "pause", "lists", "forget", "model", "revoke"]
"""What a publisher may do: give labels; give them in the name of others; push rulebooks; pause, resume and promote
rules; change live lists; make the engine forget someone; restore, pin and quarantine what models learn; take actions
back."""

_SIGNATURE_BYTES = 64
_AHEAD_US = 600_000_000
"""The clock of a signer may be so much ahead; a number from further on would shut out what is signed until then."""


class RecordOrigin(NamedTuple):
    """Whose a message is. `name` is None where nobody has to sign; `speaks_for_others`: what it says of its author is
    believed."""

    name: str | None
    speaks_for_others: bool


OPEN = RecordOrigin(None, True)
"""Where nobody has to sign."""

Unverified = Callable[[Any], None]
"""Called with each record that is taken for now, and would be refused if `security.unverified` were not `warn`."""

Accept = Callable[[Any, Scope], RecordOrigin | None]
"""Whose a record is, if it comes from one who may do this; None: it is refused. It may have been there before: what it
changes keeps the sequence number of its last change (`sequence_of`), and takes none that is not larger."""


def say_nothing(_: Any) -> None:
    """Nobody wants to know."""


def accept_all(_: Any, __: Scope) -> RecordOrigin:
    """Everyone may."""
    return OPEN


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    public: str
    until: date | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    may: frozenset[Scope]
    keys: tuple[_Key, ...]


class _Publisher(NamedTuple):
    may: frozenset[Scope]
    keys: tuple[tuple[Ed25519PublicKey, float], ...]


class Publishers:
    """Those whose messages count. Without a file, everyone's do. Raises SettingsError when it is made."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.time, on_unverified: Unverified = say_nothing
    ) -> None:
        self._app_id, self._clock, self._on_unverified = settings.app_id, clock, on_unverified
        self._warns = settings.security.warns
        self._known = _read(settings.security.publishers_file)

    @property
    def are_known(self) -> bool:
        """Whether messages have to be signed."""
        return self._known is not None and not self._warns

    def accept(self, record: Any, scope: Scope) -> RecordOrigin | None:
        """As `Accept`: it is for this application, the signature holds, and its key has not ended and may do this."""
        if is_anothers(record, self._app_id):
            return None
        if self.are_known:
            return self._signed(record, scope)
        if self._known is not None and self._signed(record, scope) is None:
            self._on_unverified(record)
        return OPEN

    def has_signed(self, record: Any, scope: Scope) -> bool:
        """Whether one who may do this has signed a record."""
        signed = self._known is not None and not is_anothers(record, self._app_id)
        return signed and self._signed(record, scope) is not None

    def _signed(self, record: Any, scope: Scope) -> RecordOrigin | None:
        now = self._clock()
        return None if sequence_of(record) > now * 1e6 + _AHEAD_US else self._origin(record, scope, now)

    def may_still(self, record: Any, scope: Scope) -> bool:
        """Whether what was accepted once is from one who may still do this, with whatever key."""
        if self._known is None:
            return True
        publisher = self._known.get(name_of(record))
        return publisher is not None and scope in publisher.may

    def is_still_signed(self, record: Any, scope: Scope) -> bool:
        """The same, with a key that is listed still, even if it has ended since."""
        return self._origin(record, scope, float("-inf")) is not None

    def _origin(self, record: Any, scope: Scope, now: float) -> RecordOrigin | None:
        if self._known is None:
            return OPEN
        name, signature = name_of(record), dict(record.headers or ()).get(SIGNATURE) or b""
        publisher = self._known.get(name)
        if publisher is None or scope not in publisher.may or len(signature) != _SIGNATURE_BYTES:
            return None
        signed = signed_bytes(self._app_id, name, sequence_of(record), record.topic, record.key, record.value)
        if any(now < until and _fits(key, signature, signed) for key, until in publisher.keys):
            return RecordOrigin(name, "behalf" in publisher.may)
        return None


def is_a_workers_or(record: Any, scope: Scope, seals: Seals, publishers: Publishers) -> bool:
    """Whether a worker has written a record, or one who may do this has signed it."""
    return publishers.has_signed(record, scope) or seals.fits(record)


def name_of(record: Any) -> str:
    """Who a record claims has signed it; empty for nobody."""
    return (dict(record.headers or ()).get(PUBLISHER) or b"").decode("utf-8", "replace")


def sequence_of(record: Any) -> int:
    """The sequence number that a record claims; 0 for none."""
    text = dict(record.headers or ()).get(SEQUENCE) or b""
    return int(text) if text.isdigit() and len(text) < 20 else 0


def _fits(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _read(path: str | None) -> Mapping[str, _Publisher] | None:
    if path is None:
        return None
    setting = "`security.publishers_file`"
    try:
        entries = msgspec.convert(yaml.safe_load(read_secret(path, "security.publishers_file")), dict[str, _Entry])
    except yaml.YAMLError as error:
        raise SettingsError(f"{setting} is not YAML") from error  # the error would quote the file
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{setting} has names with `may` and `keys`, as docs/operations.md shows: {error}; secrets that are shared "
            "with workers (HMAC) are not read any more: `floodgate keys new NAME` makes a pair of keys"
        ) from error
    return {
        name: _Publisher(entry.may, tuple((public_key(key.public, "publishers_file"), _end(key)) for key in entry.keys))
        for name, entry in entries.items()
    }


def _end(key: _Key) -> float:
    """The end of a key's last day, in UTC."""
    if key.until is None:
        return float("inf")
    return datetime(key.until.year, key.until.month, key.until.day, tzinfo=UTC).timestamp() + 86_400
