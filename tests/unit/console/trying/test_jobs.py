"""Jobs: one at a time, with progress, stopped on demand."""

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.console.trying.jobs import CANCELLED, DONE, FAILED, Jobs, Tell
from engine.errors import RequestError
from engine.settings import Settings


def count(settings: Settings, task: Mapping[str, Any], tell: Tell) -> Any:
    """Tell of each step, and return how many there were."""
    for step in range(task["steps"]):
        tell(step + 1, task["steps"], {"step": step})
    return task["steps"]


def refuse(settings: Settings, task: Mapping[str, Any], tell: Tell) -> Any:
    """What the engine says no to."""
    raise RequestError("there is nothing to try")


def vanish(settings: Settings, task: Mapping[str, Any], tell: Tell) -> Any:
    """End as if killed."""
    os._exit(9)


def wait_for_ever(settings: Settings, task: Mapping[str, Any], tell: Tell) -> Any:
    """Block on a pipe that nobody writes."""
    tell(1, 2, {})
    with Path(task["pipe"]).open("rb") as pipe:
        pipe.read()


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    """Without any yet."""
    made = Jobs(Settings())
    yield made
    made.close()


def test_a_job_tells_how_far_it_is_and_what_came_of_it(jobs: Jobs) -> None:
    job = jobs.start("count", count, {"steps": 3}, {"over": "steps"}, "ann")
    jobs.wait()
    assert (job.state, job.done, job.total, job.seen, job.result) == (DONE, 3, 3, {"step": 2}, 3)
    assert jobs.latest("count") == [job]
    assert jobs.get(job.id) is job


@pytest.mark.parametrize(("work", "said"), [(refuse, "nothing to try"), (vanish, "its process has ended")])
def test_a_job_that_fails_says_why(jobs: Jobs, work: Any, said: str) -> None:
    job = jobs.start("fail", work, {}, {}, "ann")
    jobs.wait()
    assert job.state == FAILED
    assert said in job.error


def test_one_runs_at_a_time_until_it_is_stopped(jobs: Jobs, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    job = jobs.start("wait", wait_for_ever, {"pipe": str(tmp_path / "pipe")}, {}, "ann")
    with pytest.raises(RequestError, match="ann runs a wait right now"):
        jobs.start("count", count, {"steps": 1}, {}, "bob")
    assert jobs.cancel(job.id)
    jobs.wait()
    assert job.state == CANCELLED
    assert not jobs.cancel(job.id)
    again = jobs.start("count", count, {"steps": 1}, {}, "bob")
    jobs.wait()
    assert again.state == DONE


def test_one_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    jobs = Jobs(Settings(), longest_s=0.0)
    job = jobs.start("wait", wait_for_ever, {"pipe": str(tmp_path / "pipe")}, {}, "ann")
    jobs.wait()
    assert "took longer" in job.error
    with pytest.raises(RequestError):
        jobs.get("other")


def test_closing_stops_what_runs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    jobs = Jobs(Settings())
    job = jobs.start("wait", wait_for_ever, {"pipe": str(tmp_path / "pipe")}, {}, "ann")
    closing = threading.Thread(target=jobs.close)
    closing.start()
    closing.join()
    assert job.state == FAILED
