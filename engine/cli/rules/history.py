"""`floodgate rules history`."""

import click
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console
from engine.core.domain.units import time_text
from engine.rulebook.tools.differences import differences
from engine.settings import Settings
from engine.stream.control.rulebooks import Stop, read_refused, read_stops, read_versions

_SHOWN = 8


@click.command("history")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many lines.")
@with_settings
def command(settings: Settings, limit: int) -> None:
    """List the versions that were pushed, newest first: who, when, why, and what each has changed. Between them stand
    rules that were paused and resumed, as far back as the topic has them."""
    versions, stops = read_versions(settings), read_stops(settings)
    rows = {stop.number: _stop_row(stop) for stop in stops}
    for place in range(max(0, len(versions) - limit), len(versions)):
        version = versions[place]
        before = versions[place - 1].sources if place else {}
        changed = (
            [
                f"{difference.change} {difference.kind} {difference.name}"
                for difference in differences(before, version.sources)
            ]
            if place
            else []
        )
        shown = [*changed[:_SHOWN], f"and {len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else changed
        when = time_text(version.ts_ms)
        rows[version.number] = (str(version.number), version.id, when, version.author, version.note, "\n".join(shown))
    table = Table("version", "rulebook", "when (UTC)", "by", "why", "changed", show_lines=True)
    for number in sorted(rows, reverse=True)[:limit]:
        table.add_row(*rows[number])
    console = Console()
    console.print(table if rows else "no rulebook has been pushed yet")
    for refusal in read_refused(settings, limit):
        console.print(str(refusal), style="red", soft_wrap=True)


def _stop_row(stop: Stop) -> tuple[str, ...]:
    done = f"{'resumed' if stop.is_resumed else 'paused'} rule {stop.rule}"
    return "", "", time_text(stop.by.ts), stop.by.author, stop.by.note, done
