"""Who shares what with whom: users on one side, entities on the other, grown from what somebody has opened."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from engine.console.store.histories import entities_of, users_of

MOST_NODES = 300
_NEIGHBOURS = 30
_USER = "user_id"

Entity = tuple[str, str]


def grow(connection: Connection, opened: Sequence[Entity]) -> dict[str, Any]:
    """Nodes and edges around the opened users and entities, for the page that draws them. `is_cut`: there are more."""
    labels: dict[Entity, str] = dict.fromkeys(opened, "")
    edges: dict[tuple[Entity, Entity], dict[str, Any]] = {}
    is_cut = False
    for entity in opened:
        neighbours = _neighbours(connection, entity)
        is_cut |= len(neighbours) > _NEIGHBOURS
        for neighbour, times, ts in neighbours[:_NEIGHBOURS]:
            if len(labels) >= MOST_NODES and neighbour not in labels:
                is_cut = True
                continue
            labels.setdefault(neighbour, "")
            user, other = (entity, neighbour) if entity[0] == _USER else (neighbour, entity)
            edges[user, other] = {"times": times, "ts": ts}
    return {
        "nodes": [{"id": _name(entity), "label": entity[1], "kind": entity[0]} for entity in labels],
        "edges": [
            {"source": _name(user), "target": _name(other), "label": f"{seen['times']} times", "ts": seen["ts"]}
            for (user, other), seen in edges.items()
        ],
        "is_cut": is_cut,
    }


def _neighbours(connection: Connection, entity: Entity) -> list[tuple[Entity, int, int]]:
    kind, value = entity
    if kind == _USER:
        return [((row.kind, row.value), row.times, row.ts) for row in entities_of(connection, value)]
    rows = users_of(connection, kind, value, _NEIGHBOURS + 1)
    return [((_USER, row.user_id), row.times, row.ts) for row in rows]


def _name(entity: Entity) -> str:
    return ":".join(entity)
