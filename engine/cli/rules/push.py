"""`floodgate rules push`."""

import getpass
import sys
from pathlib import Path

import click
from rich.progress import Progress

from engine.backtest.comparison import Concerned
from engine.backtest.guard import FEWEST, exceeding, try_on_last_events
from engine.backtest.text import named, tell
from engine.cli.options import PATH, with_settings
from engine.cli.output import Console, confirm, echo
from engine.cli.reference_data import tell_missing
from engine.cli.rules.checking import Limits, checked, with_limits
from engine.cli.times import DURATION
from engine.core.domain.rules import Rulebook
from engine.core.domain.units import duration_text
from engine.rulebook.checks.keeping import longest_kept
from engine.rulebook.tools.differences import differences
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_rulebook, read_in_use

_SHOWN = 20
_DAY_MS = 86_400_000


@click.command("push")
@click.argument("path", type=PATH)
@click.option("--author", default=getpass.getuser, help="Who pushes.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@click.option(
    "--guard",
    default="1h",
    show_default=True,
    type=DURATION,
    help="Try it first on the events of the last so much time.",
)
@click.option(
    "--max-newly",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 100),
    help="Refuse an edit that would newly act on more than so many percent of the active users.",
)
@click.option("--force", is_flag=True, help="Push it without trying.")
@click.option("--yes", is_flag=True, help="Push it although it removes what is in use.")
@with_limits
@with_settings
def command(
    settings: Settings, path: Path, author: str, note: str, guard: int, max_newly: float, force: bool, yes: bool,
    max_us: float, max_bytes: int,
) -> None:  # fmt: skip
    """Check a rulebook, tell what it changes, try it on the last events, and publish it.

    It takes the place of all that is in use: what it does not have is removed, and you are asked before that. Every
    running worker switches between two batches. What is tried is what `backtest` tells at length.
    """
    rulebook = checked(path, Limits(max_us, max_bytes))
    if rulebook is not None:
        tell_missing(settings, rulebook)
    if rulebook is None or not (is_kept(settings, rulebook) and _is_meant(settings, rulebook, path, yes)):
        sys.exit(1)
    if not (force or _passes_guard(settings, rulebook, guard, max_newly)):
        sys.exit(1)
    publish(settings, rulebook, author, note)


def publish(settings: Settings, rulebook: Rulebook, author: str, note: str) -> None:
    """Publish a checked rulebook, and tell its version."""
    number = publish_rulebook(settings, rulebook, author, note)
    echo(f"published rulebook {rulebook.id} as version {number}")


def is_kept(settings: Settings, rulebook: Rulebook) -> bool:
    """Whether the state is kept for as long as its entities are to remember, and its events to wait for outcomes."""
    name, longest_ms = longest_kept(rulebook)
    needed_days = -(-longest_ms // _DAY_MS) + 2 if longest_ms else 0
    if needed_days <= settings.state_ttl_days:
        return True
    echo(f"not pushed: `{name}` is to be kept for {duration_text(longest_ms)}, and untouched state is forgotten after "
         f"{settings.state_ttl_days}d. Set `state_ttl_days: {needed_days}` for all workers first, or shorten `{name}`",
         err=True)  # fmt: skip
    return False


def _is_meant(settings: Settings, rulebook: Rulebook, path: Path, yes: bool) -> bool:
    """Tell what a push does to what is in use. Whether it removes nothing, or whoever pushes wants that."""
    in_use = read_in_use(settings)
    if in_use is None:
        return True
    changes = differences(in_use[0].sources, rulebook.sources)
    shown = [str(difference) for difference in changes[:_SHOWN]]
    left = len(changes) - len(shown)
    echo("\n".join([*shown, *([f"and {left} more: `floodgate rules diff {path}`"] if left else [])]) or "no difference")
    removed = [f"{difference.kind} {difference.name}" for difference in changes if difference.change == "removed"]
    if not removed or yes:
        return True
    warning = (
        f"this removes {len(removed)} of what is in use ({', '.join(removed[:5])}{', ...' if removed[5:] else ''})"
    )
    if not sys.stdin.isatty():
        echo(f"not pushed: {warning}. A push takes the place of the whole rulebook: push the directory with all of it, "
             "or add --yes if that is meant", err=True)  # fmt: skip
        return False
    return confirm(f"{warning}. Push it?")


def _passes_guard(settings: Settings, rulebook: Rulebook, span_ms: int, max_newly: float) -> bool:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("trying it on the last events", total=None)
        comparison = try_on_last_events(
            settings, rulebook, span_ms, lambda count, of: progress.update(task, completed=count, total=of)
        )
    if comparison is None:
        return True
    for concerned in (
        comparison.users,
        *(concerned for concerned in comparison.others if concerned.newly_count or concerned.no_longer_count),
    ):
        effect = f"newly acts on {_newly(concerned)}, no longer on {concerned.no_longer_count:,}"
        echo(f"tried on the last {comparison.events:,} events: {effect}")
    too_many = exceeding(comparison, max_newly / 100)
    if too_many is None:
        if any(concerned.newly_count > concerned.active * max_newly / 100 for concerned in comparison.concerned):
            echo(f"that is more than {max_newly:g}%, and pushed all the same: of up to {FEWEST} no share is known")
        return True
    tell(Console(), comparison)
    echo(f"not pushed: it would newly act on {_newly(too_many)}, more than {max_newly:g}%. If that is meant: --force")
    return False


def _newly(whom: Concerned) -> str:
    return f"{whom.newly_count:,} of {whom.active:,} {named(whom.kind)} ({whom.newly_count / max(1, whom.active):.2%})"
