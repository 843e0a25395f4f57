"""The summary as pictures: who costs what, and how cost grows."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend that needs no screen

_OURS, _THEIRS = "#1f6f8b", "#b8b8b8"
_AXES = ("users", "rules", "counters", "text characters", "skew", "hops")


def draw(summary: dict[str, Any], directory: Path) -> list[Path]:
    """Write the pictures of what the summary has; returns where they are."""
    drawn = []
    if "cpu_us_per_event" in summary:
        drawn.append(_contest(summary["cpu_us_per_event"], directory / "contest.png"))
    growth = {axis: summary["growth"][axis] for axis in _AXES if axis in summary.get("growth", {})}
    if growth:
        drawn.append(_growth(growth, directory / "growth.png"))
    return drawn


def _contest(costs: dict[str, float], path: Path) -> Path:
    names = sorted(costs, key=lambda name: -costs[name])
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.2))
    bars = axes.barh(
        names,
        [costs[name] for name in names],
        color=[_OURS if name.startswith("engine") else _THEIRS for name in names],
    )
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_xscale("log")
    axes.set_xlim(1, 3 * max(costs.values()))
    axes.set_xlabel("CPU µs per event (log scale)")
    axes.set_title("The same work on one machine")
    return _save(figure, path)


def _growth(growth: dict[str, dict[str, float]], path: Path) -> Path:
    figure, grid = plt.subplots(2, 3, figsize=(12, 6.5))
    for axes, (name, costs) in zip(grid.flat, growth.items(), strict=False):
        labels = [label.split(",")[0] if label.endswith("entity") is False else "1 hot" for label in costs]
        bars = axes.bar(labels, list(costs.values()), color=_OURS)
        axes.bar_label(bars, fmt="%.0f")
        axes.set_title(name)
        axes.set_ylabel("CPU µs per event")
        axes.margins(y=0.15)
    for axes in list(grid.flat)[len(growth) :]:
        axes.set_visible(False)
    figure.suptitle("How the cost of an event grows")
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path
