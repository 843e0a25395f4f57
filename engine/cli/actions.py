"""`floodgate actions`: taking back what was enforced."""

import getpass
import sys
import time
from collections import Counter

import click
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.cli.times import MOMENT, Moment
from engine.core.units import time_text
from engine.settings import Settings
from engine.stream.reversal import Which, read_actions, revoke, uphold_appeal

_SHOWN = 10


@click.group("actions")
def command() -> None:
    """Take back what was enforced."""


@command.command("revoke")
@click.argument("action_ids", nargs=-1)
@click.option("--rule", help="Of this rule.")
@click.option("--rulebook", help="Of this version of the rulebook: its id, or its beginning.")
@click.option("--user", help="On this user's events.")
@click.option("--since", type=MOMENT, help="With event times from then on: 2h ago, or 2026-11-27T10:00.")
@click.option("--until", type=MOMENT, help="With event times before.")
@click.option("--author", default=getpass.getuser, help="Who does it.  [default: the user's name]")
@click.option("--note", default="", help="Why; whoever is concerned may read it.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be taken back.")
@with_settings
def revoke_command(
    settings: Settings, action_ids: tuple[str, ...], rule: str | None, rulebook: str | None, user: str | None,
    since: Moment | None, until: Moment | None, author: str, note: str, dry_run: bool,
) -> None:  # fmt: skip
    """Publish a compensating action for each action that fits all that is given.

    What is revoked already is left out, so that a command may be run again.
    """
    which = Which(frozenset(action_ids), rule, rulebook, user, *_times(since, until))
    if not which:
        raise click.UsageError("say which actions: by their ids, --rule, --rulebook, --user, --since, --until")
    found = read_actions(settings).find(which)
    table = Table("when (UTC)", "rule", "kind", "target", "action")
    for one in found[:_SHOWN]:
        target = f"{one['target']['type']} {one['target']['id']}"
        table.add_row(time_text(one["ts"]), one["rule"], one["kind"], target, one["action_id"])
    if found:
        Console().print(table)
    rules = ", ".join(f"{name} {count}" for name, count in Counter(one["rule"] for one in found).most_common())
    users = len({one["user_id"] for one in found})
    if dry_run or not found:
        echo(f"{len(found)} actions on {users} users would be revoked{': ' if rules else ''}{rules}")
        return
    revoke(settings, found, author, note)
    echo(f"revoked {len(found)} actions on {users} users: {rules}")


@command.command("appeal")
@click.argument("action_id")
@click.option("--moderator", default=getpass.getuser, help="Who upholds it.  [default: the user's name]")
@click.option("--note", default="", help="Why; whoever is concerned may read it.")
@with_settings
def appeal(settings: Settings, action_id: str, moderator: str, note: str) -> None:
    """An appeal is upheld: take back this action, and no other, and label its event ham."""
    found = read_actions(settings).find(Which(frozenset([action_id])))
    if not found:
        echo(f"no action {action_id} stands: is the id right, and is it not revoked already?")
        sys.exit(1)
    uphold_appeal(settings, found[0], moderator, note)
    echo(f"revoked {action_id}, and labelled event {found[0]['event_id']} ham")


def _times(*moments: Moment | None) -> list[int | None]:
    now_ms = int(time.time() * 1000)
    return [moment.before(now_ms) if moment is not None else None for moment in moments]
