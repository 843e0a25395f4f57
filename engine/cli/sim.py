"""`floodgate sim`: the simulated day, without a broker."""

import sys
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import track

from engine.cli.options import PATH
from engine.cli.verdict import tell_verdict
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.sim.world import simulate_day
from engine.stream.offline import Arrival, OfflineEngine


@click.group("sim")
def command() -> None:
    """The simulated day: what the rules catch of it, and its events as a file."""


@command.command("report")
@click.option("--rules", default="rules", show_default=True, type=PATH, help="The rulebook.")
@click.option("--seed", default=1, show_default=True, help="Another day.")
@click.option("--people", default=1_500, show_default=True, help="How many normal people there are.")
def report(rules: Path, seed: int, people: int) -> None:
    """Run the rules over a simulated day: attacks caught, look-alikes left alone, no models.

    Exit code 1 when an attack got through or a look-alike was acted on.
    """
    console = Console()
    day, settings = simulate_day(seed, people), Settings()
    engine = OfflineEngine(load_rulebook(rules), settings)
    arrivals = [Arrival("event", 0, orjson.dumps(one.event)) for one in day]
    messages = engine.run(track(arrivals, "deciding", console=Console(stderr=True), transient=True))
    actions = [orjson.loads(message.value) for message in messages if message.topic == settings.topics.actions]
    sys.exit(0 if tell_verdict(console, day, actions) else 1)


@command.command("events")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.option("--seed", default=1, show_default=True, help="Another day.")
@click.option("--people", default=1_500, show_default=True, help="How many normal people there are.")
def events(out: Path, seed: int, people: int) -> None:
    """Write a simulated day's events as JSON Lines, in order of arrival, for `feed` and `replay`."""
    day = simulate_day(seed, people)
    with out.open("wb") as file:
        file.writelines(orjson.dumps(one.event) + b"\n" for one in day)
    click.echo(f"{len(day)} events in {out}")
