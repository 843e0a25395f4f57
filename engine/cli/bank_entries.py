"""`floodgate lists import`, `export` and `matches`: pictures of banks, in files that others give and take."""

import getpass
import time
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec
from rich.table import Table

from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.cli.rules.in_use import in_use
from engine.cli.times import DURATION, MOMENT, Moment
from engine.core.domain.units import time_text
from engine.core.values.banks import Bank, hash_of
from engine.core.values.near_hashes import MOST_DISTANT
from engine.keys.hash_files import Listed, Mistaken, read_hashes, write_hashes
from engine.reference.bank_files import BankFiles
from engine.rulebook.language.schema import MAX_DURATION_MS
from engine.settings import Settings
from engine.stream.admin.pictures import find_posted
from engine.stream.control.lists import Entry, publish_entries, read_entries, show_in

_MOST_TOLD = 10
_MOST_NOTE_CHARS = 2_000


@click.command("import")
@click.argument("name")
@click.argument("file", type=FILE)
@click.option("--for", "lasts", type=DURATION, help="For how long, such as 30d; without it for good.")
@click.option("--author", default=getpass.getuser, help="Who adds them.  [default: the user's name]")
@click.option("--tag", "tags", multiple=True, help="Only those that have this tag, or one of these.")
@click.option("--dry-run", is_flag=True, help="Only tell.")
@with_settings
def import_entries(
    settings: Settings, name: str, file: Path, lasts: int | None, author: str, tags: tuple[str, ...], dry_run: bool
) -> None:
    """Add the pictures of FILE to the live bank NAME.

    ThreatExchange's CSV or JSON, or one hash a line. Their tags become the notes of the entries.
    """
    bank = _live_bank(settings, name)
    try:
        read = list(read_hashes(file.name, file.read_text("utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read as UTF-8 text: {error}") from error
    wrong = [one for one in read if isinstance(one, Mistaken)]
    if wrong:
        told = [f"{file}:{one.line}: {one.message}; {one.hint}" for one in wrong[:_MOST_TOLD]]
        raise click.UsageError("\n".join([f"nothing is added: {len(wrong)} lines are wrong", *told]))
    wanted = [one for one in read if isinstance(one, Listed) and (not tags or {*tags} & {*one.tags})]
    now_ms = int(time.time() * 1_000)
    if lasts is not None and not 0 < lasts <= MAX_DURATION_MS:
        raise click.BadParameter("it is longer than ten years, or no time at all", param_hint="--for")
    until_ms = now_ms + lasts if lasts is not None else None
    entries = {one.hash: Entry(author, " ".join(one.tags)[:_MOST_NOTE_CHARS], now_ms, until_ms) for one in wanted}
    fresh = {entry: addition for entry, addition in entries.items() if entry not in bank.fixed}
    if fresh and not dry_run:
        publish_entries(settings, name, fresh)
    echo(f"{'would be ' if dry_run else ''}added to {name}: {len(fresh)}; {len(entries) - len(fresh)} are in the rules")


@click.command("export")
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(("csv", "json")), default="csv", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="The file.  [default: standard output]")
@with_settings
def export_entries(settings: Settings, name: str, kind: str, output: Path | None) -> None:
    """Write the pictures of the bank NAME for others, as ThreatExchange takes them: hash, type, tags.

    Those of the rules, and those that were added live; those of `data` are in a file already.
    """
    bank, now_ms = _bank(settings, name), time.time() * 1_000
    entries: dict[str, tuple[str, ...]] = dict.fromkeys(bank.fixed, ())
    for written, addition in read_entries(settings).get(name, {}).items():
        entry = hash_of(written)
        if entry is not None and (addition.until_ms is None or addition.until_ms > now_ms):
            entries[entry] = tuple(addition.note.split())
    text = write_hashes(entries, kind == "json")
    if output is None:
        echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")
        echo(f"{len(entries)} pictures of {name} are in {output}")


@click.command("matches")
@click.argument("wanted", metavar="NAME|HASH")
@click.option(
    "--since", default="24h", show_default=True, type=MOMENT, help="How far back from the newest event, or since when."
)
@click.option("--radius", type=click.IntRange(0, MOST_DISTANT), help="In how many bits a copy may differ.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@with_settings
def matches(
    settings: Settings, wanted: str, since: Moment, radius: int | None, limit: int, as_json: bool
) -> None:  # fmt: skip
    """Tell who has posted a picture of the bank NAME lately, or copies of one picture, by its HASH.

    Reads the events that are still on their topic, with the hashes that they were recorded with.
    """
    written = hash_of(wanted)
    bank = Bank((written,)) if written is not None else _bank(settings, wanted)
    if radius is not None:
        bank.radius = radius
    found = find_posted(settings, bank, since.before)
    newest = found[: -limit - 1 : -1]
    if as_json:
        for posted in newest:
            echo(msgspec.json.encode(posted))
        return
    table = Table("time (UTC)", "user", "event", "type", "bits", "picture")
    for one in newest:
        table.add_row(time_text(one.ts), one.user_id, one.event_id, one.type, str(one.bits), one.entry)
    Console().print(table)
    users = len({posted.user_id for posted in found})
    echo(f"{len(found)} events of {users} users" + (f", the newest {limit} are shown" if len(found) > limit else ""))


def _bank(settings: Settings, name: str) -> Bank:
    """A bank of the rules in use, with its live entries."""
    _, rulebook = in_use(settings)
    if name not in rulebook.banks:
        raise click.UsageError(f"the rules in use have no bank {name!r}; they have: {_names(rulebook.banks)}")
    show_in(settings, rulebook)
    BankFiles(settings.reference_data_dir).use([rulebook.banks[name]])
    return rulebook.banks[name]


def _live_bank(settings: Settings, name: str) -> Bank:
    _, rulebook = in_use(settings)
    if name not in rulebook.banks or name not in rulebook.live:
        live = [bank for bank in rulebook.banks if bank in rulebook.live]
        message = f"the rules in use have no live bank {name!r}; live are: {_names(live)}. Declare `live: true`"
        raise click.UsageError(message)
    return rulebook.banks[name]


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
