"""Workers die while events travel between them: entities count each event once, and the same users are met."""

from pathlib import Path

import pytest

from tests.events import swarm_events
from tests.system import RULEBOOKS, Oracle, System

SWARM = RULEBOOKS / "swarm"


def _assert_undisturbed(system: System, events: list[bytes]) -> None:
    oracle = Oracle(SWARM, system.settings, events)
    actions = system.actions()
    assert {action["action_id"] for action in actions} == oracle.action_ids
    assert {action["rule"] for action in actions} == {"swarm", "network", "farm"}
    assert system.users() == oracle.users
    assert system.entities() == oracle.entities


def test_two_workers_give_what_one_engine_gives(tmp_path: Path) -> None:
    events = swarm_events(6_000, seed=4)
    with System(tmp_path) as system:
        system.push_rules(SWARM)
        workers = [system.start_worker(name) for name in ("one", "two")]
        system.wait_until_ready()
        system.publish(events)
        system.wait_until_decided()
        assert all(worker.metric("floodgate_hops_total") > 0 for worker in workers)
        _assert_undisturbed(system, events)


@pytest.mark.parametrize("seed", [1, 2])
def test_workers_killed_in_the_middle_of_a_swarm_change_nothing(tmp_path: Path, seed: int) -> None:
    events = swarm_events(16_000, seed=seed)
    with System(tmp_path, batch_max_events=20, commit_interval_ms=100) as system:
        system.push_rules(SWARM)
        workers = [system.start_worker(name) for name in ("one", "two")]
        system.wait_until_ready()
        system.publish(events)
        for victim, left in zip(workers, (0.75, 0.4), strict=True):
            system.wait_until_lag_below(int(len(events) * left))
            victim.kill()
            assert system.lag() > 0, "the kill came too late to prove anything"
            victim.restart()
        system.wait_until_decided()
        _assert_undisturbed(system, events)
