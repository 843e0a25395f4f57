"""`floodgate rules resume`."""

import getpass
import time

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_resumed, read_paused
from engine.stream.handlers.messages import Pause


@click.command("resume")
@click.argument("rule")
@click.option("--author", default=getpass.getuser, help="Who resumes it.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def command(settings: Settings, rule: str, author: str, note: str) -> None:
    """Let a paused rule do again what its rulebook says."""
    paused = read_paused(settings)
    if paused.pop(rule, None) is None:
        raise click.UsageError(f"{rule!r} is not paused; paused are: {', '.join(sorted(paused)) or 'none'}")
    publish_resumed(settings, rule, Pause(author, note, int(time.time() * 1000)))
    echo(f"{rule} is in use again. Paused now: {', '.join(sorted(paused)) or 'none'}")
