"""`floodgate labels import`."""

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click
import orjson
from rich.progress import Progress

from engine.cli.label_files import Dates, Line, read_label_file
from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.errors import LabelError
from engine.settings import Settings
from engine.stream.admin.given import GivenLabels
from engine.stream.admin.known import find_known_actions, find_known_events
from engine.stream.admin.publishing import Publisher
from engine.stream.handlers.label_messages import decode_label
from engine.stream.kafka.records import read_all

_NAMED = 10
Subject = tuple[str, str | None]
"""An event or action by its id, and what the verdict is about."""


@click.command("import")
@click.argument("file", type=FILE)
@click.option("--moderator", help="Whose labels these are, where the file does not say.")
@click.option("--dates", type=click.Choice(["us", "eu"]), help="How 03/04/2026 is meant: month or day first.")
@click.option("--yes", is_flag=True, help="Publish; without it, this only tells what would be.")
@with_settings
def command(settings: Settings, file: Path, moderator: str | None, dates: Dates | None, yes: bool) -> None:
    """Publish the labels of FILE: a spreadsheet saved as CSV UTF-8 with a line of names, or JSON Lines (.gz too).

    Names: event_id, label (spam, ham, retracted), and if there are: ts, user_id, type, moderator, propensity, policy.
    First it tells how many are on known events and how many change earlier verdicts; `--yes` publishes. Nothing is
    published when a line is no label.
    """
    label_file = read_label_file(file, moderator, int(time.time() * 1000), dates, settings.labels.mapping())
    once = _once(label_file.lines)
    _preview(settings, file, label_file.lines, once)
    if label_file.unread:
        echo(f"columns that are not read: {', '.join(label_file.unread)}")
    if not yes:
        echo("nothing has been published: add `--yes`")
        return
    console = Console(stderr=True)
    with Publisher(settings) as publisher, Progress(console=console, disable=not console.is_terminal) as progress:
        for line in progress.track(once, description="publishing"):
            document = dict(line.document)
            user_id = document.pop("user_id", None)
            publisher.label(orjson.dumps(document), str(user_id) if user_id else None)
    echo(f"published {len(once)} labels")


def _once(lines: Iterable[Line]) -> list[Line]:
    """Lines that say what an earlier one has said are left out."""
    last: dict[tuple[object, ...], str] = {}
    kept = []
    for line in lines:
        key = (*_subject(line.document), line.document.get("user_id"), line.document.get("moderator"))
        if last.get(key) != line.document["label"]:
            last[key] = str(line.document["label"])
            kept.append(line)
    return kept


def _preview(settings: Settings, file: Path, lines: list[Line], once: list[Line]) -> None:
    verdicts = Counter(str(line.document["label"]) for line in lines)
    echo(f"{file}: {len(lines):,} labels: {', '.join(f'{count:,} {name}' for name, count in sorted(verdicts.items()))}")
    events = {name for line in once if isinstance(name := line.document.get("event_id"), str)}
    actions = {_subject(line.document)[0] for line in once} - events
    known = find_known_events(settings, events) | find_known_actions(settings, actions)
    unknown = [line for line in once if _subject(line.document)[0] not in known]
    echo(f"{len(once) - len(unknown):,} are on events that the engine knows")
    if unknown:
        named = ", ".join(f"{_subject(line.document)[0]} (line {line.number})" for line in unknown[:_NAMED])
        more = f", and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
        echo(f"{len(unknown):,} are on others, which it has not seen lately: {named}{more}")
    earlier = _earlier_verdicts(settings)
    before = [(earlier.get(_subject(line.document)), line.document["label"]) for line in once]
    changed = sum(verdict not in (None, "retracted", label) for verdict, label in before)
    repeated = sum(verdict == label for verdict, label in before)
    echo(f"{changed:,} change an earlier verdict")
    twice = len(lines) - len(once)
    echo(f"{repeated + twice:,} are duplicates: {repeated:,} of earlier labels, {twice:,} within the file")


def _subject(document: dict[str, object]) -> Subject:
    policy = document.get("policy")
    return str(document.get("event_id") or document.get("action_id")), str(policy) if policy else None


def _earlier_verdicts(settings: Settings) -> dict[Subject, str]:
    """The last verdict on each event, as the topic has them."""
    given_labels, verdicts = GivenLabels(settings), dict[Subject, str]()
    for record in read_all(settings, settings.topics.labels):
        with suppress(LabelError):  # a dead letter, or a revocation
            label = decode_label(given_labels.value_of(record))
            verdicts[label.event_id or str(label.action_id), label.policy] = label.verdict
    return verdicts
