"""`floodgate rules promote`."""

import getpass
import time

import click

from engine.backtest.promotion import find_candidates
from engine.backtest.text import told
from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.cli.rules.in_use import in_use
from engine.settings import Settings
from engine.stream.control.promotions import promote, read_promotions


@click.command("promote")
@click.option("--author", default=getpass.getuser, help="Who promotes.  [default: the user's name]")
@click.option("--dry-run", is_flag=True, help="Only tell.")
@with_settings
def command(settings: Settings, author: str, dry_run: bool) -> None:
    """Let rules go on to the next stage of their plan, where they have proved what `promote_if` asks for.

    Made to be run every few minutes. What a rule met is judged by the labels that there are on it.
    """
    _, rulebook = in_use(settings)
    candidates = find_candidates(settings, rulebook, read_promotions(settings), int(time.time() * 1_000))
    for one in candidates:
        said = f"precision {told(one.precision)}, wanted: at least {one.rule.gate:g} for certain"
        mode = one.rule.plan[one.stage].mode
        if not one.has_proved_itself:
            echo(f"{one.rule.name} is not promoted to {mode}: {said}")
            continue
        if not dry_run:
            promote(settings, one.rule, one.stage, author, said)
        echo(f"{one.rule.name} {'would be' if dry_run else 'is'} promoted to {mode}: {said}")
    if not candidates:
        echo("no rule waits for its promotion")
