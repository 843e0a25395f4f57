"""`floodgate demo`."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import click
import orjson
from rich.table import Table

from engine.cli.options import FILE
from engine.cli.output import Console
from engine.cli.pictures import PICTURES, has_pictures, simulated_pictures
from engine.cli.recordings import read_events, read_labels, read_lines
from engine.cli.starter_rules import with_rules
from engine.cli.times import DURATION
from engine.cli.verdict import tell_verdict
from engine.core.domain.events import FieldMapping
from engine.dev.demo import Stage, Traffic, run_demo
from engine.dev.observer import Observation
from engine.sim.verdict import judge
from engine.sim.world import FIRST_SEED, PICTURE_AREAS, SimulatedEvent, SimulatedModerator, simulate_day
from engine.stream.offline.arrivals import Arrival, merge


@click.command("demo")
@with_rules
@click.option("--events", "events_path", type=FILE, help="Recorded events in place of the simulated day.")
@click.option("--labels", "labels_path", type=FILE, help="Labels of the recorded events.")
@click.option(
    "--rate", default=700.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Events a second."
)
@click.option("--seed", default=FIRST_SEED, show_default=True, type=click.IntRange(min=0), help="Another day.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 32), help="Worker processes.")
@click.option("--kafka", is_flag=True, help="On Apache Kafka in place of the embedded broker.")
@click.option("--console-for", type=DURATION, help="Keep the web console up for so long at the end, such as 60s.")
def command(
    rules: Path, events_path: Path | None, labels_path: Path | None, rate: float, seed: int, workers: int, kafka: bool,
    console_for: int | None,
) -> None:  # fmt: skip
    """Run everything on this machine: broker, worker, web console, traffic with attacks, a moderator; show it.

    Ends by itself with a summary; at a terminal, once somebody presses Enter. Exit code 1 when an attack of the
    simulated day was not caught.
    """
    if labels_path is not None and events_path is None:
        raise click.UsageError("--labels goes with --events: the simulated day has labels of its own")
    console = Console()
    stage = Stage(workers, kafka, console_for / 1000 if console_for is not None else None)
    if events_path is not None:
        _recorded(console, rules, events_path, labels_path, rate, stage)
    else:
        _simulated(console, rules, rate, seed, stage)


def _simulated(console: Console, rules: Path, rate: float, seed: int, stage: Stage) -> None:
    day = simulate_day(seed)
    labels = SimulatedModerator().labels(day, Random(seed + 1))
    judged = [Arrival("label", int(str(label.label["ts"])), orjson.dumps(label.label)) for label in labels]
    arrivals = list(merge(_arrivals(day), judged))
    if has_pictures(console):
        pictured = simulated_pictures(seed)
        arrivals = list(merge(arrivals, _arrivals(pictured)))
        day, stage = [*day, *pictured], replace(stage, enrichment={"enrichers": {"pictures": PICTURES}})
    attacked = sum(simulated.attack is not None for simulated in day)
    console.print(f"a simulated day: {len(day)} events, {attacked} of them in attacks, {len(labels)} labels to come")
    traffic = Traffic(arrivals, len(arrivals), rate)
    sys.exit(0 if run_demo(rules, traffic, stage, console, lambda seen: _tell_attacks(console, day, seen)) else 1)


def _arrivals(events: Sequence[SimulatedEvent]) -> list[Arrival]:
    return [Arrival("event", int(str(one.event["ts"])), orjson.dumps(one.event)) for one in events]


def _tell_attacks(console: Console, day: list[SimulatedEvent], seen: Observation) -> bool:
    caught = tell_verdict(console, day, seen.actions)
    _tell_totals(console, seen)
    if seen.enriched:
        rings = [ring for ring in judge(day, seen.actions)[0] if ring.name in PICTURE_AREAS]
        found = ", ".join(f"{ring.name} ({len(ring.caught)} of {len(ring.accounts)} accounts)" for ring in rings)
        looked = f"{seen.enriched} events with pictures looked at, {seen.not_enriched} could not be"
        console.print(f"{looked}; rings found by their pictures: {found}")
    return caught


def _recorded(
    console: Console, rules: Path, events_path: Path, labels_path: Path | None, rate: float, stage: Stage
) -> None:  # fmt: skip
    labels = list(read_labels(labels_path)) if labels_path else []
    arrivals = list(merge(read_events(events_path, FieldMapping()), labels))
    traffic = Traffic(arrivals, len(arrivals), rate)
    run_demo(rules, traffic, stage, console, lambda seen: _tell_recorded(console, seen, labels_path))


def _tell_recorded(console: Console, seen: Observation, labels_path: Path | None) -> None:
    _tell_totals(console, seen)
    if labels_path is None:
        return
    truth = {}
    for line in read_lines(labels_path):
        label = orjson.loads(line)
        truth[label["event_id"]] = label["label"]
    counts = Counter((action["rule"], truth.get(action["event_id"], "unlabelled")) for action in seen.actions)
    table = Table("rule", "on spam", "on ham", "unlabelled", title="Actions against the labels")
    for rule in sorted({rule for rule, _ in counts}):
        table.add_row(rule, *(str(counts[rule, kind]) for kind in ("spam", "ham", "unlabelled")))
    console.print(table)


def _tell_totals(console: Console, seen: Observation) -> None:
    rules = ", ".join(f"{rule} {count}" for rule, count in seen.by_rule.most_common())
    console.print(f"{seen.decided} events decided, {len(seen.actions)} actions ({rules or 'none'})")
    auc = f"{seen.model_auc:.3f}" if seen.model_auc is not None else "not known yet"
    console.print(f"{seen.learned} labels learned; ROC AUC of the scores as given, 1 at best and 0.5 by chance: {auc}")
    shadow = ", ".join(f"{rule} {count}" for rule, count in seen.shadow.most_common())
    console.print(
        f"{seen.dead_letters} dead letters; rules in shadow (they only watch) have met: {shadow or 'nothing'}"
    )
