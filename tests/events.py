"""Seeded event streams for tests."""

import random
from typing import Any

import msgspec
import orjson

from engine.core.evaluation.routing import NOWHERE, RoutedEvent

START_MS = 1_760_000_000_000


def random_events(count: int, users: int = 40, seed: int = 7) -> list[bytes]:
    """A busy stream: late and repeated events, a few users who flood."""
    rng = random.Random(seed)
    made: list[bytes] = []
    for index in range(count):
        late_ms = rng.randrange(60_000) if rng.random() < 0.05 else 0
        user = int(users * rng.random() ** 2)
        event: dict[str, Any] = {
            "event_id": f"e{index}",
            "type": rng.choice(["post", "message", "payment", "like"]),
            "user_id": f"user-{user}",
            "ts": START_MS + index * 250 - late_ms,
            "target_id": f"t{rng.randrange(60)}",
            "links": int(rng.random() < 0.1),
            "amount": rng.randrange(1, 40),
            "verified": user % 5 == 0,
            "author": {"account_age_days": user % 20},
            "text": "hello there",
        }
        made.append(orjson.dumps(event))
        if rng.random() < 0.01:
            made.append(made[-1])
    return made


def swarm_events(count: int, seed: int = 7) -> list[bytes]:
    """Many accounts, few domains, networks and devices: entities that no user owns."""
    rng = random.Random(seed)
    made: list[bytes] = []
    for index in range(count):
        late_ms = rng.randrange(60_000) if rng.random() < 0.05 else 0
        user = rng.randrange(600)
        domain = rng.choice(["youtube.com", f"site{rng.randrange(60)}.example"])
        if rng.random() < 0.1:
            domain = f"spam{rng.randrange(3)}.example"
        event: dict[str, Any] = {
            "event_id": f"s{index}",
            "type": rng.choice(["post", "comment"]),
            "user_id": f"user-{user}",
            "ts": START_MS + index * 400 - late_ms,
            "target_id": f"t{rng.randrange(40)}",
            "ip": f"10.0.{rng.randrange(90)}.{rng.randrange(200)}",
            "device_id": f"d{user // 5 if user < 560 else 1000 + user % 3}",
            "author": {"account_age_days": user % 14},
            "text": f"have a look at https://{domain}/{index}",
        }
        made.append(orjson.dumps(event))
        if rng.random() < 0.01:
            made.append(made[-1])
    return made


def routed_event(**changes: Any) -> RoutedEvent:
    """An event on its way to its first entity."""
    routed = RoutedEvent(
        NOWHERE, "e", "post", "ann", START_MS, 0, {}, [("device_id", "d")], {}, {}, False, {}, (), [], {}, {}, 0
    )
    return msgspec.structs.replace(routed, **changes)
