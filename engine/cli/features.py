"""`floodgate features`: what a rulebook knows of recorded events, as a table."""

from collections.abc import Iterator
from pathlib import Path

import click
from rich.progress import Progress

from engine.backtest.features import Asked, column_types, rows
from engine.cli.options import FILE, PATH, calm_garbage_collection, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_events, read_labels
from engine.cli.reference_data import referring, with_reference_data
from engine.cli.tables import check_ending, write_table
from engine.rulebook.tools.observation import observe
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival


@click.command("features")
@click.option("--rules", required=True, type=PATH, help="The rulebook: a directory or one file.")
@click.option(
    "--events", "events_path", required=True, type=FILE, help="Events, JSON Lines (.gz too), in arrival order."
)
@click.option("--labels", "labels_path", type=FILE, help="Labels, merged in by their time.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="The table: .parquet (with pyarrow), .csv or .jsonl.",
)  # fmt: skip
@click.option("--type", "event_type", help="Rows for events of this type alone.")
@click.option("--model", help="What this model reads, and nothing else.")
@with_reference_data
@with_settings
def command(
    settings: Settings, rules: Path, events_path: Path, labels_path: Path | None, out: Path, event_type: str | None,
    model: str | None, reference_data: Path | None, recorded_tables: tuple[tuple[str, Path], ...],
) -> None:  # fmt: skip
    """Write all signals of a rulebook as a table with one row for each event, as of the event's time.

    Nothing from the future is in a row but its label. A dead letter has no row, and an event that is sent again has
    one.
    """
    check_ending(out)
    asked = Asked(event_type, model)
    observed = observe(rules, None, event_type, model)
    settings, tables = referring(settings, observed.rulebook, reference_data, recorded_tables)
    labels = list(read_labels(labels_path, settings.labels.mapping())) if labels_path is not None else None
    calm_garbage_collection()
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading signals", total=None)

        def events() -> Iterator[Arrival]:
            for arrival in read_events(events_path, settings.events.mapping()):
                progress.advance(task)
                yield arrival

        types = column_types(observed.signals, labels is not None)
        written = write_table(out, types, rows(observed, asked, events(), labels, settings, tables))
    echo(f"written: {written:,} events with {len(observed.signals):,} signals, {out}")
