"""The demonstration: everything on this machine, traffic through it, and what comes out."""

import select
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.live import Live

from engine.dev.observer import Observation, Observer
from engine.dev.system import LocalSystem
from engine.dev.view import Progress, render
from engine.stream.admin.publishing import Publisher
from engine.stream.offline.arrivals import Arrival

T = TypeVar("T")
_REFRESH_MS = 400
_LINE_EVERY_S = 5.0
_SETTLE_TIMEOUT_S = 60.0
"""So long something may be left to do and nothing happens."""
_STILL_S = 2.5
"""So long nothing has to happen when nothing is left: workers tell every two seconds how far behind they are."""
_DECIDE_S = 10


@dataclass(slots=True)
class Traffic:
    """Arrivals to publish, and how many events a second."""

    arrivals: Iterable[Arrival]
    total: int
    events_per_second: float


@dataclass(frozen=True, slots=True)
class Stage:
    """On what the demonstration runs. `console_for_s`: so long the web console stays up at the end; None: until
    somebody at the terminal has seen enough, and without one not at all; `enrichment`: of a stage before `events`."""

    workers: int = 1
    kafka: bool = False
    console_for_s: float | None = None
    enrichment: Mapping[str, Any] | None = None


def run_demo(
    rules: Path, traffic: Traffic, stage: Stage, console: Console, tell: Callable[[Observation], T]
) -> T:  # fmt: skip
    """Start a system, send the traffic through it, show what happens, `tell` what was seen, keep the web console up for
    a while, and return what was told."""
    console.print(f"starting {'Apache Kafka' if stage.kafka else 'the embedded broker'} and a worker …")
    with LocalSystem(rules, stage.workers, stage.kafka, with_console=True, enrichment=stage.enrichment) as system:
        console.print(f"rulebook {system.rulebook_id} in use; sending {traffic.total} events and labels")
        tell_console(console, system)
        observer, feeder = Observer(system), _Feeder(system, traffic)
        feeder.start()
        try:
            seen = _watch(observer, feeder, traffic, console)
            told = tell(seen)
            tell_console(console, system)
            _stay(console, stage.console_for_s)
            return told
        finally:
            feeder.stop()
            observer.close()


def tell_console(console: Console, system: LocalSystem) -> None:
    """Say where the web console is, and how to sign in there."""
    if system.console is not None:
        name, password = system.console.NAME, system.console.password
        console.print(f"the console: {system.console.address} (name {name}, password {password})", soft_wrap=True)


def _stay(console: Console, for_s: float | None) -> None:
    """Keep everything up for so long; without a time, as long as somebody at the terminal wants."""
    if for_s is not None:
        console.print(f"the console stays up for {for_s:g} s")
        time.sleep(for_s)
    elif sys.stdin.isatty() and console.is_terminal:
        console.print(f"to look around in the console, press Enter within {_DECIDE_S} s")
        if select.select([sys.stdin], [], [], _DECIDE_S)[0]:
            sys.stdin.readline()
            console.input("everything stays up until you press Enter once more ")


def _watch(observer: Observer, feeder: "_Feeder", traffic: Traffic, console: Console) -> Observation:
    progress = Progress(traffic.total)
    next_line, before, moved_at, busy_at = 0.0, (-1, -1, -1), 0.0, 0.0
    live = Live(console=console, auto_refresh=False) if console.is_terminal else None
    if live is not None:
        live.start()
    try:
        while True:
            seen = observer.update(_REFRESH_MS)
            progress.note(feeder.events, feeder.labels, seen.decided + seen.dead_letters)
            if live is not None:
                live.update(render(seen, progress), refresh=True)
            elif time.monotonic() >= next_line:
                console.print(progress.line(seen))
                next_line = time.monotonic() + _LINE_EVERY_S
            now, standing = time.monotonic(), (seen.decided, seen.learned, len(seen.actions))
            if feeder.is_alive() or standing != before:
                moved_at, before = now, standing
            if moved_at == now or progress.lag > 0 or seen.behind:
                busy_at = now
            if not feeder.is_alive():
                feeder.raise_failure()
                if now - busy_at > _STILL_S or now - moved_at > _SETTLE_TIMEOUT_S:
                    return observer.update(2 * _REFRESH_MS)
    finally:
        if live is not None:
            live.stop()


class _Feeder(threading.Thread):
    """Publishes the traffic at its rate, beside the view."""

    def __init__(self, system: LocalSystem, traffic: Traffic) -> None:
        super().__init__(daemon=True)
        self.events = 0
        self.labels = 0
        self._system, self._traffic = system, traffic
        self._stopping = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        """Publish until the end, or until told to stop."""
        try:
            settings = self._system.settings
            topic = settings.topics.raw_events if settings.enrichment.is_used else settings.topics.events
            with Publisher(settings, topic) as publisher:
                self._publish(publisher, time.monotonic)
        except Exception as error:  # told by the thread that watches
            self._failure = error

    def _publish(self, publisher: Publisher, clock: Callable[[], float]) -> None:
        started = clock()
        for arrival in self._traffic.arrivals:
            ahead_s = self.events / self._traffic.events_per_second - (clock() - started)
            if ahead_s > 0.02:
                publisher.flush()
                self._stopping.wait(ahead_s)
            if self._stopping.is_set():
                return
            if arrival.kind == "event":
                publisher.event(arrival.value, remember=True)
                self.events += 1
            else:
                publisher.label(arrival.value)
                self.labels += 1

    def stop(self) -> None:
        """Stop publishing."""
        self._stopping.set()
        self.join(timeout=10)

    def raise_failure(self) -> None:
        """Raise what ended the thread, if it was an error."""
        if self._failure is not None:
            raise self._failure
