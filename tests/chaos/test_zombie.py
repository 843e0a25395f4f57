"""A worker that stood still while its partitions went to another must not write to them any more."""

from pathlib import Path

import pytest

from engine.dev.kafka.cluster import KafkaCluster
from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System, WorkerProcess, wait_until

FLOOD = RULEBOOKS / "flood"
EVENTS = 6_000


@pytest.fixture(params=["embedded", "kafka"])
def brokers(request: pytest.FixtureRequest) -> str | None:
    """Each kind of broker; None: an embedded one."""
    if request.param == "embedded":
        return None
    cluster: KafkaCluster = request.getfixturevalue("kafka")
    return cluster.address


def _wake_the_dead(system: System, faults: str) -> tuple[WorkerProcess, WorkerProcess]:
    """Everything is decided by a second worker while the first stands still, in mid-write; then it goes on."""
    system.push_rules(FLOOD)
    zombie = system.start_worker("zombie", faults=faults)
    wait_until(zombie.ready, "the first worker is ready")
    system.publish(random_events(EVENTS, seed=31))
    wait_until(zombie.is_stopped, "it stands still")
    successor = system.start_worker("successor")
    system.wait_until_decided()
    zombie.resume()
    return zombie, successor


@pytest.mark.parametrize("instant", ["stand_still", "renew_late"])
def test_what_a_paused_worker_still_writes_is_refused(tmp_path: Path, brokers: str | None, instant: str) -> None:
    with System(tmp_path, brokers, batch_max_events=20) as system:
        zombie, successor = _wake_the_dead(system, instant)
        assert zombie.wait_until_ended() != 0
        assert "ProducerFenced" in zombie.log
        assert "ProducerFenced" not in successor.log
        zombie.restart()
        wait_until(zombie.ready, "it has joined again")
        system.publish(random_events(EVENTS, seed=32))
        system.wait_until_decided()
        events = random_events(EVENTS, seed=31) + random_events(EVENTS, seed=32)
        oracle = Oracle(FLOOD, system.settings, events)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.users() == oracle.users


def test_without_the_fence_it_overwrites_newer_state(tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    with System(tmp_path, batch_max_events=20) as system:
        before = None

        def overwritten() -> bool:
            return before is not None and system.users() != before

        zombie, _ = _wake_the_dead(system, "no_fence,stand_still")
        before = Oracle(FLOOD, system.settings, random_events(EVENTS, seed=31)).users
        wait_until(overwritten, "the state is not what it should be")
        assert "ProducerFenced" not in zombie.log
