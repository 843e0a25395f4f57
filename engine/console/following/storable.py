"""What a database can keep of what strangers have written: one row that it refuses would stop all that come later."""

from functools import cache
from typing import Any

from sqlalchemy import Table, Text

MAX_INDEXED_BYTES = 2_600
"""PostgreSQL refuses entries of an index above 2,704 bytes. The longest ids of an event fit, as a case's key too."""

_BOUND = 1 << 63


def make_storable(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row with texts that databases take: halves of surrogate pairs and NUL are replaced. Raises ValueError where a
    number has more than 64 bits, or an index cannot have what it names."""
    for name, value in row.items():
        if type(value) is str and not value.isprintable():
            row[name] = value.encode("utf-8", "replace").decode().replace("\0", "?")
        elif type(value) is int and not -_BOUND <= value < _BOUND:
            raise ValueError(f"{name} has more than 64 bits")
    for names in _indexed(table):
        if sum(len((row.get(name) or "").encode()) for name in names) > MAX_INDEXED_BYTES:
            raise ValueError(f"{', '.join(names)} of {table.name}: too long for an index")
    return row


@cache
def _indexed(table: Table) -> tuple[tuple[str, ...], ...]:
    """The texts that each index of a table has."""
    indexes = [tuple(index.columns) for index in table.indexes]
    indexes += [tuple(constraint.columns) for constraint in table.constraints if hasattr(constraint, "columns")]
    texts = (tuple(column.name for column in columns if isinstance(column.type, Text)) for columns in indexes)
    return tuple(names for names in texts if names)
