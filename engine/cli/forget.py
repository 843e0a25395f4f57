"""`floodgate forget`."""

import sys
import time

import click
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console
from engine.console.store.database import find_store
from engine.console.store.erasure import erase
from engine.errors import PublishError
from engine.settings import Settings
from engine.stream.admin.erasure import UserData, ask_to_forget, find_in_state, find_user_data
from engine.stream.admin.former_state import forget_formerly, former
from engine.stream.admin.mentions import Mentions, find_mentions, remove_entries
from engine.stream.kafka.candidates import as_candidate, candidates_of
from engine.stream.kafka.topics import changelog_topic

_LOOK_EVERY_S = 1.0


@click.command("forget")
@click.argument("user_id")
@click.option("--dry-run", is_flag=True, help="Only tell what is known.")
@click.option(
    "--wait", "wait_s", default=60, show_default=True, type=click.IntRange(0),
    help="For how many seconds the workers may take.",
)  # fmt: skip
@with_settings
def command(settings: Settings, user_id: str, dry_run: bool, wait_s: int) -> None:
    """Erase USER_ID from the state, live lists and the console's store: counters, notes, what models have read of
    their events, verdicts, entries. The state of candidates is among it, and what state was moved away from.

    The workers that own the state delete it, on their disks and in the changelog; then everything is read again to
    prove it. Rulebooks that name them are told. Exit code 1 when something is left.
    """
    console = Console()
    beside = [as_candidate(settings, name) for name in candidates_of(settings)]
    found = [_forget_state(console, each, user_id, None if dry_run else wait_s) for each in (settings, *beside)]
    found += [_forget_formerly(console, each, found[0], is_dry=dry_run) for each in former(settings)]
    names = found[0].names
    mentions = find_mentions(settings, names)
    left = mentions.entries
    if not dry_run and mentions.entries:
        try:
            remove_entries(settings, mentions)
        except PublishError as error:  # the state is forgotten all the same
            console.print(str(error), style="red")
        left = find_mentions(settings, names).entries
    _tell_mentions(console, mentions, left)
    if dry_run:
        return
    _forget_in_console(console, settings, names)
    if left:
        console.print("live lists still name them: may your key change lists? Its scopes tell.", style="red")
        sys.exit(1)
    if any(after.state for after in found):
        console.print(
            "something is left: are all workers up? `floodgate status` tells. Then run this again.", style="red"
        )
        sys.exit(1)
    console.print(f"the state knows nothing of {user_id}", style="green")


def _forget_state(console: Console, settings: Settings, user_id: str, wait_s: int | None) -> UserData:
    """Have what is known of a user forgotten by the workers of these settings, unless nobody is to wait for it; what
    they know then."""
    name = settings.candidate.name
    with console.status("") as status:

        def show_progress(topic: str) -> None:
            status.update(f"reading {topic}")

        before = after = find_user_data(settings, user_id, show_progress)
        if wait_s is not None and before.state:
            ask_to_forget(settings, before)
            deadline = time.monotonic() + wait_s
            while after.state and time.monotonic() < deadline:
                status.update("waiting for the workers")
                time.sleep(_LOOK_EVERY_S)
                after = find_user_data(settings, user_id, show_progress, before.subjects)
    if name and before.kinds:
        console.print(f"of the candidate {name}, whose workers forget it too; `floodgate candidate drop` removes all:")
    _tell(console, before, after)
    return after


def _forget_formerly(console: Console, before: Settings, known: UserData, *, is_dry: bool) -> UserData:
    """Forget what a changelog knows of a user that state was moved away from; what it knows then."""
    with console.status(f"reading {changelog_topic(before)}"):
        found = left = find_in_state(before, known)
        if found.state and not is_dry:
            forget_formerly(before, found)
            left = find_in_state(before, found)
    if found.kinds:
        console.print(f"in {changelog_topic(before)}, which state was moved away from:")
        _tell(console, found, left)
    return left


def _forget_in_console(console: Console, settings: Settings, names: tuple[str, ...]) -> None:
    store = find_store(settings)
    if store is None:
        return
    with store.write() as connection:
        dropped = erase(connection, names, int(time.time() * 1000))
    store.close()
    console.print(f"rows of the console's store about this user that are gone: {dropped}")


def _tell(console: Console, before: UserData, after: UserData) -> None:
    table = Table("state", "found", "left")
    for kind, count in sorted(before.kinds.items()):
        table.add_row(kind, str(count), str(after.kinds[kind]))
    if before.kinds:
        console.print(table)
    kept = ", ".join(f"{topic} {count}" for topic, count in sorted(after.passing.items()))
    if kept:
        console.print(f"messages about this user that their topics keep until their retention is over: {kept}")


def _tell_mentions(console: Console, mentions: Mentions, left: dict[str, list[str]]) -> None:
    for name, entries in mentions.entries.items():
        state = "still there" if name in left else "found"
        console.print(f"entries of the live list {name}: {len(entries)} {state}")
    if mentions.versions:
        newest = mentions.versions[-1]
        finding = f"rulebooks that name this user: {len(mentions.versions)}, the newest is {newest.number}"
        console.print(
            f"{finding} of {newest.author}. Take the name out and push; `floodgate rules history` lists them."
        )
    if mentions.models:
        finding = f"models that keep words, perhaps of this user: {', '.join(mentions.models)}."
        console.print(f"{finding} A model with another name or pipeline learns anew.")
