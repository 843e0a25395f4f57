"""Recorded events and labels: JSON Lines, plain or gzipped."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from engine.cli.options import FILE, WITHOUT
from engine.cli.output import echo
from engine.cli.times import MOMENT, Moment
from engine.core.domain.events import FieldMapping
from engine.errors import EventError, LabelError, RecordingError
from engine.learning.label_mapping import LabelMapping
from engine.settings import Settings
from engine.stream.admin.given import GivenLabels, counting
from engine.stream.handlers.label_messages import IN_OUR_TERMS, decode_message, translate_label
from engine.stream.handlers.messages import arrived_ms
from engine.stream.kafka.records import Recorded, read_since
from engine.stream.offline.arrivals import Arrival


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that are not empty."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                stripped = line.strip()
                if stripped:
                    yield stripped
    except (OSError, EOFError) as error:
        raise RecordingError(f"{path} cannot be read to its end: {error}") from error


def read_events(path: Path, mapping: FieldMapping) -> Iterator[Arrival]:
    """Events in file order. An unreadable one keeps its place and time 0; the engine tells what is wrong."""
    for line in read_lines(path):
        try:
            ts_ms = mapping.read(orjson.loads(line), arrived_ms(line)).ts_ms
        except (EventError, orjson.JSONDecodeError):
            ts_ms = 0
        yield Arrival("event", ts_ms, line)


def read_labels(path: Path, mapping: LabelMapping = IN_OUR_TERMS) -> Iterator[Arrival]:
    """Labels in file order. An unreadable one takes effect first, as a dead letter."""
    for line in read_lines(path):
        try:
            ts_ms = decode_message(line, mapping).ts_ms
        except LabelError:
            ts_ms = 0
        yield Arrival("label", ts_ms, line)


def read_label_lines(path: Path, mapping: LabelMapping) -> Iterator[bytes]:
    """The lines of a file of labels, in our terms."""
    return (translate_label(line, mapping) for line in read_lines(path))


def tell_unusable(labels: Iterable[bytes]) -> None:
    """Say on standard error how many lines are no labels, and why the first of them is none."""
    lines, wrong, first = 0, 0, ""
    for lines, line in enumerate(labels, start=1):
        try:
            decode_message(line)
        except LabelError as error:
            wrong, first = wrong + 1, first or f"the first, line {lines}: {error}"
    if wrong:
        echo(f"floodgate: {wrong:,} of {lines:,} labels cannot be used and are left out; {first}", err=True)


def with_recording(labels_help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the options that `recorded_or_on_topics` takes: `events_path`, `labels_path`, `from_topic`, `without`,
    `since`."""
    options = (
        click.option("--events", "events_path", type=FILE, help="Events, JSON Lines (.gz too), in arrival order."),
        click.option("--labels", "labels_path", type=FILE, help=labels_help),
        click.option("--from-topic", is_flag=True, help="Instead of files: the events and labels topics."),
        WITHOUT,
        click.option(
            "--since", default="24h", show_default=True, type=MOMENT,
            help="With --from-topic: how far back from the newest event, or since when.",
        ),
    )  # fmt: skip

    def added(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return added


def recorded_or_on_topics(
    settings: Settings,
    events: Path | None,
    labels: Path | None,
    from_topic: bool,
    since: Moment,
    without: Sequence[str],
) -> tuple[list[bytes | Recorded], list[bytes]]:
    """Events and labels, from files or from the topics, as options say. `without`: moderators whose labels do not
    count; nor do those of moderators who are quarantined, where the topics tell. Raises click.UsageError,
    RecordingError, TopicError."""
    if from_topic == (events is not None):
        raise click.UsageError("give either --events FILE or --from-topic")
    if events is not None:
        recording: tuple[list[bytes | Recorded], list[bytes]] = [*read_lines(events)], []
        if labels is not None:
            recording[1].extend(counting(read_label_lines(labels, settings.labels.mapping()), without))
    else:
        topics = settings.topics
        recorded_labels = read_since(settings, topics.labels, since.before, value_of=GivenLabels(settings).value_of)
        labelled = counting((label.value for label in recorded_labels), without)
        recording = [*read_since(settings, topics.events, since.before)], [*labelled]
    if not recording[0]:
        raise click.UsageError("there are no events to try it on")
    tell_unusable(recording[1])
    return recording
