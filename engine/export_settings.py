"""Settings of `floodgate export`."""

from typing import Annotated, Literal

import msgspec

from engine.limits import PORT, Limit, at_least, between, check_limits

ExportedTopic = Literal["decisions", "actions", "labels"]


class ExportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of the topics as Parquet."""

    to: str = ""
    """Where tables go: a directory, or a URL that fsspec knows, such as s3://bucket/floodgate."""
    tables: Annotated[tuple[ExportedTopic, ...], Limit(bool, "are at least one of decisions, actions, labels")] = (
        "decisions",
        "actions",
        "labels",
    )
    """Which topics."""
    every_s: Annotated[float, Limit(lambda value: value > 0, "is above 0")] = 600.0
    """So long a message may wait for others of its partition and hour before they become a file."""
    most_rows: Annotated[int, between(1, 1_000_000)] = 50_000
    """So many of them make a file before that."""
    most_bytes: Annotated[int, at_least(1_000)] = 64 << 20
    """So many bytes of messages, of all partitions together, are held in memory."""
    host: str = "127.0.0.1"
    """The address that metrics and health are on. Loopback unless told otherwise: there is no authentication."""
    port: Annotated[int, PORT] = 6091

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "export.")
