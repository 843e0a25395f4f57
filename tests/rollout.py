"""`make rollout`: how soon a push, a canary, its promotion, a pause, a rollback are in use by two workers under load.

Timed from when the command is called, and from when it says that it is done, until the last worker uses it.
"""

import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.events import random_events
from tests.system import RULEBOOKS, System, wait_until

EVENTS_A_SECOND = 800
FLOOD = (RULEBOOKS / "flood" / "rules.yaml").read_text("utf-8")
EDIT = FLOOD.replace("spent_1d > 500", "spent_1d > 600")
STEPS = {
    "push": EDIT,
    "canary": EDIT.replace("mode: shadow", "mode: canary 20%"),
    "promotion": EDIT.replace("mode: shadow", "mode: enforce"),
}
_PUBLISHED = re.compile(r"published rulebook (\w+)")


class Load:
    """Events at a steady pace until it is stopped."""

    def __init__(self, system: System) -> None:
        self._system, self._stopped = system, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for second in range(600):
            began = time.monotonic()
            self._system.publish(random_events(EVENTS_A_SECOND, seed=second))
            if self._stopped.wait(max(0.0, 1 - (time.monotonic() - began))):
                return

    def stop(self) -> None:
        """And wait for its end."""
        self._stopped.set()
        self._thread.join()


def timed(system: System, in_use: Callable[[str], bool], *command: str) -> tuple[float, float]:
    """Seconds from the call of a command, and from its end, until what it says is in use."""
    called = time.monotonic()
    said = system.run(*command)
    done = time.monotonic()
    wait_until(lambda: in_use(said), f"in use: {command}")
    return time.monotonic() - called, time.monotonic() - done


def main() -> None:
    """Two workers, one rule."""
    table = Table("step", "from its call, s", "from its end, s", "events behind", title="until both workers use it")
    with tempfile.TemporaryDirectory() as directory, System(Path(directory), session_timeout_ms=10_000) as system:
        system.push_rules(RULEBOOKS / "flood")
        workers = [system.start_worker("one"), system.start_worker("two")]
        for worker in workers:
            wait_until(worker.ready, "it is ready")

        def published(said: str) -> bool:
            found = _PUBLISHED.search(said)
            return found is not None and all(worker.rulebook() == found[1] for worker in workers)

        def paused(count: int) -> bool:
            return all(worker.metric("floodgate_rules_paused") == count for worker in workers)

        def step(name: str, in_use: Callable[[str], bool], *command: str) -> None:
            times = timed(system, in_use, *command)
            table.add_row(name, *(f"{one:.2f}" for one in times), str(system.lag()))

        load = Load(system)
        try:
            for name, text in STEPS.items():
                path = Path(directory) / f"{name}.yaml"
                path.write_text(text)
                step(name, published, "rules", "push", str(path), "--max-newly", "100", "--yes")
            step("pause", lambda _: paused(1), "rules", "pause", "quiet_shadow")
            step("resume", lambda _: paused(0), "rules", "resume", "quiet_shadow")
            step("rollback", published, "rules", "rollback")
        finally:
            load.stop()
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
