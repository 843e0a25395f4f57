"""Real topics, workers as processes: what comes out equals the offline engine's answer."""

from pathlib import Path

from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System, wait_until

FLOOD = RULEBOOKS / "flood"


def test_one_worker_gives_the_actions_and_the_state_of_the_offline_engine(tmp_path: Path) -> None:
    events = random_events(6_000)
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        system.start_worker("one")
        system.publish(events)
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert len(oracle.actions) > 100
        assert sorted(map(str, system.actions())) == sorted(map(str, oracle.actions))
        assert system.entities() == oracle.entities


def test_two_workers_share_the_partitions_and_give_the_same_answer(tmp_path: Path) -> None:
    events = random_events(6_000, seed=8)
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        workers = [system.start_worker("one"), system.start_worker("two")]
        for worker in workers:
            wait_until(worker.ready, f"{worker.name} is ready")
        system.publish(events)
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert all(worker.metric("floodgate_events_total") > 0 for worker in workers)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.entities() == oracle.entities
