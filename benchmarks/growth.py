"""How the cost of an event grows: with rules, counters, text, skew and hops; each axis in every round."""

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import engine
from benchmarks.engine import Stream, Work, benchmark_rules, published, trained
from benchmarks.hops import hot, measure_hops
from benchmarks.measure import measure_engine
from benchmarks.workload import events
from engine.dev.pages import free_port
from engine.rulebook.compiler import load_rulebook

EVENTS = 40_000
LIMITS = {"rules": 2.0, "counters": 3.0}
"""How many times the first one's cost the last one may be."""

_TYPES = ("post", "comment", "message", "follow", "like")
_WINDOWS = ("1m", "10m", "1h", "1d")


def growth(console: Console, rounds: int) -> dict[str, Any]:
    """All axes, as a table and as the summary's part."""
    stream = list(events(EVENTS))
    axes = _axes(stream)
    found: dict[str, dict[str, list[float]]] = {axis: {name: [] for name in ways} for axis, ways in axes.items()}
    for number in range(1, rounds + 1):
        for axis, ways in axes.items():
            for name, measure in ways.items():
                found[axis][name].append(measure())
            console.print(f"growth, round {number}, {axis}: {_told(found[axis])}")
    summary = {
        axis: {name: round(statistics.median(cpu), 2) for name, cpu in ways.items()} for axis, ways in found.items()
    }
    for axis, costs in summary.items():
        show(console, axis, costs, LIMITS.get(axis))
    return summary


def show(console: Console, axis: str, costs: Mapping[str, float], limit: float | None = None) -> None:
    """One axis as a table."""
    first = next(iter(costs.values()))
    table = Table(axis, "CPU µs/event", "to the first", title=f"growth with {axis}")
    for name, cost in costs.items():
        table.add_row(name, f"{cost:.1f}", f"{cost / first:.2f}")
    console.print(table)
    if limit is not None:
        times = list(costs.values())[-1] / first
        console.print(f"{axis}: {times:.2f} times, at most {limit:g} wanted: {'ok' if times <= limit else 'TOO MUCH'}")


def _axes(stream: Stream) -> dict[str, dict[str, Callable[[], float]]]:
    rulebook = benchmark_rules()
    model = published(trained(rulebook, stream[:2_000]))

    def with_model(given: Stream) -> Callable[[], float]:
        return partial(_cost, Work(rulebook, given, model))

    def with_rules(text: str) -> Callable[[], float]:
        return partial(_cost, Work(load_rulebook({"rules.yaml": text}), stream))

    axes: dict[str, dict[str, Callable[[], float]]] = {
        "rules": {str(count): with_rules(many_rules(count)) for count in (10, 100, 1_000)},
        "counters": {str(count): with_rules(many_counters(count)) for count in (12, 60, 200)},
        "text characters": {str(length): with_model(_with_text(stream, length)) for length in (0, 200, 2_000)},
        "skew": {str(skew): with_model(list(events(EVENTS, skew=skew))) for skew in (0.8, 1.0, 1.2)},
        "hops": {str(stops): partial(measure_hops, stops, stream) for stops in range(4)},
    }
    axes["hops"]["1, half of all events to one entity"] = partial(measure_hops, 1, hot(stream))
    return axes


def _cost(work: Work) -> float:
    with engine.prepared(work) as settings:
        return measure_engine(settings, len(work.stream), free_port()).cpu_us_per_event


def many_rules(count: int) -> str:
    """So many rules over five event types and twenty counters; none of them holds."""
    names = [f"{kind}s_{window}" for kind in _TYPES for window in _WINDOWS]
    counters = "".join(
        f"  {name}: {{count: {name.split('s_')[0]}, by: user_id, over: {name.split('_')[1]}}}\n" for name in names
    )
    rules = "".join(
        f"  rule_{at}: {{event: {_TYPES[at % 5]}, then: {{flag: x}}, "
        f"when: ['{names[at // 5 % 20]} > {900 + at % 90}', 'followers < {at}']}}\n"
        for at in range(count)
    )
    return f"version: 1\nfields:\n  followers: number\ncounters:\n{counters}rules:\n{rules}"


def many_counters(count: int) -> str:
    """So many counters of one user, four windows to a series, all of them read for each event."""
    names = []
    counters = ""
    for at in range(count):
        series, window = divmod(at, 4)
        names.append(f"c{at}")
        counters += (
            f"  c{at}: {{count: {_TYPES[series % 5]}, where: followers >= {series // 5}, by: user_id, "
            f"over: {_WINDOWS[window]}}}\n"
        )
    rules = "".join(
        f"  rule_{at}: {{event: any, when: ['{' + '.join(names[at : at + 4])} > 3900'], then: {{flag: x}}}}\n"
        for at in range(0, count, 4)
    )
    return f"version: 1\nfields:\n  followers: number\ncounters:\n{counters}rules:\n{rules}"


def _with_text(stream: Stream, length: int) -> Stream:
    made = []
    for key, value in stream:
        event = orjson.loads(value)
        event["text"] = (event["text"] * (1 + length // max(1, len(event["text"]))))[:length]
        made.append((key, orjson.dumps(event)))
    return made


def _told(ways: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: round(costs[-1], 1) for name, costs in ways.items()}
