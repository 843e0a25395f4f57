"""`floodgate rules pause`."""

import getpass
import time

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_paused, read_in_use, read_paused
from engine.stream.handlers.messages import Pause


@click.command("pause")
@click.argument("rule")
@click.option("--author", default=getpass.getuser, help="Who pauses it.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def command(settings: Settings, rule: str, author: str, note: str) -> None:
    """Stop a rule at once, on every worker.

    It goes on in shadow, whatever its rulebook says, until it is resumed.
    """
    in_use = read_in_use(settings)
    known = [declared.name for declared in in_use[1].rules] if in_use is not None else []
    if rule not in known:
        raise click.UsageError(f"the rulebook in use has no rule {rule!r}; it has {', '.join(known) or 'none'}")
    publish_paused(settings, rule, Pause(author, note, int(time.time() * 1000)))
    paused = read_paused(settings)
    echo(f"{rule} is paused. Paused now: {', '.join(sorted(paused))}")
