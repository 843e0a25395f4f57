"""Random reference data: tables in files, and tables on topics whose rows come, change and go."""

import random
from typing import Any

from tests.property.differential.description import Field, Row, Sent, Table
from tests.property.differential.generation import START_MS, WORDS, WRONG

KEYS = {
    "device_id": ("d1", "d2", "d3"), "user_id": ("u1", "u2", "u3"), "title": ("red", "green", "Red", "d1"),
    "target_id": ("t1", "t2", "u1"),
}  # fmt: skip
COLUMNS = {
    "plan": Field("text", "plan"), "risk": Field("number", "risk.now"), "since": Field("duration", "since", "s"),
    "trusted": Field("bool", "trusted"),
}  # fmt: skip
VALUES: dict[str, tuple[Any, ...]] = {
    "plan": ("red", "d1", "u1", "green"), "risk": (0, 1, 2, 2.5, 5), "since": (0, 3, 5, 60), "trusted": (True, False),
}  # fmt: skip


def make_tables(rng: random.Random) -> dict[str, Table]:
    """One or two tables. The second one may be found by what the first one has."""
    made: dict[str, Table] = {}
    for number in range(rng.choice((1, 1, 2))):
        name, key = f"t{number}", rng.choice([*KEYS])
        keys: tuple[str, ...] = KEYS[key]
        if made and rng.random() < 0.5 and "plan" in made["t0"].columns:
            key, keys = "t0.plan", ("red", "green", "d1")
        columns = {one: COLUMNS[one] for one in COLUMNS if rng.random() < 0.7} or {"plan": COLUMNS["plan"]}
        is_file = "." not in key and rng.random() < 0.4
        rows = [Row(each, _document(rng, columns, is_file)) for each in keys if rng.random() < 0.8]
        if not is_file:
            later = sorted(rng.sample(range(0, 600_000, 5_000), rng.randint(0, 8)))
            rows = [row._replace(ts=rng.choice((0, START_MS, START_MS + 1_000))) for row in rows]
            rows += [
                Row(
                    rng.choice(keys),
                    _document(rng, columns, False) if rng.random() < 0.7 else None,
                    START_MS + 2_000 + at,
                )
                for at in later
            ]
        rows = rows or [Row(keys[0], _document(rng, columns, is_file))]
        made[name] = Table(key, columns, tuple(rows), is_file)
    return made


def _document(rng: random.Random, columns: dict[str, Field], is_right: bool) -> dict[str, Any]:
    """A row's columns; some are missing, and on a topic some are of another type."""
    document: dict[str, Any] = {}
    for name, column in columns.items():
        if rng.random() < 0.15:
            continue
        value = rng.choice(VALUES[name]) if is_right or rng.random() < 0.9 else rng.choice(WRONG)
        first, _, second = column.path.partition(".")
        document[first] = {second: value} if second else value
    return document


def with_lies(rng: random.Random, tables: dict[str, Table], stream: list[Sent]) -> list[Sent]:
    """The same events, some of which say themselves what is looked up."""
    lied = []
    for sent in stream:
        lies: dict[str, Any] = {}
        if rng.random() < 0.2:
            name = rng.choice([*tables])
            column = rng.choice([*tables[name].columns])
            value = rng.choice((*VALUES[column], *WORDS[:2]))
            lies = rng.choice(({f"{name}.{column}": value}, {name: {column: value}}))
        lied.append(sent._replace(document={**sent.document, **lies}))
    return lied
