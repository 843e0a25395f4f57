"""Settings of `floodgate serve`, and of which events workers keep the reply."""

import re
from typing import Annotated, Literal

import msgspec

from engine.limits import PORT, Limit, at_least, between, check_limits

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DEED = re.compile(r"[a-z]+( [^ ].{0,99})?")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

Verdict = Literal["allow", "review", "challenge", "deny"]


class SurfaceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place where somebody asks before something is published, such as a sign-up."""

    types: Annotated[tuple[str, ...], Limit(bool, "names types of events"), Limit(all, "has no empty type")]
    """The types of events that may be asked about there. Workers keep the reply to each event of them."""
    timeout_ms: Annotated[int, between(1, 60_000)] = 200
    """How long a decision is waited for."""
    otherwise: Verdict = "allow"
    """The verdict where there is no decision in time."""
    deny: Annotated[
        tuple[str, ...],
        Limit(lambda deeds: all(_DEED.fullmatch(deed) for deed in deeds), "are kinds of actions, or `KIND SCOPE`"),
    ] = ("suspend", "remove", "hide", "limit")
    """Which actions make the verdict `deny`: kinds, or kinds with a scope, such as `limit signup`."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "serve.surfaces.")


class ServeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may ask about an event and wait for its decision."""

    surfaces: dict[str, SurfaceSettings] = {}
    """By name. Workers have to know them too."""
    host: str = "127.0.0.1"
    """The address to listen on. On another one than loopback, `tokens_file` is needed."""
    port: Annotated[int, PORT] = 6093
    tokens_file: str = ""
    """A file of those who may ask, a line each: `floodgate serve token NAME` makes one."""
    certificate_file: str = ""
    """The certificate of this process, where it speaks TLS itself."""
    key_file: str = ""
    """And its key."""
    pages_host: str = "127.0.0.1"
    """The address that metrics and health are on. Loopback unless told otherwise: there is no authentication."""
    pages_port: Annotated[int, PORT] = 6094
    most_connections: Annotated[int, at_least(1)] = 2_000
    """So many connections at once; the oldest that ask for nothing are closed for newer ones."""
    headers_timeout_s: Annotated[float, Limit(lambda value: 0 < value <= 300, "is above 0 and at most 300")] = 10.0
    """How long the headers of a request may take, and before them TLS."""
    most_waiting: Annotated[int, at_least(1)] = 1_000
    """So many questions wait at once; whoever comes then is told to come again."""
    most_waiting_of_user: Annotated[int, at_least(1)] = 20
    """So many of them about one user."""
    max_body_bytes: Annotated[int, between(1, 1_000_000)] = 65_536
    """Longer events are refused."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "serve.")
        for name in self.surfaces:
            if not _NAME.fullmatch(name):
                raise ValueError(f"`serve.surfaces` has {name!r}: names are small letters, digits, _ and -")
        if self.surfaces and self.host not in _LOOPBACK and not self.tokens_file:
            raise ValueError("`serve.tokens_file` says who may ask, where others than this machine can")
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("`serve.certificate_file` and `serve.key_file` are set together")

    @property
    def types(self) -> frozenset[str]:
        """The types of events that may be asked about."""
        return frozenset(kind for surface in self.surfaces.values() for kind in surface.types)
