"""Names of kinds of entities: `url_domain`, `target_id+user_id`, `pair:target_id+user_id`.

An event may visit entities of one kind in several steps, each with a name of its own: where it is counted, where it
only reads ("target_id|user_id": what is counted by `target_id`, of the one whom `user_id` names), and where rules rest
("~target_id"). The first two are about the same records.
"""

from collections.abc import Iterable

RESTING = "~"
"""What the kinds begin with at whose entities nothing is counted, and rules rest: they are visited last."""

READING = "|"
"""Stands before the fields that name the entity at which an event reads and is not counted."""

PAIR = "pair:"
"""What the kinds of pairs without an order begin with."""


def reading_kind(by: str, read_by: str | None) -> str:
    """The step at which counters by a kind are read, by the fields that name their entity there."""
    return by if read_by is None else f"{by}{READING}{read_by}"


def is_reading(kind: str) -> bool:
    """Whether an event that visits this kind only reads."""
    return READING in kind


def is_pair(kind: str) -> bool:
    """Whether the fields of this kind are in no order."""
    return kind.removeprefix(RESTING).startswith(PAIR)


def stored_kind(kind: str) -> str:
    """The kind under which the records are kept that a step is about."""
    return kind.partition(READING)[0]


def parts_of(kind: str) -> list[str]:
    """The fields that name an entity at a step."""
    return kind.rpartition(READING)[2].removeprefix(RESTING).removeprefix(PAIR).split("+")


def in_order(kinds: Iterable[str]) -> list[str]:
    """The kinds as all events visit them: what is counted at a record comes before what is read of it, and both before
    what is kept of another kind."""
    return sorted(kinds, key=lambda kind: kind.partition(READING))


def described(kind: str) -> str:
    """For people: "target_id, read by user_id"."""
    by, reads, read_by = kind.partition(READING)
    return f"{by}, read by {read_by}" if reads else by
