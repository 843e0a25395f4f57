"""`floodgate actions`: what was enforced, and taking it back."""

import getpass
import sys
import time
from collections import Counter
from typing import Any

import click
import orjson
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.cli.times import SINCE, UNTIL, Moment, as_epoch_ms
from engine.core.domain.units import duration_text, time_text
from engine.settings import Settings
from engine.stream.admin.hits import acted_in
from engine.stream.admin.revocation import Published, Which, read_actions, revoke, uphold_appeal

_SHOWN = 10


@click.group("actions")
def command() -> None:
    """See what was enforced, and take it back."""


@command.command("list")
@click.option("--rule", help="Of this rule.")
@click.option("--kind", help="Of this kind: limit, hide, suspend …")
@click.option("--mode", type=click.Choice(("enforce", "canary")), help="Of rules that were in this mode.")
@click.option("--user", help="On this user's events.")
@click.option("--target", help="About this user, event, domain, device …")
@SINCE
@UNTIL
@click.option("--revoked", is_flag=True, help="Only those that are revoked.")
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@with_settings
def list_command(
    settings: Settings, rule: str | None, kind: str | None, mode: str | None, user: str | None, target: str | None,
    since: Moment | None, until: Moment | None, revoked: bool, limit: int, as_json: bool,
) -> None:  # fmt: skip
    """List what was enforced: for how long, until when, and whether it is revoked, by whom and why."""
    now_ms, published = int(time.time() * 1000), read_actions(settings)
    since_ms, until_ms = as_epoch_ms(since), as_epoch_ms(until)
    which = Which(rule=rule, user_id=user, since_ms=since_ms, until_ms=until_ms, kind=kind, target_id=target)
    found = [one for one in published.all(which) if not revoked or one["action_id"] in published.revoked]
    if mode is not None:
        in_mode = acted_in(settings, mode)
        found = [one for one in found if (one["event_id"], one["rule"]) in in_mode]
    newest = found[: -limit - 1 : -1]
    if as_json:
        for one in newest:
            told = {"state": published.state(one, now_ms), "ends": published.ends_at(one)}
            echo(orjson.dumps({**one, **told, "revoked": published.revoked.get(one["action_id"])}))
        return
    if newest:
        Console().print(_table(newest, published, now_ms))
    taken = sum(one["action_id"] in published.revoked for one in found)
    more = f", the newest {len(newest)} are shown" if len(found) > len(newest) else ""
    echo(f"{len(found):,} actions on {len({one['user_id'] for one in found}):,} users, {taken:,} revoked{more}")


@command.command("revoke")
@click.argument("action_ids", nargs=-1)
@click.option("--rule", help="Of this rule.")
@click.option("--rulebook", help="Of this version of the rulebook: its id, or its beginning.")
@click.option("--user", help="On this user's events.")
@SINCE
@UNTIL
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
    which = Which(frozenset(action_ids), rule, rulebook, user, as_epoch_ms(since), as_epoch_ms(until))
    if not which:
        raise click.UsageError("say which actions: by their ids, --rule, --rulebook, --user, --since, --until")
    found = read_actions(settings).find(which)
    table = Table("when (UTC)", "rule", "kind", "target", "action")
    for one in found[:_SHOWN]:
        target = f"{one['target']['type']} {one['target']['id']}"
        table.add_row(time_text(one["ts"]), one["rule"], one["kind"], target, one["action_id"])
    if found:
        Console().print(table)
    if len(found) > _SHOWN:
        echo(f"the first {_SHOWN} of {len(found):,} are shown")
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


def _table(actions: list[Any], published: Published, now_ms: int) -> Table:
    table = Table("when (UTC)", "rule", "what", "target", "for", "state", "action")
    for one in actions:
        what = f"{one['kind']} {one['scope']}" if "scope" in one else one["kind"]
        lasts, about = duration_text(one.get("for_ms")) or "", f"{one['target']['type']} {one['target']['id']}"
        state = published.state(one, now_ms)
        table.add_row(time_text(one["ts"]), one["rule"], what, about, lasts, state, one["action_id"])
    return table
