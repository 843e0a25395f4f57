"""`floodgate labels`: many labels at once, and the events that are worth one."""

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click
import orjson
from rich.progress import Progress
from rich.table import Table

from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_lines
from engine.errors import LabelError, RecordingError
from engine.settings import Settings
from engine.stream.label_messages import read_label
from engine.stream.published import REVIEW, read_documents
from engine.stream.publishing import Publisher, read_all

_EXCERPT = 80


@click.group("labels")
def command() -> None:
    """Import labels, and see which events are worth one."""


@command.command("import")
@click.argument("file", type=FILE)
@click.option("--moderator", help="Whose labels these are, where the file does not say.")
@with_settings
def import_command(settings: Settings, file: Path, moderator: str | None) -> None:
    """Publish the labels of FILE: CSV with a line of names, or JSON Lines (.gz too).

    Names: event_id, label (spam, ham, retracted), ts, and if there are: user_id, moderator, propensity, policy.
    Nothing is published when a line is no label.
    """
    documents = list(_documents(file))
    for number, document in documents:
        if moderator is not None:
            document.setdefault("moderator", moderator)
        try:
            read_label(document)
        except LabelError as error:
            raise RecordingError(f"{file}, line {number}: {error}; nothing has been published") from error
    console = Console(stderr=True)
    with Publisher(settings) as publisher, Progress(console=console, disable=not console.is_terminal) as progress:
        for _, document in progress.track(documents, description="publishing"):
            user_id = document.pop("user_id", None)
            publisher.label(orjson.dumps(document), str(user_id) if user_id else None)
    echo(f"published {len(documents)} labels")


@command.command("queue")
@click.option("--limit", default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, ready to be labelled and imported.")
@with_settings
def queue(settings: Settings, limit: int, as_json: bool) -> None:
    """The newest events that are worth a label and have none: what a model cannot tell, and some at random."""
    labelled, pseudonyms = Labelled(), settings.pseudonyms()
    for record in read_all(settings, settings.topics.labels):
        labelled.note(record.key, record.value, pseudonyms.of if pseudonyms is not None else None)
    waiting = {}
    for _, document in read_documents(settings, settings.topics.review, REVIEW):
        if not labelled.has(document["event_id"], document["user_id"]):
            waiting[document["event_id"], document["user_id"]] = document
    newest = sorted(waiting.values(), key=lambda one: -one["ts"])[:limit]
    if as_json:
        for one in newest:
            echo(orjson.dumps(one).decode())
        return
    table = Table("event", "user", "score", "why", "what it says", title=f"{len(waiting):,} events wait for a label")
    for one in newest:
        said = " ".join(str(value) for value in one["inputs"].values() if isinstance(value, str))
        score = "-" if one["score"] is None else f"{one['score']:.2f}"
        table.add_row(one["event_id"], one["user_id"], score, one["why"], said[:_EXCERPT])
    Console().print(table)


def _documents(file: Path) -> Iterator[tuple[int, dict[str, object]]]:
    if file.suffix == ".csv":
        number = 1
        try:
            with file.open(newline="", encoding="utf-8-sig") as lines:
                for number, row in enumerate(csv.DictReader(lines), start=2):
                    named = {name: value for name, value in row.items() if name and isinstance(value, str)}
                    yield number, _typed(named)
        except (csv.Error, UnicodeDecodeError) as error:
            told = str(error) if isinstance(error, csv.Error) else "this is not UTF-8: save it as CSV UTF-8"
            raise RecordingError(f"{file}, after line {number}: {told}; nothing has been published") from error
        return
    for number, line in enumerate(read_lines(file), start=1):
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise RecordingError(
                f"{file}, line {number}: this is not JSON: {error}; nothing has been published"
            ) from error
        if not isinstance(document, dict):
            raise RecordingError(f"{file}, line {number}: a label is a JSON object; nothing has been published")
        yield number, document


def _typed(row: dict[str, str]) -> dict[str, object]:
    """A line of CSV, its numbers as numbers."""
    typed: dict[str, object] = {name: value for name, value in row.items() if value}
    if re.fullmatch(r"-?[0-9]{1,18}", row.get("ts", "")):
        typed["ts"] = int(row["ts"])
    if "propensity" in row:
        with suppress(ValueError):  # the check tells what is wrong with it
            typed["propensity"] = float(row["propensity"])
    return typed


class Labelled:
    """Which events have labels. Two users' events may have the same id: a label is on the one of the user whom it
    tells, or whom its record's key names; without either, on all of them."""

    def __init__(self) -> None:
        self._users: dict[str, set[str | None]] = {}

    def note(self, key: bytes | None, value: bytes | None, conceal: Callable[[str], str] | None = None) -> None:
        """A record of the labels topic; what is no label is passed over. `conceal`: gives a user's pseudonym."""
        try:
            document = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            return
        event_id = document.get("event_id") if isinstance(document, dict) else None
        if not isinstance(event_id, str):
            return
        user = document.get("user_id") or (key.decode("utf-8", "replace") if key else None)
        users = self._users.setdefault(event_id, set())
        users.add(str(user) if user is not None else None)
        if user is not None and conceal is not None:
            users.add(conceal(str(user)))

    def has(self, event_id: str, user_id: str) -> bool:
        """Whether the event of this user has a label."""
        users = self._users.get(event_id, set())
        return user_id in users or None in users
