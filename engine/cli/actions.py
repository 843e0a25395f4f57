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
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many, the newest first.")
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
    actions = [action for action in published.all(which) if not revoked or action["action_id"] in published.revoked]
    if mode is not None:
        in_mode = acted_in(settings, mode)
        actions = [action for action in actions if (action["event_id"], action["rule"]) in in_mode]
    newest = actions[: -limit - 1 : -1]
    if as_json:
        for action in newest:
            standing = {"state": published.state(action, now_ms), "ends": published.ends_at(action)}
            echo(orjson.dumps({**action, **standing, "revoked": published.revoked.get(action["action_id"])}))
        return
    if newest:
        Console().print(_table(newest, published, now_ms))
    taken = sum(action["action_id"] in published.revoked for action in actions)
    more = f", the newest {len(newest)} are shown" if len(actions) > len(newest) else ""
    echo(
        f"{len(actions):,} actions on {len({action['user_id'] for action in actions}):,} users, {taken:,} revoked{more}"
    )


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
    which = Which(
        action_ids=frozenset(action_ids),
        rule=rule,
        rulebook=rulebook,
        user_id=user,
        since_ms=as_epoch_ms(since),
        until_ms=as_epoch_ms(until),
    )
    if not which:
        raise click.UsageError("say which actions: by their ids, --rule, --rulebook, --user, --since, --until")
    actions = read_actions(settings).find(which)
    table = Table("when (UTC)", "rule", "kind", "target", "action")
    for action in actions[:_SHOWN]:
        target = f"{action['target']['type']} {action['target']['id']}"
        table.add_row(time_text(action["ts"]), action["rule"], action["kind"], target, action["action_id"])
    if actions:
        Console().print(table)
    if len(actions) > _SHOWN:
        echo(f"the first {_SHOWN} of {len(actions):,} are shown")
    rules = ", ".join(f"{name} {count}" for name, count in Counter(action["rule"] for action in actions).most_common())
    users = len({action["user_id"] for action in actions})
    if dry_run or not actions:
        echo(f"{len(actions)} actions on {users} users would be revoked{': ' if rules else ''}{rules}")
        return
    revoke(settings, actions, author, note)
    echo(f"revoked {len(actions)} actions on {users} users: {rules}")


@command.command("appeal")
@click.argument("action_id")
@click.option("--moderator", default=getpass.getuser, help="Who upholds it.  [default: the user's name]")
@click.option("--note", default="", help="Why; whoever is concerned may read it.")
@with_settings
def appeal(settings: Settings, action_id: str, moderator: str, note: str) -> None:
    """An appeal is upheld: take back this action, and no other, and label its event ham."""
    actions = read_actions(settings).find(Which(frozenset([action_id])))
    if not actions:
        echo(f"no action {action_id} stands: is the id right, and is it not revoked already?")
        sys.exit(1)
    uphold_appeal(settings, actions[0], moderator, note)
    echo(f"revoked {action_id}, and labelled event {actions[0]['event_id']} ham")


def _table(actions: list[Any], published: Published, now_ms: int) -> Table:
    table = Table("when (UTC)", "rule", "what", "target", "for", "state", "action")
    for action in actions:
        deed = f"{action['kind']} {action['scope']}" if "scope" in action else action["kind"]
        lasts, about = duration_text(action.get("for_ms")) or "", f"{action['target']['type']} {action['target']['id']}"
        state = published.state(action, now_ms)
        table.add_row(time_text(action["ts"]), action["rule"], deed, about, lasts, state, action["action_id"])
    return table
