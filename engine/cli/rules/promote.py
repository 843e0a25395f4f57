"""`floodgate rules promote`."""

import getpass
import time

import click

from engine.backtest.promotion import find_candidates
from engine.backtest.text import share_text
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
    for candidate in candidates:
        evidence = f"precision {share_text(candidate.precision)}, wanted: at least {candidate.rule.gate:g} for certain"
        mode = candidate.rule.plan[candidate.stage].mode
        if not candidate.has_proved_itself:
            echo(f"{candidate.rule.name} is not promoted to {mode}: {evidence}")
            continue
        if not dry_run:
            promote(settings, candidate.rule, candidate.stage, author, evidence)
        echo(f"{candidate.rule.name} {'would be' if dry_run else 'is'} promoted to {mode}: {evidence}")
    if not candidates:
        echo("no rule waits for its promotion")
