"""What brokers answer while they cannot say yet: it passes, so they are asked again."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from kafka.errors import KafkaError, for_code

_Answer = TypeVar("_Answer")

_PASSES_WITHIN_S, _AGAIN_AFTER_S = 30.0, 0.2
"""A broker that has just taken something over reads what is known of it before it says anything."""


def until_it_passes(ask: Callable[[], _Answer]) -> _Answer:
    """What is answered. It is asked for again, for half a minute, while a group is being loaded or moves, a leader is
    being elected, or a connection is lost because a broker starts again; then raises what `ask` has raised last.

    `ask` makes a client of its own: those of kafka-python never forget where a group was (3.0.12, kafka/cluster.py,
    `get_coordinator`), and ask for nothing again (kafka/net/manager.py, `send`)."""
    until_s = time.monotonic() + _PASSES_WITHIN_S
    while True:
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > until_s:
                raise
        time.sleep(_AGAIN_AFTER_S)


def raise_if_unknown_yet(described: Iterable[Mapping[str, Any]]) -> None:
    """Raise what a broker says in the place of a topic: one that has not heard of it yet knows neither its id nor its
    partitions. `described`: as admin clients describe topics."""
    for topic in described:
        error = for_code(topic["error_code"])
        if getattr(error, "retriable", False):
            raise error(topic["name"])
