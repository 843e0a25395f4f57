"""`floodgate lists`: entries of live lists."""

import getpass
import time

import click
from rich.table import Table

from engine.cli.bank_entries import export_entries, import_entries, matches
from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.cli.rules.in_use import in_use
from engine.cli.times import DURATION
from engine.core.domain.units import time_text
from engine.core.values.identity import MAX_ID_CHARS
from engine.rulebook.checks.membership import find_wrong_entries
from engine.rulebook.language.schema import MAX_DURATION_MS
from engine.settings import Settings
from engine.stream.admin.additions import apply_additions
from engine.stream.control.lists import Entry, publish_entries, read_entries
from engine.stream.control.rulebooks import read_in_use


@click.group("lists")
def command() -> None:
    """Change live lists while their rules are in use."""


@command.command("add")
@click.argument("name")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@click.option("--for", "lasts", type=DURATION, help="For how long, such as 24h; without it for good.")
@click.option("--author", default=getpass.getuser, help="Who adds them.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def add(settings: Settings, name: str, entries: tuple[str, ...], lasts: int | None, author: str, note: str) -> None:
    """Add each ENTRY to the live list NAME, on every worker."""
    _check(settings, name, entries)
    now_ms, until_ms = int(time.time() * 1_000), None
    if lasts is not None:
        if not 0 < lasts <= MAX_DURATION_MS:
            raise click.BadParameter("it is longer than ten years, or no time at all", param_hint="--for")
        until_ms = now_ms + lasts
    publish_entries(settings, name, dict.fromkeys(entries, Entry(author, note, now_ms, until_ms)))
    echo(f"added to {name}: {len(entries)}" + (f", until {time_text(until_ms)} UTC" if until_ms else ""))


@command.command("remove")
@click.argument("name")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@with_settings
def remove(settings: Settings, name: str, entries: tuple[str, ...]) -> None:
    """Remove each ENTRY from the live list NAME. Those of the rulebook itself stay."""
    known = read_entries(settings).get(name, {})
    missing = [entry for entry in entries if entry not in known]
    if missing:
        raise click.UsageError(f"{name} has no such entries: {', '.join(missing)}; `floodgate lists show {name}`")
    publish_entries(settings, name, dict.fromkeys(entries))
    echo(f"removed from {name}: {len(entries)}")


@command.command("apply")
@click.option("--dry-run", is_flag=True, help="Only tell.")
@with_settings
def apply(settings: Settings, dry_run: bool) -> None:
    """Enter what rules have added, as their actions say, and remove the entries of actions that are revoked.

    Made to be run every minute. What people have entered, or removed since, stays as they have left it.
    """
    _, rulebook = in_use(settings)
    applied, would = apply_additions(settings, rulebook, dry_run), "would be " if dry_run else ""
    for name, entries in sorted(applied.added.items()):
        for entry, addition in entries.items():
            echo(
                f"{would}added to {name}: {entry}, by {addition.author}, until {time_text(addition.until_ms or 0)} UTC"
            )
    for name, gone in sorted(applied.removed.items()):
        echo(f"{would}removed from {name}, as their actions are revoked: {', '.join(gone)}")
    if applied.refused:
        echo(f"{applied.refused} found no room: their rules have as many entries as they may")
    if not applied.added and not applied.removed:
        echo("nothing is new")


@command.command("show")
@click.argument("name", required=False)
@with_settings
def show(settings: Settings, name: str | None) -> None:
    """Show what has been added to live lists: all of them, or the entries of NAME."""
    known, now_ms = read_entries(settings), time.time() * 1_000
    if name is None:
        for list_name, entries in sorted(known.items()):
            echo(f"{list_name}: {len(entries)}")
        if not known:
            echo("nothing has been added to any list")
        return
    table = Table("entry", "added (UTC)", "by", "why", "until (UTC)")
    for entry, addition in sorted(known.get(name, {}).items()):
        until_ms = addition.until_ms
        until = "for good" if until_ms is None else "over" if until_ms <= now_ms else time_text(until_ms)
        table.add_row(entry, time_text(addition.ts), addition.author, addition.note, until)
    Console().print(table)


for _of_banks in (import_entries, export_entries, matches):
    command.add_command(_of_banks)


def _check(settings: Settings, name: str, entries: tuple[str, ...]) -> None:
    in_use = read_in_use(settings)
    if in_use is None or name not in in_use[1].live:
        live = ", ".join(sorted(in_use[1].live) if in_use is not None else []) or "none"
        raise click.UsageError(f"the rules in use have no live list {name!r}; live are: {live}. Declare `live: true`")
    for entry in entries:
        if not 0 < len(entry) <= MAX_ID_CHARS:
            raise click.UsageError(f"an entry has 1 to {MAX_ID_CHARS} characters, this one has {len(entry)}")
    wrong = find_wrong_entries(in_use[1], name, entries)
    if wrong:
        raise click.UsageError("\n".join(["nothing is added", *wrong]))
