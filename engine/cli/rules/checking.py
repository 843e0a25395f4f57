"""What `rules check`, `test` and `push` look at before anything else, and how they tell it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.table import Table

from engine.cli.output import Console, echo
from engine.core.domain.rules import Rulebook
from engine.errors import RulebookError
from engine.rulebook.checks.costs import Costs, estimate_costs
from engine.rulebook.compiler import check_rulebook, read_directory

_SOON_MS = 14 * 86_400_000


class Limits(NamedTuple):
    """What a rulebook may cost: microseconds for an event, bytes for an entity's record."""

    max_us: float
    max_bytes: int


def with_limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options `--max-us` and `--max-bytes`."""
    for option in (
        click.option("--max-us", default=1_000.0, show_default=True, help="Refuse rules that cost more for an event."),
        click.option("--max-bytes", default=131_072, show_default=True, help="Refuse to keep more of an entity."),
    ):
        command = option(command)
    return command


def checked(path: Path, limits: Limits, show_costs: bool = False) -> Rulebook | None:
    """The rulebook under a path, its findings and costs told; None when something is wrong with it."""
    try:
        rulebook, diagnostics = check_rulebook(read_directory(path))
    except RulebookError as error:
        echo(str(error))
        return None
    if diagnostics.findings:
        echo(diagnostics.report())
    errors, warnings = len(diagnostics.errors), len(diagnostics.findings) - len(diagnostics.errors)
    if rulebook is None:
        echo(f"{path}: {errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}")
        return None
    costs = estimate_costs(rulebook)
    if show_costs:
        _show(costs)
    if not _are_affordable(path, costs, limits):
        return None
    counts = f"{len(rulebook.rules)} rules, {len(rulebook.counters)} counters, {diagnostics.tests_run} tests passed"
    echo(f"{path}: ok: rulebook {rulebook.id}: {counts}")
    _tell_expiries(rulebook)
    return rulebook


def _are_affordable(path: Path, costs: Costs, limits: Limits) -> bool:
    dear = [f"{kind} events cost about {us:,.0f} µs" for kind, us in costs.event_us.items() if us > limits.max_us]
    large = [f"a {kind} keeps {size:,} bytes" for kind, size in costs.record_bytes.items() if size > limits.max_bytes]
    if dear:
        echo(f"{path}: error: {'; '.join(dear)}; at most {limits.max_us:,.0f} µs (--max-us)")
    if large:
        echo(f"{path}: error: {'; '.join(large)} when full; at most {limits.max_bytes:,} (--max-bytes)")
    if dear or large:
        echo("`floodgate rules check --costs` tells what is dear: sums, approximate counters, entities, `cap`s")
    return not (dear or large)


def _show(costs: Costs) -> None:
    console = Console()
    events = Table("event", "CPU, µs, about")
    for kind, us in sorted(costs.event_us.items(), key=lambda item: -item[1]):
        events.add_row(kind, f"{us:,.0f}")
    entities = Table("entity", "bytes, at most")
    for kind, size in sorted(costs.record_bytes.items(), key=lambda item: -item[1]):
        entities.add_row(kind, f"{size:,}")
    console.print(events, entities)
    if costs.waiting_bytes:
        outcomes = Table("outcome", "bytes of each event that waits, about")
        for name, size in sorted(costs.waiting_bytes.items(), key=lambda item: -item[1]):
            outcomes.add_row(name, f"{size:,}")
        console.print(outcomes)
    if costs.challenger_us:
        challengers = Table("challenger", "CPU, µs, of each event that its model scores, about")
        for name, us in sorted(costs.challenger_us.items()):
            challengers.add_row(name, f"{us:,.0f}")
        console.print(challengers)


def _tell_expiries(rulebook: Rulebook) -> None:
    now_ms = int(time.time() * 1_000)
    dated = [(rule.name, rule.expires_ms - now_ms) for rule in rulebook.rules if rule.expires_ms is not None]
    for state, names in (
        ("in shadow, as their day has come", [name for name, left_ms in dated if left_ms <= 0]),
        ("in shadow within two weeks", [name for name, left_ms in dated if 0 < left_ms <= _SOON_MS]),
    ):
        if names:
            echo(f"{state}: {', '.join(names)}; look at them, and give them another `expires`")
