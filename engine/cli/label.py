"""`floodgate label`."""

import getpass
import sys
import time

import click
import orjson

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.learning.verdicts import VERDICTS
from engine.settings import Settings
from engine.stream.admin.known import find_known_actions, find_known_events
from engine.stream.admin.publishing import Publisher


@click.command("label")
@click.argument("names", metavar="EVENT_ID...", nargs=-1, required=True)
@click.argument("verdict", type=click.Choice(VERDICTS))
@click.option("--action", "is_action", is_flag=True, help="EVENT_ID is an action's id: its event is meant.")
@click.option("--user", help="The event's user: the label then goes straight to the right partition.")
@click.option("--moderator", default=getpass.getuser, help="Who says so.  [default: the user's name]")
@click.option(
    "--propensity",
    type=click.FloatRange(0, 1, min_open=True),
    help="How likely the event was to be chosen for a label.",
)
@click.option("--policy", help="What the verdict is about, for models that learn that alone.")
@click.option("--yes", is_flag=True, help="Publish also for events that the engine has not seen lately.")
@with_settings
def command(
    settings: Settings, names: tuple[str, ...], verdict: str, is_action: bool, user: str | None, moderator: str,
    propensity: float | None, policy: str | None, yes: bool,
) -> None:  # fmt: skip
    """Publish labels: each EVENT_ID is spam or ham, or an earlier verdict is retracted. `-` reads ids from standard
    input, one a line.

    A label on an event that the engine has not seen lately is not published without `--yes`; the exit code is 1 then.
    """
    ids = list(dict.fromkeys(_spelt_out(names)))
    find = find_known_actions if is_action else find_known_events
    known = find(settings, ids)
    sent = [name for name in ids if yes or name in known]
    label: dict[str, object] = {"label": verdict, "ts": int(time.time() * 1000), "moderator": moderator}
    if propensity is not None:
        label["propensity"] = propensity
    if policy is not None:
        label["policy"] = policy
    with Publisher(settings) as publisher:
        for name in sent:
            named = {"action_id" if is_action else "event_id": name}
            publisher.label(orjson.dumps({**named, **label}), user_id=user)
    for name in sent:
        echo(f"labelled {name} as {verdict}")
    unknown = [name for name in ids if name not in known]
    if unknown:
        outcome = "published all the same" if yes else "not published; `--yes` publishes it"
        for name in unknown:
            echo(f"floodgate: the engine has not seen {name} lately: {outcome}", err=True)
        if not yes:
            sys.exit(1)


def _spelt_out(names: tuple[str, ...]) -> list[str]:
    ids = []
    for name in names:
        if name == "-":
            ids += [line.strip() for line in click.get_text_stream("stdin") if line.strip()]
        else:
            ids.append(name)
    if not ids:
        raise click.UsageError("standard input has no ids")
    return ids
