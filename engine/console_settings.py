"""Settings of the console."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from engine.limits import PORT, SHARE, Limit, at_least, check_limits
from engine.security import read_secret

ANSWER_WITHIN_H = {"review": 72, "agreement": 8, "appeal": 24, "report": 24}
"""By source of a case."""

_HOUR_MS = 3_600_000

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""The machine itself: nobody listens in between."""


def _is_issuer(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        return not url or (is_safe and bool(parts.hostname) and not parts.query and not parts.fragment)
    except ValueError:
        return False


_Role = Literal["viewer", "moderator", "senior", "analyst", "operator", "administrator"]


class ConsoleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the console is reached, what it keeps, and how moderators work with it."""

    store: str = "sqlite:///.floodgate/console.db"
    """Where the console keeps what it knows: SQLite on this machine, or postgresql+psycopg://… for several consoles."""
    host: str = "127.0.0.1"
    """The address to listen on. Loopback unless told otherwise: put TLS in front before others can reach it."""
    port: Annotated[int, PORT] = 6080
    secure_cookies: bool = False
    """Whether browsers send the session over TLS alone: set it where TLS is in front."""
    session_idle_m: Annotated[int, at_least(1)] = 720
    """After so many minutes without a request one has to sign in again."""
    proxy_user_header: str = ""
    """The header in which a trusted proxy names who has signed in there; empty: nobody is believed."""
    proxy_role_header: str = ""
    """The header in which that proxy names their role; without it an account of that name has to be there."""
    public_url: Annotated[str, Limit(_is_issuer, "is https://HOST, or http:// on this machine")] = ""
    """The address that browsers have for the console, https://console.example; empty: that of each request."""
    oidc_issuer: Annotated[str, Limit(_is_issuer, "is https://HOST/PATH, or http:// on this machine")] = ""
    """The OpenID provider at which people may sign in, as it calls itself; empty: none."""
    oidc_client_id: str = ""
    """What the provider calls the console."""
    oidc_client_secret_file: str = ""
    """A file that holds what proves to the provider that it is us; empty: it asks for no secret, PKCE is enough."""
    oidc_scopes: tuple[str, ...] = ("openid", "profile")
    """What the provider is asked to tell."""
    oidc_name_claim: str = "preferred_username"
    """The claim of ID tokens that names the account. People must not be able to choose it themselves."""
    oidc_roles_claim: str = ""
    """The claim that lists people's groups at the provider."""
    oidc_roles: dict[str, _Role] = {}
    """A role for each group; the first that somebody is in counts. Empty: who has an account may come in."""
    oidc_hosts: tuple[str, ...] = ()
    """Hosts of the provider besides the issuer's, to which its own description may point."""
    policies: tuple[str, ...] = ()
    """What a verdict may be about, besides spam or not: a digit chooses each of the first nine in the queue."""
    masked_words: Annotated[
        tuple[str, ...],
        Limit(lambda words: all(word.strip(" *") for word in words), "are words, and may end in `*`"),
    ] = ()
    """Slurs, of which pages show the first letter until somebody asks; `word*` means all that begin so."""
    blur_pictures_from: Annotated[float, SHARE] = 0.0
    """Small pictures of which a model says so much or more are blurred until somebody asks, and those of which none
    says anything; 0: all are."""
    notes: Literal["optional", "demanded"] = "optional"
    """Whether a moderator has to say why."""
    undo_s: Annotated[int, at_least(0)] = 6
    """So long a verdict can be undone before it goes out."""
    answer_within_h: Annotated[
        dict[str, int],
        Limit(lambda hours: hours.keys() <= ANSWER_WITHIN_H.keys(), f"is about {', '.join(ANSWER_WITHIN_H)}"),
        Limit(lambda hours: all(number >= 1 for number in hours.values()), "are at least 1"),
    ] = {}
    """Within how many hours a case of each source is to be answered, where that is not the default. What is late comes
    first."""
    claim_s: Annotated[int, at_least(30)] = 300
    """So long nobody else gets an event that somebody looks at."""
    skipped_m: Annotated[int, at_least(1)] = 60
    """So many minutes somebody does not get again what they have skipped."""
    golden_share: Annotated[float, SHARE] = 0.02
    """The share of what moderators see whose right answer is known."""
    second_review_share: Annotated[float, SHARE] = 0.05
    """The share of verdicts for which somebody else is asked too."""
    break_after: Annotated[int, at_least(1)] = 60
    """After so many disturbing items within an hour a break is offered."""
    break_m: Annotated[int, at_least(1)] = 10
    """So many minutes a break lasts."""
    needs_approval: bool = False
    """Whether a second person has to approve a rulebook before it is pushed."""
    max_newly_share: Annotated[float, SHARE] = 0.01
    """A rulebook that would newly act on a larger share of those who are active goes out only if whoever pushes it says
    that this is meant; so does one that was not tried on recent events."""
    appeal_types: tuple[str, ...] = ("appeal",)
    """Types of events by which people object to an action."""
    report_types: tuple[str, ...] = ("report",)
    """Types of events by which people report others."""
    max_rows: Annotated[int, at_least(1_000)] = 5_000_000
    """So many events, and so many decisions, are kept at most; the oldest go first."""
    follow_events: bool = True
    """Whether events are followed too: without them there are no texts to look at, and no entities."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "console.")
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_name_claim and "openid" in self.oidc_scopes):
            raise ValueError(
                "`console.oidc_issuer` needs `console.oidc_client_id`, `console.oidc_name_claim`, and openid among "
                "`console.oidc_scopes`"
            )
        if bool(self.oidc_roles) != bool(self.oidc_roles_claim):
            raise ValueError("`console.oidc_roles` and `console.oidc_roles_claim` are set together")

    def oidc_client_secret(self) -> str:
        """What proves to the OpenID provider that it is us; empty where it asks for none. Raises SettingsError."""
        if not self.oidc_client_secret_file:
            return ""
        return read_secret(self.oidc_client_secret_file, "console.oidc_client_secret_file")

    def service_levels_ms(self) -> dict[str, int]:
        """Within which time a case of each source is to be answered."""
        return {source: hours * _HOUR_MS for source, hours in (ANSWER_WITHIN_H | self.answer_within_h).items()}
