"""What a person sees while the system runs: a live page in the terminal, or a line now and then."""

import time
from collections import deque
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.dev.observer import Observation

_RATE_WINDOW_S = 3.0


class Progress:
    """How far the traffic has got, and how fast it is decided."""

    def __init__(self, total: int) -> None:
        self.total, self.events, self.labels, self.done = total, 0, 0, 0
        self._started = time.monotonic()
        self._history: deque[tuple[float, int]] = deque()

    def note(self, events: int, labels: int, done: int) -> None:
        """The newest counts."""
        self.events, self.labels, self.done = events, labels, done
        now = time.monotonic()
        self._history.append((now, done))
        while now - self._history[0][0] > _RATE_WINDOW_S:
            self._history.popleft()

    @property
    def lag(self) -> int:
        """Events published and not yet decided."""
        return max(0, self.events - self.done)

    @property
    def rate(self) -> float:
        """Events decided per second, lately."""
        (then, before), (now, after) = self._history[0], self._history[-1]
        return (after - before) / (now - then) if now > then else 0.0

    def line(self, seen: Observation) -> str:
        """One line, for logs."""
        auc = f"{seen.model_auc:.3f}" if seen.model_auc is not None else "-"
        return (
            f"{time.monotonic() - self._started:5.0f} s  {self.events + self.labels}/{self.total} sent  "
            f"{self.rate:6.0f} decided/s  {self.lag:5} waiting  {len(seen.actions):5} actions  "
            f"{seen.learned:4} labels learned  model AUC {auc}"
        )


def render(seen: Observation, progress: Progress) -> RenderableType:
    """The live page."""
    head = Table.grid(padding=(0, 3))
    auc = f"{seen.model_auc:.3f}" if seen.model_auc is not None else "learning"
    head.add_row(
        Text(f"{progress.rate:,.0f} decided/s", style="bold cyan"),
        Text(f"{progress.lag:,} waiting", style="bold yellow" if progress.lag > 2_000 else "green"),
        Text(f"{progress.done:,} decided"),
        Text(f"{len(seen.actions):,} actions", style="bold red"),
        Text(f"{seen.learned} labels learned, model AUC {auc}", style="magenta"),
        Text(f"{seen.dead_letters} dead letters"),
    )
    rules = Table("rule", "actions", "", expand=True, title="actions by rule", title_justify="left")
    most = max(seen.by_rule.values(), default=1)
    for rule, count in seen.by_rule.most_common(8):
        rules.add_row(rule, str(count), ProgressBar(total=most, completed=count, width=30))
    for rule, count in seen.shadow.most_common(2):
        rules.add_row(f"{rule} (shadow)", str(count), "", style="dim")
    last = Table("time", "user", "action", "why", expand=True, title="last decisions", title_justify="left")
    for action in reversed(seen.recent):
        when = datetime.fromtimestamp(action["ts"] / 1000, UTC).strftime("%H:%M:%S")
        last.add_row(when, action["user_id"], f"{action['kind']} ({action['rule']})", action["explanation"])
    bar = ProgressBar(total=progress.total, completed=progress.events + progress.labels)
    return Panel(Group(head, bar, rules, last), title="Floodgate", border_style="cyan")
