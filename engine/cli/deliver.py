"""`floodgate deliver`: actions to webhooks."""

import logging.config
import sys

import click
import orjson
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.core.domain.units import time_text
from engine.delivery.process import deliver, send_again
from engine.delivery.standing import read_standing
from engine.delivery.store import DeliveryStore, SetAside
from engine.errors import SettingsError
from engine.settings import Settings
from engine.stream.worker.logs import logging_config


@click.group("deliver", invoke_without_command=True)
@click.option("--only", multiple=True, metavar="NAME", help="Deliver to this receiver alone. May be given often.")
@with_settings
def command(settings: Settings, only: tuple[str, ...]) -> None:
    """Deliver actions to the webhooks of `delivery.receivers`, until it is told to stop.

    Each action comes at least once, and for each target in order; what was delivered before is skipped by its id.
    """
    context = click.get_current_context()
    context.obj = settings
    if context.invoked_subcommand is not None:
        return
    known = settings.delivery.receivers
    if not known:
        raise SettingsError("`delivery.receivers` names nobody to deliver to")
    unknown = sorted(set(only) - known.keys())
    if unknown:
        raise SettingsError(f"`delivery.receivers` has no {', '.join(unknown)}; it has {', '.join(known)}")
    logging.config.dictConfig(logging_config(settings.log_level, settings.log_format))
    deliver(settings, only or tuple(known))


@command.command("status")
@click.option("--most-behind", type=int, default=1_000, show_default=True, help="So many messages may wait.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
@click.pass_obj
def status(settings: Settings, most_behind: int, as_json: bool) -> None:
    """Show how far each receiver is. Exit code 1 where one is far behind, or actions were set aside."""
    standing = read_standing(settings)
    if as_json:
        for one in standing:
            echo(orjson.dumps(one._asdict()))
    else:
        table = Table("receiver", "url", "behind", "set aside", box=None, pad_edge=False)
        for one in standing:
            table.add_row(one.receiver, one.url, f"{one.lag:,}", f"{one.set_aside:,}")
        Console().print(table)
    if any(one.lag > most_behind or one.set_aside for one in standing):
        sys.exit(1)


@command.command("set-aside")
@click.option("--receiver", help="Of this receiver alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, each with the whole action.")
@click.pass_obj
def set_aside(settings: Settings, receiver: str | None, as_json: bool) -> None:
    """List actions that a receiver has not taken while it took others."""
    found = _read(settings, receiver, ())
    if as_json:
        for one in found:
            echo(orjson.dumps(one._asdict() | {"action": orjson.Fragment(one.action)}))
        return
    table = Table("set aside (UTC)", "receiver", "action", "why", box=None, pad_edge=False)
    for one in found:
        table.add_row(time_text(one.at_ms), one.receiver, one.action_id, one.why)
    if found:
        Console().print(table)
    echo(f"{len(found):,} actions are set aside")


@command.command("again")
@click.argument("action_ids", nargs=-1)
@click.option("--receiver", help="To this receiver alone.")
@click.pass_obj
def again(settings: Settings, action_ids: tuple[str, ...], receiver: str | None) -> None:
    """Send actions again that were set aside: those of ACTION_IDS, or all. Exit code 1 where one is not taken."""
    found = _read(settings, receiver, action_ids)
    answers = send_again(settings, found)
    for one, answer in zip(found, answers, strict=True):
        if not answer.is_taken:
            echo(f"{one.receiver} has not taken {one.action_id}: {answer.status} {answer.why}")
    taken = sum(answer.is_taken for answer in answers)
    echo(f"{taken:,} of {len(found):,} were taken")
    if taken < len(found):
        sys.exit(1)


def _read(settings: Settings, receiver: str | None, action_ids: tuple[str, ...]) -> list[SetAside]:
    store = DeliveryStore(settings.delivery.store)
    try:
        return [one for one in store.all_set_aside(receiver) if not action_ids or one.action_id in action_ids]
    finally:
        store.close()
