"""`floodgate rules rollback`."""

import getpass
import sys

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.cli.rules.push import publish
from engine.rulebook.compiler import check_rulebook
from engine.rulebook.tools.differences import differences
from engine.settings import Settings
from engine.stream.control.rulebooks import find_version, read_versions


@click.command("rollback")
@click.argument("version", required=False)
@click.option("--author", default=getpass.getuser, help="Who does it.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def command(settings: Settings, version: str | None, author: str, note: str) -> None:
    """Publish an earlier version again: the one before the newest, or VERSION, a number or a rulebook's id."""
    versions = read_versions(settings)
    if not versions:
        raise click.UsageError("no rulebook has been pushed yet")
    newest = versions[-1]
    ids = [pushed.id for pushed in versions]
    earlier = versions[: ids.index(newest.id)]  # before it was pushed first: a second rollback goes further back
    if version is None and not earlier:
        raise click.UsageError("there is no other version to go back to; `floodgate rules history` lists them")
    chosen = find_version(versions, version) if version is not None else earlier[-1]
    rulebook, diagnostics = check_rulebook(chosen.sources)
    if rulebook is None:  # what was right for an earlier engine need not be for this one
        echo(diagnostics.report())
        sys.exit(1)
    echo("\n".join(map(str, differences(newest.sources, chosen.sources))) or "no difference")
    publish(settings, rulebook, author, f"back to version {chosen.number}{f': {note}' if note else ''}")
    echo("files are as they were, and a push of them brings back what they say: `floodgate rules pull DIRECTORY`")
