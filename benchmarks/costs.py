"""What rules cost, measured beside what `floodgate rules check --costs` says: python -m benchmarks.costs.

In one process, with the engine as it runs offline. The estimate is of an event that names everything and passes a
broker, as each of its stops does: about 6 µs more for an event, 15 for a stop. That of a statistic is of a full window,
and decisions and actions are not in it.
"""

import statistics
import time
from collections.abc import Iterable

import click
from rich.console import Console
from rich.table import Table

from benchmarks.workload import events
from engine.cli.options import calm_garbage_collection
from engine.core.domain.rules import Rulebook
from engine.rulebook.checks.costs import estimate_costs
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

TEN, THIRTY = range(1, 11), range(1, 31)


def rulebook(counters: Iterable[str] = (), rules: Iterable[str] = (), more: str = "") -> Rulebook:
    """One counter and one rule, and these beside."""
    lines = ["version: 1", more, "counters:", "  base: {count: any, by: user_id, over: 1h}"]
    lines += [f"  {one}" for one in counters]
    lines += ["rules:", "  first: {event: any, when: [base > 900], then: {flag: x}}"]
    lines += [f"  {one}" for one in rules]
    return load_rulebook({"rules.yaml": "\n".join(lines) + "\n"})


def counted(kind: str, more: str = "") -> Rulebook:
    """Ten counters of a kind, and a rule for each."""
    return rulebook(
        [f"c{n}: {{{kind}, by: user_id, over: {n}h, where: event.followers > {n}{more}}}" for n in TEN],
        [f"r{n}: {{event: any, when: [c{n} > 900], then: {{flag: x}}}}" for n in TEN],
    )


def at(kind: str) -> Rulebook:
    """One counter at another entity."""
    rule = "r: {event: any, when: [k > 900], then: {flag: x}}"
    return rulebook([f"k: {{count: any, by: {kind}, over: 1h}}"], [rule])


def of_the_past() -> dict[str, Rulebook]:
    """Memory, order, what has followed, and what is done to somebody."""
    pair = "by: [user_id, device_id]"
    ask = "r: {{event: any, when: [{}], then: {{flag: x}}}}"
    likely = "often: {event: any, when: [base >= 1], then: {limit: x}, mode: shadow}"
    values = {
        "the value before": ("last: target_id, of: any, by: user_id", "target_id == v"),
        "an age by a pair": (f"age: first, of: any, {pair}", "v > 300d"),
        "something new by a pair": (f"new: any, {pair}", "v"),
    }
    sequence = "sequences: {s: {steps: [{event: comment, times: 3}, like, post], within: 1h, by: user_id}}"
    absence = "sequences: {s: {after: comment, none: report, within: 1h, by: user_id}}"
    return {
        **{
            name: rulebook(rules=[ask.format(clause)], more=f"values: {{v: {{{value}, keep: 400d}}}}")
            for name, (value, clause) in values.items()
        },
        "a sequence": rulebook(rules=[ask.format("s")], more=sequence),
        "an absence": rulebook(
            ["missed: {count: absent.s, by: user_id, over: 1d}"], [ask.format("missed > 900")], absence
        ),
        "a rule that always holds": rulebook(rules=[likely]),
        "the same, and its hits counted": rulebook(
            ["hits: {count: shadow.often, by: user_id, over: 1d}"], [likely, ask.format("hits > 999")]
        ),
        "a mark, and who asks for it": rulebook(
            rules=["often: {event: any, when: [base >= 1], then: {mark: m}}", ask.format("marked.m and base > 900")],
            more="marks: {m: {by: user_id, for: 1d}}",
        ),
        "a ladder": rulebook(
            rules=["often: {event: any, when: [base >= 1], then: {ladder: l}}"],
            more="ladders: {l: {decay: 1d, steps: [{at: 50, flag: x}]}}",
        ),
        "who came before": rulebook(
            ["k: {distinct: user_id, of: any, by: ip, over: 1h}"],
            ["r: {event: any, when: [k > 50], then: {flag: x, also: earlier, lookback: 1h}}"],
        ),
        "labels by domain": rulebook(["k: {count: label.spam, by: url_domain, over: 30d}"], [ask.format("k > 900")]),
        "what is done to somebody": rulebook(
            ["k: {count: any, by: target_id, over: 1d, read_by: user_id}"], [ask.format("k > 900")]
        ),
    }


def of_values() -> dict[str, Rulebook]:
    """Statistics, functions, scorecards."""
    ask = "r: {{event: any, when: ['{}'], then: {{flag: x}}}}"
    statistic = {
        "a mean": ("mean: event.followers", "k > 9000000"),
        "a median": ("median: event.followers", "k > 9000000"),
        "a spread of gaps": ("stdev: gap", "k > 300d"),
    }
    words = " ".join(f"offer{n}," for n in range(1_000))
    terms = ", ".join(f"base > {n}: {n}" for n in TEN)
    return {
        **{
            name: rulebook([f"k: {{{kind}, of: any, by: user_id, over: 1h}}"], [ask.format(clause)])
            for name, (kind, clause) in statistic.items()
        },
        "users with two to six each": rulebook(
            ["k: {distinct: user_id, of: any, by: ip_prefix, over: 1h, having: {at_least: 2, at_most: 6}}"],
            [ask.format("k > 400")],
        ),
        "a thousand words": rulebook(
            rules=[ask.format("contains_any(text, lists.w)")], more=f"lists: {{w: {{values: [{words}]}}}}"
        ),
        "entropy of a text": rulebook(rules=[ask.format("entropy(text) > 99")]),
        "a scorecard of ten": rulebook(rules=[ask.format("risk > 900")], more=f"scores: {{risk: {{{terms}}}}}"),
    }


def cases() -> dict[str, Rulebook]:
    """What is measured."""
    score, model = (
        "r: {event: any, when: [score.m > 0.9], then: {flag: x}}",
        "models: {m: {texts: [text], min_labels: 5}}",
    )
    return {
        "one counter, one rule": rulebook(),
        "ten counts": counted("count: any"),
        "ten distinct counts": counted("distinct: target_id, of: any"),
        "ten sums": counted("sum: event.followers, of: any"),
        "ten approximate counts": counted("count: any", ", approx: true"),
        "ten approximate distinct counts": counted("distinct: target_id, of: any", ", approx: true"),
        "thirty rules": rulebook(
            rules=[f"r{n}: {{event: any, when: [base > {900 + n}], then: {{flag: x}}}}" for n in THIRTY]
        ),
        "thirty patterns": rulebook(
            rules=[f"r{n}: {{event: any, when: ['text matches \"foo{n}bar\"'], then: {{flag: x}}}}" for n in THIRTY]
        ),
        "a model": rulebook(rules=[score], more=model),
        **{f"at {kind}": at(kind) for kind in ("ip", "ip_prefix", "url_domain", "text")},
        **of_the_past(),
        **of_values(),
    }


def estimated(one: Rulebook) -> float:
    """Of an event that has all of this: with the hits of the rule that always holds."""
    event_us = estimate_costs(one).event_us
    hits = [kind for kind in event_us if kind.endswith(".often")]
    return max(us for kind, us in event_us.items() if kind not in hits) + sum(event_us[kind] for kind in hits)


@click.command()
@click.option("--count", default=20_000, show_default=True, help="Events.")
@click.option("--rounds", default=3, show_default=True)
def command(count: int, rounds: int) -> None:
    """Measure each case in turn, several times; medians."""
    arrivals = [Arrival("event", 0, value) for _, value in events(count)]
    found: dict[str, list[float]] = {}
    made = cases()
    for _ in range(rounds):
        for name, one in made.items():
            engine = OfflineEngine(one, Settings(review_share=0.0))
            calm_garbage_collection()
            started = time.process_time()
            for _message in engine.run(arrivals):
                pass
            found.setdefault(name, []).append((time.process_time() - started) / count * 1e6)
    table = Table("rules", "measured, CPU µs", "estimated")
    for name, one in made.items():
        table.add_row(name, f"{statistics.median(found[name]):.1f}", f"{estimated(one):.1f}")
    Console().print(table)


if __name__ == "__main__":
    command()
