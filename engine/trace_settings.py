"""Whether workers tell of single events, and to whom: OpenTelemetry traces."""

import re
from typing import Annotated

import msgspec

from engine.limits import SHARE, Limit, at_least, check_limits

_ENDPOINT = re.compile(r"(https?://[^\s/]+(/\S*)?)?")


class TraceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where spans go, and of which events. Without `endpoint` there are none, and they cost nothing."""

    endpoint: Annotated[str, Limit(lambda url: bool(_ENDPOINT.fullmatch(url)), "is an http(s) address")] = ""
    """Where a collector takes OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces."""
    share: Annotated[float, SHARE] = 0.001
    """The share of events that are told of, by a hash of their ids: on every worker the same ones."""
    max_per_second: Annotated[int, at_least(1)] = 10
    """What a worker begins to tell of at most, whatever the share comes to."""
    trusts_events: bool = False
    """Whether an event's header `traceparent` is believed: who can set it chooses what is told of."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "traces.")

    @property
    def are_asked_for(self) -> bool:
        """Whether anything is told."""
        return bool(self.endpoint)
