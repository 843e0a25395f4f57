"""`floodgate sim`: the simulated day, without a broker."""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
from rich.progress import track

from engine.cli.options import PATH
from engine.cli.output import Console, echo
from engine.cli.verdict import tell_verdict
from engine.core.rules import Rulebook
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.sim.attacks import Event
from engine.sim.evasion import evasion as cost_of
from engine.sim.world import simulate_day
from engine.stream.offline import Arrival, OfflineEngine


@click.group("sim")
def command() -> None:
    """The simulated day: what the rules catch of it, and its events as a file."""


@command.command("report")
@click.option("--rules", default="rules", show_default=True, type=PATH, help="The rulebook.")
@click.option("--seed", default=1, show_default=True, help="Another day.")
@click.option("--people", default=1_500, show_default=True, help="How many normal people there are.")
@click.option("--evasion", is_flag=True, help="Also how much slower or wider each attack gets through; a minute.")
def report(rules: Path, seed: int, people: int, evasion: bool) -> None:
    """Run the rules over a simulated day: attacks caught, look-alikes left alone, no models.

    Exit code 1 when an attack got through or a look-alike was acted on.
    """
    console = Console()
    day, rulebook, progress = simulate_day(seed, people), load_rulebook(rules), Console(stderr=True)
    lines = [orjson.dumps(one.event) for one in day]
    actions = _actions(rulebook, track(lines, "deciding", console=progress, transient=True))
    evasions = None
    if evasion:
        attacks: dict[str, list[Event]] = {}
        for one in day:
            if one.attack is not None:
                attacks.setdefault(one.attack, []).append(one.event)
        tried = track(attacks.items(), "evading", console=progress, transient=True)
        evasions = {name: cost_of(events, partial(_acted_on, rulebook)) for name, events in tried}
    sys.exit(0 if tell_verdict(console, day, actions, evasions) else 1)


def _actions(rulebook: Rulebook, lines: Iterable[bytes]) -> list[dict[str, Any]]:
    settings = Settings()
    messages = OfflineEngine(rulebook, settings).run(Arrival("event", 0, line) for line in lines)
    return [orjson.loads(message.value) for message in messages if message.topic == settings.topics.actions]


def _acted_on(rulebook: Rulebook, lines: Sequence[bytes]) -> set[str]:
    return {action["user_id"] for action in _actions(rulebook, lines)}


@command.command("events")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.option("--seed", default=1, show_default=True, help="Another day.")
@click.option("--people", default=1_500, show_default=True, help="How many normal people there are.")
def events(out: Path, seed: int, people: int) -> None:
    """Write a simulated day's events as JSON Lines, in order of arrival, for `feed` and `replay`."""
    day = simulate_day(seed, people)
    with out.open("wb") as file:
        file.writelines(orjson.dumps(one.event) + b"\n" for one in day)
    echo(f"{len(day)} events in {out}")
