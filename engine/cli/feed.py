"""`floodgate feed`: recorded files to the topics."""

import time
from pathlib import Path

import click
from rich.progress import Progress

from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_events, read_labels
from engine.settings import Settings
from engine.stream.admin.publishing import Publisher
from engine.stream.kafka.records import require_topics
from engine.stream.offline.arrivals import merge


@click.command("feed")
@click.option("--events", "events_path", required=True, type=FILE, help="Events, JSON Lines (.gz too).")
@click.option("--labels", "labels_path", type=FILE, help="Labels, merged in by their time.")
@click.option("--speed", type=float, help="So many times as fast as it happened.  [default: as fast as it goes]")
@with_settings
def command(settings: Settings, events_path: Path, labels_path: Path | None, speed: float | None) -> None:
    """Publish recorded files to the events and labels topics."""
    counts = {"event": 0, "label": 0}
    labels = read_labels(labels_path, settings.labels.mapping()) if labels_path else ()
    require_topics(settings, settings.topics.events, *([settings.topics.labels] if labels_path else ()))
    console = Console(stderr=True)
    started, first_ms = time.monotonic(), 0
    with Publisher(settings) as publisher, Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("feeding", total=None)
        for arrival in merge(read_events(events_path, settings.events.mapping()), labels):
            first_ms = first_ms or arrival.ts_ms
            if speed:
                ahead_s = (arrival.ts_ms - first_ms) / 1000 / speed - (time.monotonic() - started)
                if ahead_s > 0:
                    publisher.flush()
                    time.sleep(ahead_s)
            if arrival.kind == "event":
                publisher.event(arrival.value, remember=labels_path is not None)
            else:
                publisher.label(arrival.value)
            counts[arrival.kind] += 1
            progress.advance(task)
    echo(f"published {counts['event']} events and {counts['label']} labels")
