"""The brokers go away: the worker says so soon, says it seldom, and stops when it is told to."""

from pathlib import Path

from engine.stream.worker.health import _ANSWER_S
from tests.system import RULEBOOKS, System, wait_until

MOST_LINES = 400


def test_a_worker_whose_brokers_are_away_is_not_ready_and_stops_when_told(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(RULEBOOKS / "flood")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        wait_until(lambda: worker.metric("floodgate_ready") == 1, "its metric says so, without being asked")
        progress = worker.metric("floodgate_last_progress_timestamp_seconds")
        wait_until(lambda: worker.metric("floodgate_last_progress_timestamp_seconds") > progress, "idle is no stall")
        assert worker.metric("floodgate_build_info") == 1

        lines = len(worker.log.splitlines())
        system.stop_broker()
        wait_until(lambda: not worker.ready(), "it is not ready")
        assert worker.waiting_for() == ["brokers"]
        wait_until(lambda: worker.metric("floodgate_ready") == 0, "its metric says so")
        contact = worker.metric("floodgate_last_contact_timestamp_seconds")
        wait_until(lambda: "the brokers do not answer" in worker.log, "its log says so")
        assert worker.metric("floodgate_last_contact_timestamp_seconds") == contact
        # Behind the last answer there is at most one more look, which waits so long for another.
        assert worker.metric("floodgate_last_progress_timestamp_seconds") < contact + _ANSWER_S
        assert len(worker.log.splitlines()) - lines < MOST_LINES
        assert worker.stop() in (0, 1)
