"""Work that takes longer than a request: one at a time, in a process of its own, with its progress, and a way to stop
it."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

from engine.console.trying.processes import Child
from engine.errors import FloodgateError, RequestError
from engine.settings import Settings

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
MOST_KEPT = 20
_LONGEST_S = 1_800.0

Tell = Callable[[int, int, Mapping[str, Any]], None]
"""Is told how much is done, of how much, and what is known so far."""

Work = Callable[[Settings, Mapping[str, Any], Tell], Any]
"""What a job does with a task; what it returns can be pickled. A function of a module: a process can find it."""


@dataclass(slots=True)
class Job:
    """One run. `about`: what it tries, for people; `seen`: what is known before it is done; `result`: what it gave."""

    id: str
    kind: str
    about: Mapping[str, Any]
    author: str
    started_ms: int
    state: str = RUNNING
    done: int = 0
    total: int = 0
    seen: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    error: str = ""
    ended_ms: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.state == RUNNING


class Jobs:
    """Runs jobs, and keeps the last ones. `longest_s`: after which one is stopped."""

    def __init__(self, settings: Settings, longest_s: float = _LONGEST_S) -> None:
        self._settings, self._longest_s = settings, longest_s
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._child: Child | None = None
        self._watcher: threading.Thread | None = None

    def start(self, kind: str, work: Work, task: Mapping[str, Any], about: Mapping[str, Any], author: str) -> Job:
        """Start one. Raises RequestError while another runs."""
        with self._lock:
            running = next((job for job in self._jobs.values() if job.is_running), None)
            if running is not None:
                raise RequestError(f"{running.author} runs a {running.kind} right now: wait for it, or stop it", 409)
            job = Job(uuid4().hex[:12], kind, about, author, int(time.time() * 1000))
            self._jobs[job.id] = job
            for old in list(self._jobs)[:-MOST_KEPT]:
                del self._jobs[old]
            self._child = child = Child(_serve)
            self._watcher = threading.Thread(
                target=self._watch, args=(job, child, (work, self._settings, task)), daemon=True, name=kind
            )
            self._watcher.start()
        return job

    def get(self, identity: str) -> Job:
        """A job. Raises RequestError where it is not kept any more."""
        job = self._jobs.get(identity)
        if job is None:
            raise RequestError("this run is not kept any more: start it again", 404)
        return job

    def latest(self, kind: str) -> list[Job]:
        """Those of a kind, the newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.kind == kind]

    def cancel(self, identity: str) -> bool:
        """Stop a job; False: it was over before."""
        job = self.get(identity)
        with self._lock:
            if not job.is_running or self._child is None:
                return False
            self._end(job, CANCELLED)
            self._child.kill()
        return True

    def wait(self) -> None:
        """Until the last job that was started is over."""
        if self._watcher is not None:
            self._watcher.join()

    def close(self) -> None:
        """Stop what runs."""
        if self._child is not None:
            self._child.kill()
        self.wait()

    def _watch(self, job: Job, child: Child, asked: tuple[Work, Settings, Mapping[str, Any]]) -> None:
        until, ours = time.monotonic() + self._longest_s, child.connection
        try:
            ours.send(asked)
            while job.is_running:
                if not ours.poll(max(0.0, until - time.monotonic())):
                    self._finish(job, FAILED, error=f"it took longer than {self._longest_s:g} s: try less at once")
                    break
                what, value = ours.recv()
                if what == "seen":
                    job.done, job.total, job.seen = value
                elif what == "done":
                    self._finish(job, DONE, value)
                else:
                    self._finish(job, FAILED, error=value)
        except (EOFError, OSError):
            self._finish(job, FAILED, error="its process has ended: it took too much memory, or was killed")
        finally:
            child.kill()
            ours.close()

    def _finish(self, job: Job, state: str, result: Any = None, error: str = "") -> None:
        with self._lock:
            if job.is_running:
                self._end(job, state, result, error)

    @staticmethod
    def _end(job: Job, state: str, result: Any = None, error: str = "") -> None:
        job.result, job.error, job.ended_ms = result, error, int(time.time() * 1000)
        job.state = state


def _serve(connection: Connection) -> None:
    work, settings, task = connection.recv()
    try:
        result = work(settings, task, lambda done, total, seen: connection.send(("seen", (done, total, dict(seen)))))
    except FloodgateError as error:
        connection.send(("failed", str(error)))
    except Exception as error:  # whatever goes wrong with what somebody tries, they are told
        connection.send(("failed", f"it failed: {error!r}"))
    else:
        connection.send(("done", result))
