"""Workers that keep their names: what one had waits for nobody's session to end. A session is longer here than any
test waits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.dev.kafka.cluster import KafkaCluster
from tests.events import random_events
from tests.system import RULEBOOKS, System, WorkerProcess, wait_until

FLOOD = RULEBOOKS / "flood"
EVENTS = 2_000
SESSION_MS = 240_000


@pytest.fixture(params=["embedded", "kafka"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    """One on each kind of broker."""
    cluster: KafkaCluster | None = request.getfixturevalue("kafka") if request.param == "kafka" else None
    with System(tmp_path, cluster.address if cluster else None, session_timeout_ms=SESSION_MS, partitions=2) as made:
        made.push_rules(FLOOD)
        yield made


def both_ready(system: System) -> list[WorkerProcess]:
    """Two workers, each with its share."""
    workers = [system.start_worker(name, instance_id=name) for name in ("one", "two")]
    system.wait_until_ready()
    wait_until(lambda: all(worker.metric("floodgate_lag") == 0 for worker in workers), "both have a share")
    return workers


def test_a_killed_worker_gets_its_partitions_back_when_it_is_started_again(system: System) -> None:
    killed, _ = both_ready(system)
    killed.kill()
    system.publish(random_events(EVENTS, seed=41))
    killed.restart()
    system.wait_until_decided()


def test_one_that_is_told_to_stop_leaves_its_partitions_to_others(system: System) -> None:
    stopped, _ = both_ready(system)
    stopped.stop()
    system.publish(random_events(EVENTS, seed=42))
    system.wait_until_decided()


def test_of_two_with_the_same_name_one_ends_and_says_why(system: System) -> None:
    first, _ = both_ready(system)
    other = system.start_worker("other", instance_id="one")
    wait_until(lambda: first.has_ended() or other.has_ended(), "one has ended")
    ended = first if first.has_ended() else other
    assert ended.wait_until_ended() != 0
    assert "another worker has the same `instance_id`, one" in ended.reason
