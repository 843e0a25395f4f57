"""`floodgate status`."""

import sys
from collections import defaultdict

import click
from rich.table import Table
from rich.text import Text

from engine.cli.options import with_settings
from engine.cli.output import Console
from engine.settings import Settings
from engine.stream.standing import Standing, standing_of

_MANY = 10_000
_NOBODY = "nobody"


@click.command("status")
@with_settings
def command(settings: Settings) -> None:
    """Show who owns which partitions, how far behind they are, and which rulebook and models were published last.

    Exit code 1 when a partition has no worker.
    """
    console = Console()
    standing = standing_of(settings)
    _tell_partitions(console, standing)
    if standing.rulebook is None:
        console.print("no rulebook: publish one with `floodgate rules push`", style="yellow")
    else:
        identity, author, note = standing.rulebook
        console.print(f"rulebook {identity}, pushed by {author or 'someone'}{f': {note}' if note else ''}")
    if standing.paused:
        console.print(f"paused rules: {', '.join(standing.paused)}", style="yellow")
    models = ", ".join(f"{name} ({labels} labels)" for name, labels in standing.models.items())
    console.print(f"models: {models or 'none has learned anything yet'}")
    sys.exit(1 if any(one.owner is None for one in standing.partitions) else 0)


def _tell_partitions(console: Console, standing: Standing) -> None:
    by_worker: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    lag: dict[tuple[str, str], int] = defaultdict(int)
    topics = list(dict.fromkeys(one.topic for one in standing.partitions))
    for one in standing.partitions:
        owner = one.owner or _NOBODY
        by_worker[owner][one.topic].append(one.partition)
        lag[owner, one.topic] += one.lag
    table = Table("worker", *topics, title=f"group {standing.state.lower()}: partitions, and messages behind")
    for owner in [*standing.members, *sorted(by_worker.keys() - set(standing.members))]:
        cells = [_cell(by_worker[owner][topic], lag[owner, topic]) for topic in topics]
        table.add_row(owner, *cells, style="red" if owner == _NOBODY else None)
    console.print(table)


def _cell(partitions: list[int], lag: int) -> Text:
    if not partitions:
        return Text()
    return Text.assemble(f"{_ranges(partitions)}  ", (f"{lag:,} behind", "red" if lag > _MANY else "dim"))


def _ranges(numbers: list[int]) -> str:
    """1, 2, 3, 7 as 1-3 7."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return " ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
