"""`floodgate label`."""

import getpass
import time

import click
import orjson

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.learning.labels import VERDICTS
from engine.settings import Settings
from engine.stream.publishing import Publisher


@click.command("label")
@click.argument("name", metavar="EVENT_ID")
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
@with_settings
def command(
    settings: Settings,
    name: str,
    verdict: str,
    is_action: bool,
    user: str | None,
    moderator: str,
    propensity: float | None,
    policy: str | None,
) -> None:
    """Publish one label: EVENT_ID is spam or ham, or an earlier verdict is retracted."""
    label = {
        "action_id" if is_action else "event_id": name,
        "label": verdict,
        "ts": int(time.time() * 1000),
        "moderator": moderator,
    }
    if propensity is not None:
        label["propensity"] = propensity
    if policy is not None:
        label["policy"] = policy
    with Publisher(settings) as publisher:
        publisher.label(orjson.dumps(label), user_id=user)
    echo(f"labelled {name} as {verdict}")
