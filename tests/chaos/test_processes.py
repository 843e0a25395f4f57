"""`floodgate worker --processes 2`: both decide, one that is killed comes back, and none outlives the supervisor."""

from pathlib import Path

import psutil

from engine.dev.pages import metric_sum, read_page
from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System, WorkerProcess, wait_until

FLOOD = RULEBOOKS / "flood"
EVENTS = 20_000


def processes_of(supervisor: WorkerProcess) -> list[psutil.Process]:
    """Its workers, in the order of their numbers."""
    children = psutil.Process(supervisor.pid).children()
    return sorted(children, key=lambda child: int(child.cmdline()[-1]))


def decided_by(supervisor: WorkerProcess) -> list[float]:
    """Events decided, as each worker says on its own page."""
    pages = [read_page(supervisor.port + number, "/metrics") for number in (1, 2)]
    return [metric_sum(page, "floodgate_events_total") for page in pages]


def test_one_that_is_killed_comes_back_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    events = random_events(EVENTS, seed=71)
    with System(tmp_path, batch_max_events=20, commit_interval_ms=100) as system:
        system.push_rules(FLOOD)
        supervisor = system.start_worker("both", instance_id="host", processes=2)
        wait_until(supervisor.ready, "both are ready")
        first, second = processes_of(supervisor)
        system.publish(events)
        wait_until(lambda: all(decided_by(supervisor)), "both decide")
        before = supervisor.metric("floodgate_events_total")
        second.kill()
        assert system.lag() > 0, "the kill came too late to prove anything"
        system.wait_until_decided()
        wait_until(supervisor.ready, "both are ready again")

        assert supervisor.metric("floodgate_process_starts_total") == 3
        assert supervisor.metric("floodgate_events_total") >= before, "the sum of the counters has fallen"
        assert processes_of(supervisor)[0] == first
        oracle = Oracle(FLOOD, system.settings, events)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.users() == oracle.users
        assert {path.name for path in (tmp_path / "both").iterdir()} == {"1", "2"}
        assert all(f'"worker_process": {number}' in supervisor.log for number in (1, 2))
        assert supervisor.stop() == 0


def test_each_is_told_by_the_status_and_none_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        supervisor = system.start_worker("both", processes=2)
        wait_until(supervisor.ready, "both are ready")
        told = system.run("status")
        assert all(f"127.0.0.1:{supervisor.port + number} " in told for number in (1, 2))
        workers = processes_of(supervisor)
        supervisor.kill()
        _, alive = psutil.wait_procs(workers, timeout=60)
        assert not alive
