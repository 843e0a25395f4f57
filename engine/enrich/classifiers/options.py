"""What a declaration of the enricher `http` says."""

from ipaddress import ip_network
from typing import Annotated, Any

import msgspec
from yarl import URL

from engine.limits import at_least, between, check_limits, matching


class AnswerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where something stands in an answer, as a dotted path (`choices.0.text`); `one_of`: what it may be, where that is
    known."""

    at: str
    one_of: tuple[str | float | bool, ...] = ()


class BatchOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several events in one request. `most`: so many; `wait_ms`: so long the first of them waits for others;
    `answers_at`: where the list of their answers stands in the answer, if that is not the list itself."""

    most: Annotated[int, between(2, 256)] = 16
    wait_ms: Annotated[int, between(1, 1_000)] = 20
    answers_at: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "batch.")


class BudgetOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many events of one hour are asked about. `per_user_hour`: of one user, by default a twentieth of all: who
    floods uses up their own share."""

    per_hour: Annotated[int, at_least(1)]
    per_user_hour: Annotated[int, between(0, 65_535)] = 0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "budget.")


class BreakerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After so many `failures` in a row the service is asked about the `example`; if that fails too, it is left alone,
    and asked about the example every so many `seconds` until it answers."""

    failures: Annotated[int, at_least(1)] = 5
    seconds: Annotated[int, between(1, 3_600)] = 10

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "breaker.")


class HttpOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One classifier. `docs/operators/enrich.md` says what each of these means."""

    url: Annotated[str, matching(r"https?://[^\s@]+", "is an address that begins with https:// or http://")]
    send: dict[str, str] = {}
    send_all: bool = False
    request: Any = None
    prompt_file: str = ""
    answers: dict[str, str | AnswerOptions] = {}
    answer_json: str = ""
    only: str = ""
    fields: dict[str, Any] = {}
    budget: BudgetOptions | None = None
    batch: BatchOptions | None = None
    breaker: BreakerOptions = BreakerOptions()
    example: dict[str, Any] = {}
    retries: Annotated[int, between(0, 5)] = 1
    allow_networks: tuple[str, ...] = ()
    ca_file: str = ""
    secret_file: str = ""
    secret_header: Annotated[str, matching(r"[A-Za-z0-9-]+", "is the name of a header")] = "Authorization"
    max_text_chars: Annotated[int, between(10, 1_000_000)] = 10_000
    max_sent_bytes: Annotated[int, between(100, 8 << 20)] = 262_144
    max_answer_bytes: Annotated[int, between(100, 8 << 20)] = 65_536

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self)
        if not URL(self.url).host:
            raise ValueError(f"`url` names no host: {self.url!r}")
        if bool(self.send) == self.send_all:
            raise ValueError("it needs `send`, the fields that are sent, or `send_all: true`, not both")
        for network in self.allow_networks:
            ip_network(network)


def read_options(options: dict[str, Any]) -> HttpOptions:
    """The options of a declaration. Raises ValueError, which says what is wrong with them."""
    try:
        return msgspec.convert(options, HttpOptions, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
