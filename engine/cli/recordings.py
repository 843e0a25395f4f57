"""Recorded events and labels: JSON Lines, plain or gzipped."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import orjson

from engine.core.events import FieldMapping
from engine.errors import EventError, LabelError, RecordingError
from engine.stream.messages import decode_label
from engine.stream.offline import Arrival


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
            ts_ms = mapping.read(orjson.loads(line)).ts_ms
        except (EventError, orjson.JSONDecodeError):
            ts_ms = 0
        yield Arrival("event", ts_ms, line)


def read_labels(path: Path) -> Iterator[Arrival]:
    """Labels in file order. An unreadable one takes effect first, as a dead letter."""
    for line in read_lines(path):
        try:
            ts_ms = decode_label(line).ts_ms
        except LabelError:
            ts_ms = 0
        yield Arrival("label", ts_ms, line)
