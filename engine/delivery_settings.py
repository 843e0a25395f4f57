"""Settings of `floodgate deliver`."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from engine.console_settings import LOOPBACK
from engine.limits import PORT, Limit, at_least, between, check_limits

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ReceiverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook that takes actions, and how it is treated."""

    url: str
    """Where actions are posted: https, or http on this machine."""
    secret_file: str
    """A file with the secret that requests are signed with, `whsec_` and Base64; a second line is signed with too."""
    kinds: frozenset[str] = frozenset()
    """Only actions of these kinds; empty: all but `add` and `mark`, which are the engine's own. Revocations of these
    kinds come too."""
    target_types: frozenset[str] = frozenset()
    """Only actions about targets of these types; empty: about all."""
    begin: Literal["beginning", "end"] = "beginning"
    """Where the topic is read from the first time."""
    timeout_s: Annotated[float, Limit(lambda value: 0 < value <= 300, "is above 0 and at most 300")] = 10.0
    """So long an answer may take."""
    most_at_once: Annotated[int, between(1, 200)] = 8
    """So many requests are under way at the same time, each about another target."""
    most_waiting: Annotated[int, between(1, 100_000)] = 1_000
    """So many actions are held in memory; the others stay on the topic."""
    first_retry_ms: Annotated[int, at_least(1)] = 500
    """How long after the first failure the same is tried again; each time twice as long."""
    longest_retry_s: Annotated[float, Limit(lambda value: 0 < value <= 3_600, "is above 0 and at most 3600")] = 60.0
    """But no longer than this."""
    most_tries: Annotated[int, at_least(1)] = 8
    """After so many failures an action is set aside, if the receiver has taken others meanwhile."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "delivery.receivers.")
        parts = _split(self.url)
        if parts is None:
            raise ValueError(
                "`delivery.receivers.url` is https://HOST/PATH, or http:// on this machine, without a user, a password "
                "or a fragment"
            )

    @property
    def host(self) -> str:
        """Whom requests go to."""
        return urlsplit(self.url).hostname or ""


class DeliverySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets actions by webhook."""

    receivers: dict[str, ReceiverSettings] = {}
    """By name. The name is a part of the consumer group: under another one everything is delivered anew."""
    hosts: tuple[str, ...] = ()
    """Hosts that receivers may have besides this machine; whatever changes a URL cannot send actions elsewhere."""
    store: Annotated[str, Limit(bool, "is a file")] = ".floodgate/delivery.db"
    """Where it is kept which actions have been delivered. A file on a disk of this machine."""
    host: str = "127.0.0.1"
    """The address that metrics and health are on. Loopback unless told otherwise: there is no authentication."""
    port: Annotated[int, PORT] = 6090
    ca_file: str | None = None
    """Who signs the receivers' certificates, if not the system's authorities."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "delivery.")
        for name, receiver in self.receivers.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"`delivery.receivers` has {name!r}: names are small letters, digits, _ and -")
            if receiver.host not in (*LOOPBACK, *self.hosts):
                raise ValueError(f"`delivery.hosts` does not have {receiver.host}, where receiver {name} is")


def _split(url: str) -> object | None:
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        return (
            parts if is_safe and parts.hostname and not (parts.username or parts.password or parts.fragment) else None
        )
    except ValueError:
        return None
