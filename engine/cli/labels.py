"""`floodgate labels`: many labels at once, and the events that are worth one."""

from collections.abc import Callable

import click
import orjson
from rich.table import Table

from engine.cli import label_import, moderators
from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.settings import Settings
from engine.stream.admin.given import GivenLabels
from engine.stream.admin.published import REVIEW, read_documents
from engine.stream.kafka.records import read_all

_EXCERPT = 80


@click.group("labels")
def command() -> None:
    """Import labels, and see which events are worth one."""


command.add_command(label_import.command)
command.add_command(moderators.command)


@command.command("queue")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, ready to be labelled and imported.")
@with_settings
def queue(settings: Settings, limit: int, as_json: bool) -> None:
    """The newest events that are worth a label and have none: what a model cannot tell, and some at random."""
    labelled, pseudonyms, given_labels = Labelled(), settings.pseudonyms(), GivenLabels(settings)
    for record in read_all(settings, settings.topics.labels):
        labelled.note(record.key, given_labels.value_of(record), pseudonyms.of if pseudonyms is not None else None)
    waiting = {}
    for _, document in read_documents(settings, settings.topics.review, REVIEW):
        if not labelled.has(document["event_id"], document["user_id"]):
            waiting[document["event_id"], document["user_id"]] = document
    newest = sorted(waiting.values(), key=lambda entry: -entry["ts"])[:limit]
    if as_json:
        for entry in newest:
            echo(orjson.dumps(entry).decode())
        return
    table = Table("event", "user", "score", "why", "what it says", title=f"{len(waiting):,} events wait for a label")
    for entry in newest:
        text = " ".join(str(value) for value in entry["inputs"].values() if isinstance(value, str))
        score = "-" if entry["score"] is None else f"{entry['score']:.2f}"
        table.add_row(entry["event_id"], entry["user_id"], score, entry["why"], text[:_EXCERPT])
    Console().print(table)


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
