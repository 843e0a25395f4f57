"""`make bench`: CPU microseconds per event of the engine and of a naive Faust implementation.

Both read the same events from the same embedded broker, one after the other in each round; medians over
the rounds. Writes benchmarks/out/summary.json.
"""

import json
import statistics
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.hops import RATE, hot, measure_hops, measure_latency
from benchmarks.measure import Cost, measure_engine, measure_naive
from benchmarks.workload import events
from engine.core.entities import EntityRecord
from engine.core.evaluator import Evaluator
from engine.core.events import FieldMapping
from engine.core.rules import Rulebook
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port
from engine.learning.models import LearnedModel
from engine.learning.scored import read_scored
from engine.learning.scorers import ModelScorer
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.stream.clients import producer
from engine.stream.publishing import publish_rulebook
from engine.stream.topics import create_topics

HERE = Path(__file__).parent
OUT = HERE / "out"


@click.command()
@click.option("--events", "count", default=200_000, show_default=True, help="Events for the engine.")
@click.option("--naive-events", default=10_000, show_default=True, help="Events for the naive implementation.")
@click.option("--hop-events", default=40_000, show_default=True, help="Events for the journeys.")
@click.option("--rounds", default=3, show_default=True)
def main(count: int, naive_events: int, hop_events: int, rounds: int) -> None:
    """Measure, print a table, write a summary."""
    console = Console()
    rulebook = load_rulebook(HERE / "rules")
    console.print(f"making {count} events and a model …")
    stream = list(events(count))
    snapshot = _trained(rulebook, [value for _, value in stream[:2_000]])
    costs: dict[str, list[Cost]] = {"engine": [], "naive_faust": []}
    for number in range(1, rounds + 1):
        with BrokerProcess("--retention-mb", "0") as broker:
            settings = Settings(brokers=broker.address, partitions=4, standby_replicas=0)
            _prepare(settings, rulebook, snapshot, stream)
            costs["engine"].append(measure_engine(settings, count, free_port()))
        with BrokerProcess("--retention-mb", "0", "--partitions", "4") as broker:
            settings = Settings(brokers=broker.address, partitions=4)
            _prepare(settings, rulebook, snapshot, stream[:naive_events])
            costs["naive_faust"].append(measure_naive(broker.address, naive_events))
        last = {name: f"{found[-1].cpu_us_per_event:.1f}" for name, found in costs.items()}
        console.print(f"round {number}: CPU µs per event {last}")
    summary = _summary(costs, {"engine": count, "naive_faust": naive_events})
    summary["hops"] = _journeys(console, stream[:hop_events], rounds)
    OUT.mkdir(exist_ok=True)
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    _show(console, summary)


def _journeys(console: Console, stream: list[tuple[bytes, bytes]], rounds: int) -> dict[str, Any]:
    """The cost of journeys: stops 0 to 3, and one busy entity, each in every round."""
    ways = {"0 hops": (0, stream), "1 hop": (1, stream), "2 hops": (2, stream), "3 hops": (3, stream),
            "1 hop, half of all events to one entity": (1, hot(stream))}  # fmt: skip
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(1, rounds + 1):
        for name, (stops, arrivals) in ways.items():
            found[name].append(measure_hops(stops, arrivals).cpu_us_per_event)
        console.print(f"journeys, round {number}: { {name: round(cpu[-1], 1) for name, cpu in found.items()} }")
    latency = {
        name: [round(one, 1) for one in measure_latency(stops)]
        for name, (stops, arrivals) in ways.items()
        if arrivals is stream
    }
    cpu = {name: round(statistics.median(values), 1) for name, values in found.items()}
    table = Table("journey", "CPU µs/event", "p50 ms", "p99 ms", title=f"journeys; event to action at {RATE} events/s")
    for name, cost in cpu.items():
        table.add_row(name, f"{cost:.1f}", *(str(one) for one in latency.get(name, [])))
    console.print(table)
    return {"cpu_us_per_event": cpu, "latency_ms_p50_p99": latency}


def _summary(costs: dict[str, list[Cost]], counts: dict[str, int]) -> dict[str, Any]:
    cpu = {name: [cost.cpu_us_per_event for cost in found] for name, found in costs.items()}
    medians = {name: round(statistics.median(values), 2) for name, values in cpu.items()}
    ratios = [naive / engine for engine, naive in zip(cpu["engine"], cpu["naive_faust"], strict=True)]
    return {
        "cpu_us_per_event": medians,
        "cpu_us_per_event_rounds": {name: [round(value, 2) for value in values] for name, values in cpu.items()},
        "wall_us_per_event": {
            name: round(statistics.median(cost.wall_us_per_event for cost in found), 2) for name, found in costs.items()
        },
        "memory_mb": {name: round(max(cost.memory_mb for cost in found)) for name, found in costs.items()},
        "events": counts,
        "naive_over_engine": {"median": round(statistics.median(ratios), 1), "min": round(min(ratios), 1)},
    }


def _show(console: Console, summary: dict[str, Any]) -> None:
    table = Table("", "CPU µs/event", "wall µs/event", "events", "MB", title="medians of the rounds")
    for name, cpu in summary["cpu_us_per_event"].items():
        table.add_row(
            name, f"{cpu:.1f}", f"{summary['wall_us_per_event'][name]:.1f}", str(summary["events"][name]),
            str(summary["memory_mb"][name]),
        )  # fmt: skip
    console.print(table)
    ratio = summary["naive_over_engine"]
    console.print(f"the naive implementation takes {ratio['median']} times as much CPU (at least {ratio['min']} times)")


def _prepare(settings: Settings, rulebook: Rulebook, snapshot: bytes, stream: list[tuple[bytes, bytes]]) -> None:
    create_topics(settings)
    publish_rulebook(settings, rulebook, "bench", "")
    client = producer(settings, linger_ms=20, batch_size=500_000)
    client.send(settings.topics.models, key=b"spam", value=snapshot, partition=0)
    for key, value in stream:
        client.send(settings.topics.events, key=key, value=value)
    client.flush()
    client.close()


def _trained(rulebook: Rulebook, sample: list[bytes]) -> bytes:
    """A model that has seen two thousand events; frozen, as nobody labels the benchmark's."""
    spec, model, mapping = rulebook.models["spam"], LearnedModel("spam", 0.3), FieldMapping()
    scorer = ModelScorer(spec, None)
    evaluator = Evaluator(rulebook, {"spam": scorer})
    records: dict[str, EntityRecord] = {}
    for data in sample:
        event = mapping.read(orjson.loads(data))
        program = rulebook.program(event.type)
        assert program is not None
        evaluator.evaluate(event, program, records.setdefault(event.user_id, EntityRecord()))
        rows = scorer.take()
        if rows is not None:
            [seen] = read_scored(rows.encode(), int(rows.keys[0]))
            model.learn(seen.features, int(event.user_id[1:]) % 17 == 0)
    return model.snapshot()


if __name__ == "__main__":
    main()
