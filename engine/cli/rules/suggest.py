"""`floodgate rules suggest`."""

from pathlib import Path

import click
import orjson
from msgspec import to_builtins
from rich.progress import Progress
from rich.table import Table

from engine.backtest.suggestions import QUANTILES, RARE, Suggestion, suggest
from engine.backtest.text import share_text
from engine.cli.options import PATH, calm_garbage_collection, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import recorded_or_on_topics, with_recording
from engine.cli.times import Moment
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings


@click.command("suggest")
@click.argument("path", type=PATH)
@with_recording("Labels: which events were spam.")
@click.option(
    "--precision", default=0.95, show_default=True, type=click.FloatRange(0, 1), help="Wanted of a threshold."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@with_settings
def command(
    settings: Settings, path: Path, events_path: Path | None, labels_path: Path | None, from_topic: bool, since: Moment,
    without: tuple[str, ...], precision: float, as_json: bool,
) -> None:  # fmt: skip
    """Tell what each counter of a rulebook says of recorded events, and which threshold would tell spam from the rest.

    Without labels: the threshold that one event in a thousand is above.
    """
    rulebook = load_rulebook(path)
    events, labels = recorded_or_on_topics(settings, events_path, labels_path, from_topic, since, without)
    calm_garbage_collection()
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading counters", total=len(events))
        suggestions = suggest(
            rulebook, events, labels, settings, precision, lambda count: progress.update(task, completed=count)
        )
    if as_json:
        echo(orjson.dumps(to_builtins(suggestions), option=orjson.OPT_INDENT_2))
        return
    Console().print(_table(suggestions))


def _table(suggestions: list[Suggestion]) -> Table:
    quantiles = ", ".join(f"{share * 100:g} %" for share in QUANTILES)
    table = Table("counter", "events", f"values: {quantiles}, highest", "clause", "precision", "recall", "all events")
    for column in (table.columns[1], *table.columns[4:]):
        column.justify = "right"
    for suggestion in suggestions:
        clause = "-" if suggestion.threshold is None else f"{suggestion.counter} > {suggestion.threshold:g}"
        judged = (
            (share_text(suggestion.precision), share_text(suggestion.recall))
            if suggestion.recall is not None
            else (f"1 in {1 / RARE:g}", "")
        )
        shown = (
            (clause, *judged, f"{suggestion.share:.3%}") if suggestion.threshold is not None else ("none", "", "", "")
        )
        for place, (group, values) in enumerate(suggestion.groups.items()):
            numbers = ", ".join(f"{value:g}" for value in (*values.quantiles, values.highest))
            table.add_row(suggestion.counter if place == 0 else "", f"{values.events:,} {group}", numbers,
                          *(shown if place == 0 else ("", "", "", "")))  # fmt: skip
        if not suggestion.groups:
            table.add_row(suggestion.counter, "never read", "", "", "", "", "")
    return table
