"""Workers die by SIGKILL in mid-stream: no event is lost, none counts twice."""

from pathlib import Path

from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System, wait_until

FLOOD = RULEBOOKS / "flood"


def _assert_undisturbed(system: System, events: list[bytes]) -> None:
    oracle = Oracle(FLOOD, system.settings, events)
    assert {action["action_id"] for action in system.actions()} == oracle.action_ids
    assert system.users() == oracle.users


def test_a_worker_killed_in_mid_stream_and_restarted_changes_nothing(tmp_path: Path) -> None:
    events = random_events(24_000, seed=1)
    with System(tmp_path, batch_max_events=20, commit_interval_ms=100) as system:
        system.push_rules(FLOOD)
        system.publish(events)
        worker = system.start_worker("one")
        for left in (0.8, 0.4):
            system.wait_until_lag_below(int(len(events) * left))
            worker.kill()
            assert system.lag() > 0, "the kill came too late to prove anything"
            worker.restart()
        system.wait_until_decided()
        _assert_undisturbed(system, events)


def test_a_second_worker_that_joins_and_is_killed_changes_nothing(tmp_path: Path) -> None:
    events = random_events(24_000, seed=3)
    with System(tmp_path, batch_max_events=20) as system:
        system.push_rules(FLOOD)
        first = system.start_worker("one")
        wait_until(first.ready, "the first worker is ready")
        system.publish(events[:10_000])
        second = system.start_worker("two")
        wait_until(second.ready, "the second worker has joined")
        system.publish(events[10_000:])
        wait_until(lambda: second.metric("floodgate_events_total") > 0, "the second worker decides")
        assert system.lag() > 0, "the kill came too late to prove anything"
        second.kill()
        system.wait_until_decided()
        _assert_undisturbed(system, events)


def test_rebalances_in_quick_succession_on_empty_disks_change_nothing(tmp_path: Path) -> None:
    """Each new worker has to recover everything, and the next rebalance begins right after."""
    events = random_events(16_000, seed=5)
    step = len(events) // 4
    with System(tmp_path, batch_max_events=50) as system:
        system.push_rules(FLOOD)
        workers = [system.start_worker("worker-0")]
        wait_until(workers[0].ready, "the first worker is ready")
        for number in range(1, 4):
            system.publish(events[(number - 1) * step : number * step])
            workers.append(system.start_worker(f"worker-{number}"))
            wait_until(workers[-1].ready, f"worker {number} has joined")
            workers[-2].kill()
        system.publish(events[3 * step :])
        system.wait_until_decided()
        assert sum(worker.metric("floodgate_recovered_records_total") for worker in workers[-1:]) > 0
        _assert_undisturbed(system, events)
