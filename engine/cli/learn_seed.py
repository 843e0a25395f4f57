"""`floodgate learn seed`: what labelled events teach about texts, as a file that models begin with."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import orjson

from engine.cli.options import FILE, WITHOUT, with_settings
from engine.cli.output import echo
from engine.cli.recordings import read_label_lines, read_lines, tell_unusable
from engine.core.domain.events import FieldMapping
from engine.errors import EventError
from engine.learning.seed_making import AUTHORS, Lesson, Stream, make_seed
from engine.learning.seeds import SUFFIX, read_seed
from engine.settings import Settings
from engine.stream.admin.given import counting
from engine.stream.handlers.messages import arrived_ms
from engine.stream.offline.recorded import Truth, truths


@click.command("seed")
@click.argument("name")
@click.option("--events", "events", required=True, multiple=True, type=FILE, help="Events, JSON Lines (.gz too).")
@click.option("--labels", "labels", required=True, multiple=True, type=FILE, help="Their labels.")
@click.option("--source", "sources", required=True, multiple=True, help="What it is called, and where it is from.")
@click.option("--licence", "licences", required=True, multiple=True, help="What allows to hand on what it teaches.")
@click.option(
    "--texts", multiple=True, default=("text",), show_default=True, help="A field to read; may be given often."
)
@click.option(
    "--authors", type=click.IntRange(min=1), default=AUTHORS, show_default=True,
    help="Stretches of text that fewer people have written are left out.",
)  # fmt: skip
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help=f"The {SUFFIX} file.")
@WITHOUT
@with_settings
def command(
    settings: Settings, name: str, events: tuple[Path, ...], labels: tuple[Path, ...], sources: tuple[str, ...],
    licences: tuple[str, ...], texts: tuple[str, ...], authors: int, out: Path, without: tuple[str, ...],
) -> None:  # fmt: skip
    """Make a seed called NAME from labelled events: what models that name it score with while they have few labels.

    The options about a stream come once for each: its events, its labels, its source and its licence. No text is in the
    file, only weights of hashed stretches of text that many people have written.
    """
    if not len(events) == len(labels) == len(sources) == len(licences):
        raise click.UsageError("--events, --labels, --source and --licence come once for each stream")
    if out.suffix != SUFFIX:
        raise click.UsageError(f"--out is the name of a {SUFFIX} file, {out} is not")
    streams = []
    for events_path, labels_path, source, licence in zip(events, labels, sources, licences, strict=True):
        mapping = settings.labels.mapping()
        tell_unusable(read_label_lines(labels_path, mapping))
        truth = truths(counting(read_label_lines(labels_path, mapping), without))
        lessons = _lessons(read_lines(events_path), settings.events.mapping(), truth, texts)
        streams.append(Stream(source, licence, list(lessons)))
    made = make_seed(name, streams, authors)
    out.write_text(made.text, "utf-8")
    weights = int((read_seed(made.text).weights != 0).sum())
    echo(f"written: {out}, {weights:,} weights, {out.stat().st_size:,} bytes")
    for one in (stream.source() for stream in streams):
        echo(f"from {one.events:,} events, {one.spam:,} of them spam: {one.name} ({one.licence})")
    echo(f"half of each stream, scored by what the other halves teach: ROC AUC {made.unseen_auc:.4f}")
    echo("what it is worth elsewhere: `floodgate learn evaluate` with a model that names it, and one that does not")


def _lessons(
    lines: Iterable[bytes], mapping: FieldMapping, truth: dict[str, Truth], texts: tuple[str, ...]
) -> Iterator[Lesson]:
    for line in lines:
        try:
            event = mapping.read(orjson.loads(line), arrived_ms(line))
        except (orjson.JSONDecodeError, EventError):
            continue
        known = truth.get(event.event_id)
        read = tuple(text for text in map(event.fields.get, texts) if isinstance(text, str) and text)
        if known is not None and read:
            yield Lesson(event.user_id, read, known.spam, event.ts_ms)
