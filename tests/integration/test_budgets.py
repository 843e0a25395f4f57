"""A bad edit that was pushed by force stops by itself on live workers; a real surge does not."""

from pathlib import Path

import orjson

from engine.stream.control.rulebooks import read_versions
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
counters:
  posts_1h: {count: post, by: user_id, over: 1h}
rules:
  flood:
    event: post
    when: [posts_1h >= LIMIT]
    then: {limit: posting}
    budget: {max: 2%, per: 1h, if_exceeded: shadow unless before}
"""
USERS, PARTITIONS = 600, 4
MOST = PARTITIONS * 5 + 0.02 * USERS
"""Five of each partition in any case, and two of a hundred."""


def posts(first: int, each: int) -> list[bytes]:
    """Every user posts so often, within a minute."""
    made = [
        {"event_id": f"e{first}-{n}-{user}", "type": "post", "user_id": f"u{user}", "ts": START_MS + first * 1_000 + n}
        for n in range(each)
        for user in range(USERS)
    ]
    return [orjson.dumps(one) for one in made]


def push(system: System, directory: Path, limit: int) -> None:
    """By force, and wait until all workers have it."""
    (directory / "rules.yaml").write_text(RULES.replace("LIMIT", str(limit)))
    system.push_rules(directory / "rules.yaml")
    newest = read_versions(system.settings)[-1].id
    wait_until(lambda: {worker.rulebook() for worker in system.workers} <= {newest}, "all have it")


def limited(system: System) -> set[str]:
    return {action["user_id"] for action in system.actions()}


def test_a_bad_edit_stops_by_itself_and_a_surge_goes_on(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        push(system, tmp_path, 10)
        for name in ("one", "two"):
            wait_until(system.start_worker(name).ready, "it is ready")
        system.publish(posts(0, 1))
        system.wait_until_decided()
        push(system, tmp_path, 1)  # for 10
        system.publish(posts(1, 3))
        system.wait_until_decided()
        assert 0 < len(limited(system)) <= MOST

        push(system, tmp_path, 10)
        push(system, tmp_path, 9)  # a good edit, and then everybody floods
        system.publish(posts(2, 12))
        system.wait_until_decided()
        assert len(limited(system)) > 0.9 * USERS
