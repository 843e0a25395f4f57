"""The stage before `events`, from a real topic to a real topic."""

from pathlib import Path
from typing import Any

import orjson

from engine.dev.kafka.cluster import KafkaCluster
from tests.enriching import EnrichWorker, install, publish_raw
from tests.system import System, wait_until

ENRICHERS = {
    "length": {}, "hanging": {"limit_ms": 300}, "failing": {"limit_ms": 20_000},
    "heavy": {"limit_ms": 60_000, "turn_ms": 3_000, "at_once": 1},
}  # fmt: skip


def raw(number: int, user: str = "", **more: Any) -> dict[str, Any]:
    user = user or f"u{number % 20}"
    return {"event_id": f"e{number}", "type": "post", "user_id": user, "ts": 1_790_000_000_000 + number, **more}


def went_on(system: System) -> list[Any]:
    return system.read(system.settings.topics.events)


def test_what_is_found_is_added_and_what_is_missing_says_why(tmp_path: Path) -> None:
    with System(tmp_path, partitions=1, enrichment={"enrichers": ENRICHERS}) as system:
        worker = EnrichWorker(system, "enrich", install(tmp_path / "others"))
        try:
            events: list[dict[str, Any] | bytes] = [
                raw(0, text="hello"), raw(1, hangs=True), raw(2, fails=True), raw(3, spins=True, text="x"),
                raw(4, refused=True), raw(5, enriched={"length": {"characters": 0}}, media={"hashes": ["lie"]}),
                b"not json", b'{"event_id": "\\ud800", "text": "odd"}',
            ]  # fmt: skip
            publish_raw(system.settings, events, b"u")
            wait_until(lambda: len(went_on(system)) == len(events), "all went on")
            assert worker.stop() == 0, worker.log[-3000:]
        finally:
            worker.kill()
        found = [record.value for record in went_on(system)]
        documents: list[Any] = [orjson.loads(value) if value.startswith(b"{") else {} for value in found]
        enriched = [document.get("enriched") for document in documents]
        heavy = {"heavy": "u0"}
        assert enriched[0] == {"length": {"characters": 5}, "heavy": heavy}
        assert enriched[1]["missing"] == {"hanging": "timeout"}
        assert enriched[2]["missing"] == {"failing": "failed"}
        assert enriched[3] == {"length": {"characters": 1}, "missing": {"heavy": "timeout"}}
        assert enriched[4]["missing"] == {"heavy": "too_long"}
        assert enriched[5] == {"length": {"characters": 0}, "heavy": {"heavy": "u5"}}
        assert "media" not in documents[5]
        assert found[6] == b"not json"
        assert enriched[7]["length"] == {"characters": 3}
        assert [record.key for record in went_on(system)] == [b"u"] * len(events)


def kill_workers(system: System, tmp_path: Path, each: int) -> None:
    """Publish, kill and start again two workers in turn; everything goes on once, in order for each user."""
    others = install(tmp_path / "others")
    one, two = EnrichWorker(system, "one", others), EnrichWorker(system, "two", others)
    published = 0
    try:
        for kill in (one, two, one, two):
            publish_raw(system.settings, [raw(n, text="x" * (n % 50)) for n in range(published, published + each)])
            published += each
            goal = published - each * 4 // 5
            wait_until(lambda goal=goal: len(went_on(system)) > goal, "some went on")  # type: ignore[misc]
            kill.kill()
            kill.restart()
        wait_until(lambda: len(went_on(system)) >= published, "all went on")
    finally:
        one.kill()
        two.kill()
    by_user: dict[str, list[int]] = {}
    for record in went_on(system):
        event = orjson.loads(record.value)
        assert event["enriched"]["length"]["characters"] == len(event["text"])
        by_user.setdefault(event["user_id"], []).append(int(event["event_id"][1:]))
    assert by_user == {f"u{user}": list(range(user, published, 20)) for user in range(20)}


SMALL = {"enrichers": {"length": {}}, "batch_max_events": 7}


def test_a_worker_that_is_killed_loses_nothing_repeats_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    with System(tmp_path, partitions=2, enrichment=SMALL) as system:
        kill_workers(system, tmp_path, 1_500)


def test_the_same_on_apache_kafka(tmp_path: Path, kafka: KafkaCluster) -> None:
    with System(tmp_path, kafka.address, partitions=2, enrichment=SMALL, session_timeout_ms=6_000) as system:
        kill_workers(system, tmp_path, 800)


def test_who_stood_still_cannot_write_behind_its_successor(tmp_path: Path) -> None:
    with System(tmp_path, partitions=1, enrichment={"enrichers": {"hanging": {"limit_ms": 1_500}}}) as system:
        others = install(tmp_path / "others")
        one = EnrichWorker(system, "one", others)
        two = None
        try:
            wait_until(one.ready, "the first is ready")
            publish_raw(system.settings, [raw(n, "u", hangs=True) for n in range(50)])
            wait_until(lambda: one.metric("floodgate_batch_compute_seconds_count") > 0, "a batch is under way")
            one.pause()
            two = EnrichWorker(system, "two", others)
            wait_until(lambda: len(went_on(system)) == 50, "the second has done it")
            one.resume()
            publish_raw(system.settings, [raw(n, "u") for n in range(50, 60)])
            wait_until(lambda: len(went_on(system)) >= 60, "what came later went on")
            one.kill()
        finally:
            one.kill()
            if two is not None:
                two.kill()
        assert [orjson.loads(record.value)["event_id"] for record in went_on(system)] == [f"e{n}" for n in range(60)]
