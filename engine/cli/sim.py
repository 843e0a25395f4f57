"""`floodgate sim`: the simulated day, without a broker."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
from rich.progress import track

from engine.cli.lies import tell_lies
from engine.cli.output import Console, echo
from engine.cli.pictures import has_pictures, looked_at, simulated_pictures
from engine.cli.starter_rules import with_rules
from engine.cli.verdict import tell_verdict
from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.attacks import Event
from engine.sim.evasion import evasion as cost_of
from engine.sim.lies import LIES, SPARE_KEYS, outcome, tell_lie
from engine.sim.patient import is_victims
from engine.sim.verdict import concerned
from engine.sim.week import WEEK_AREAS, SimulatedWeek, judged, simulate_week
from engine.sim.world import FIRST_SEED, SimulatedEvent, day_after, simulate_day
from engine.stream.offline.arrivals import Arrival, merge
from engine.stream.offline.engine import OfflineEngine

_PEOPLE = click.option(
    "--people", default=1_500, show_default=True, type=click.IntRange(1),
    help="How many normal people there are.",
)  # fmt: skip


@click.group("sim")
def command() -> None:
    """The simulated day: what the rules catch of it, and its events as a file."""


@command.command("report")
@with_rules
@click.option("--seed", default=FIRST_SEED, show_default=True, type=click.IntRange(min=0), help="Another day.")
@_PEOPLE
@click.option("--evasion", is_flag=True, help="Also how much slower or wider each attack gets through; minutes.")
@click.option("--lies", is_flag=True, help="Also what is left of it when attackers lie in their events; minutes.")
def report(rules: Path, seed: int, people: int, evasion: bool, lies: bool) -> None:
    """Run the rules over a simulated day, its pictures, and the days after it: attacks caught, look-alikes left alone,
    no models.

    Exit code 1 when an attack got through or a look-alike was acted on, or a lie helped.
    """
    console = Console()
    day, rulebook, progress = simulate_day(seed, people), load_rulebook(rules), Console(stderr=True)
    week = simulate_week(seed)
    pictured = looked_at(simulated_pictures(seed, people, written=True)) if has_pictures(console) else []
    actions, keys = _run(rulebook, track(_lines(day), "deciding", console=progress, transient=True))
    later = [*acts_in(rulebook, week), *acts_on(rulebook, pictured)]
    evasions = None
    if evasion:
        attacks: dict[str, list[Event]] = {}
        for simulated in (*day, *pictured):
            if simulated.attack is not None:
                attacks.setdefault(simulated.attack, []).append(simulated.event)
        tried = track(attacks.items(), "evading", console=progress, transient=True)
        evasions = {name: cost_of(events, partial(_acted_on, rulebook)) for name, events in tried}
        slow = track(WEEK_AREAS, "evading, slowly", console=progress, transient=True)
        for name in slow:
            evasions[name] = cost_of(_of_attack(week, name), partial(_acted_on_in, rulebook, week, name))
    lying = {}
    if lies:
        scarce = replace(rulebook, max_keys={kind: int(SPARE_KEYS * count) + 1 for kind, count in keys.items()})
        for lie in track(LIES, "lying", console=progress, transient=True):
            events = (orjson.dumps(simulated.event) for simulated in tell_lie(day, lie, seed))
            lying[lie.name] = outcome(day, _run(scarce if lie.before else rulebook, events)[0], lie)
    well = tell_verdict(console, [*day, *week.events, *pictured], [*actions, *later], evasions)
    if lies:
        well = tell_lies(console, outcome(day, actions), lying) and well
    sys.exit(0 if well else 1)


def _lines(events: Iterable[SimulatedEvent]) -> list[bytes]:
    return [orjson.dumps(simulated.event) for simulated in events]


def _run(rulebook: Rulebook, lines: Iterable[bytes]) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    """The actions, and how many entities of each kind are counted."""
    return _decide(rulebook, (Arrival("event", 0, line) for line in lines))


def _decide(rulebook: Rulebook, arrivals: Iterable[Arrival]) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    settings, keys = Settings(), Counter[str]()
    engine = OfflineEngine(rulebook, settings)
    messages = engine.run(arrivals)
    actions = [orjson.loads(message.value) for message in messages if message.topic == settings.topics.actions]
    for (kind, _), count in engine.state.entity_budget().counts.items():
        keys[kind] += count
    return actions, keys


def _acted_on(rulebook: Rulebook, lines: Sequence[bytes]) -> set[str]:
    return {concerned(action) for action in _run(rulebook, lines)[0]}


def acts_on(rulebook: Rulebook, events: Iterable[SimulatedEvent]) -> list[dict[str, Any]]:
    """The actions on these events, and nothing else."""
    return _run(rulebook, _lines(events))[0]


def acts_in(rulebook: Rulebook, week: SimulatedWeek) -> list[dict[str, Any]]:
    """The actions of these days, with their labels. The models learn nothing from so few."""
    silent = {name: replace(model, learns=False) for name, model in rulebook.models.items()}
    events = (Arrival("event", int(str(one.event["ts"])), orjson.dumps(one.event)) for one in week.events)
    labels = (
        Arrival("label", int(str(one.label["ts"])), orjson.dumps(one.label | {"user_id": one.user_id}))
        for one in week.labels
    )
    return _decide(replace(rulebook, models=silent), merge(events, labels))[0]


def _of_attack(week: SimulatedWeek, name: str) -> list[Event]:
    return [one.event for one in week.events if one.attack == name]


def _acted_on_in(rulebook: Rulebook, week: SimulatedWeek, name: str, lines: Sequence[bytes]) -> set[str]:
    """The same for an attack of these days: beside its victims, with these events in its place."""
    others = [one for one in week.events if one.attack is None and is_victims(one.event)]
    changed = [SimulatedEvent(orjson.loads(line), name) for line in lines]
    return {concerned(action) for action in acts_in(rulebook, judged([*others, *changed]))}


@command.command("events")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.option(
    "--seed",
    default=FIRST_SEED,
    show_default=True,
    type=click.IntRange(min=0),
    help="Another day, with other people and ids.",
)
@_PEOPLE
@click.option("--same-people", is_flag=True, help="With --seed: another day of the same people.")
def events(out: Path, seed: int, people: int, same_people: bool) -> None:
    """Write a simulated day's events as JSON Lines, in order of arrival, for `feed` and `replay`.

    Days of different seeds follow one another, and share no event ids and no users: one can be fed after another.
    """
    day = simulate_day(seed, people, day_after(seed), same_people)
    with out.open("wb") as file:
        file.writelines(orjson.dumps(simulated.event) + b"\n" for simulated in day)
    echo(f"{len(day)} events in {out}")
