"""What reputation tells a model where there is no text: recorded events without their texts, with counters of labels
and without.

    python -m benchmarks.reputation --data ../shared/data/spamassassin

Labels come so many events late. Counters of labels see those that the learner is shown, when it is shown them, and each
event is scored before its label is learned. Some cases have several draws of the labels that are shown.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table

from engine.cli.recordings import read_lines
from engine.core.domain.rules import Rulebook
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Result, Scenario, bootstrap_difference, evaluate
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.tools.discovery import MODEL, SAMPLE, discover
from engine.settings import Settings
from engine.stream.offline.label_times import labels_before
from engine.stream.offline.recorded import Truth, cases, event_documents, flat_lines, truths

TEXTS = ("text", "subject", "title", "comment_id")
KINDS = ("user_id", "ip", "ip_prefix", "target_id")
"""Whose reputation is asked for, where events name such a thing."""
VERDICTS = ("spam", "ham")
SENDER = {"sender": "domain(user_id)"}
"""Where users are mail addresses, their domains have a reputation too."""

Document = dict[str, Any]


class Recording:
    """Events without their texts, and what became known of them."""

    def __init__(self, data: Path) -> None:
        self._path = data / "events.jsonl.gz"
        self.truth: dict[str, Truth] = truths(read_lines(data / "labels.jsonl.gz"))
        documents = event_documents(self.lines(), SAMPLE)
        self.rulebook: Document = yaml.safe_load(discover(documents))
        named = {name for document in documents for name, value in document.items() if value is not None}
        self.kinds = [kind for kind in KINDS if ("ip" if kind == "ip_prefix" else kind) in named]
        self.has_senders = any("@" in str(document["user_id"]) for document in documents)

    def lines(self) -> Iterator[bytes]:
        """The events, flat."""
        for line in flat_lines(read_lines(self._path)):
            document = json.loads(line)
            yield json.dumps({name: value for name, value in document.items() if name not in TEXTS}).encode()


def with_reputation(recording: Recording, signals: str) -> Rulebook:
    """The rulebook that reads all that is there, and beside it these signals of reputation."""
    made: Document = json.loads(json.dumps(recording.rulebook))
    model, kinds = made["models"][MODEL], [*recording.kinds, *(SENDER if recording.has_senders else ())]
    values: Document = made.setdefault("values", dict(SENDER) if recording.has_senders and signals else {})
    counters, derived = made.setdefault("counters", {}), made.setdefault("derived", {})
    for kind in kinds if signals else ():
        if signals == "ages":
            values[f"{kind}_age"] = {"age": "first", "of": "any", "by": kind, "keep": "400d"}
            model["numbers"].append(f"{kind}_age")
            continue
        counters |= {f"{kind}_{each}": {"count": f"label.{each}", "by": kind, "over": "30d"} for each in VERDICTS}
        named, share = f"{kind}_spam", f"{kind}_share"
        if signals == "counts":
            model["numbers"] += [f"{kind}_{each}" for each in VERDICTS]
        elif signals == "shares":
            derived[f"{kind}_labels"] = f"{kind}_spam + {kind}_ham"
            derived[share] = {"ratio": [named, f"{kind}_labels"], "at_least": 1, "bound": "wilson_lower_95"}
            model["numbers"].append(share)
        else:
            derived[f"{kind}_balance"] = f"({kind}_spam - {kind}_ham) / ({kind}_spam + {kind}_ham + 1)"
            if signals == "balances":
                model["numbers"].append(f"{kind}_balance")
            else:
                model.setdefault("hints", {})[f"{kind}_balance"] = 2
    plain = {section: content for section, content in made.items() if content}
    return load_rulebook({"reputation.yaml": yaml.safe_dump(plain, sort_keys=False)})


SIGNALS = {
    "without": "",
    "age since first seen": "ages",
    "label counts": "counts",
    "share of spam, Wilson": "shares",
    "balance": "balances",
    "balance as a hint": "hints",
}


def examine(recording: Recording, rulebook: Rulebook, plain: Sequence[EvaluationCase], scenario: Scenario) -> Result:
    """What the default learner makes of a rulebook's numbers. `plain`: the cases, read without labels."""
    found = plain
    if rulebook.follow_ups.of_labels:
        before = labels_before(plain, scenario)
        found = list(cases(rulebook, MODEL, recording.lines(), recording.truth, Settings(), labels=before))
    return evaluate(found, EvaluatedModel(), scenario)


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--draws", default=3, show_default=True, help="Of the labels that are shown, where not all are.")
@click.option("--signals", "chosen", type=click.Choice([*SIGNALS]), multiple=True, help="Only these.")
def main(data: Path, draws: int, chosen: tuple[str, ...]) -> None:
    """Compare and print."""
    recording, console = Recording(data), Console(width=150)
    settings = {
        **{f"{delay} late": [Scenario(delay=delay)] for delay in (0, 300, 1_000)},
        "1000 late, 1 in 10": [Scenario(delay=1_000, fraction=0.1, seed=seed) for seed in range(draws)],
    }
    table = Table("ROC AUC", *settings, title=f"{data.name}, without texts")
    first: dict[str, Result] = {}
    for name in dict.fromkeys(["without", *(chosen or SIGNALS)]):
        rulebook, row = with_reputation(recording, SIGNALS[name]), []
        plain = list(cases(rulebook, MODEL, recording.lines(), recording.truth, Settings()))
        for title, scenarios in settings.items():
            results = [examine(recording, rulebook, plain, scenario) for scenario in scenarios]
            _, low, high = bootstrap_difference(results[0], first.setdefault(title, results[0]))
            area = statistics.mean(float(result.summary()["roc_auc"] or 0) for result in results)
            row.append(f"{area:.4f}" if name == "without" else f"{area:.4f} ({low / 100:+.3f} to {high / 100:+.3f})")
        table.add_row(name, *row)
        console.print(name, *row)
    console.print(table)


if __name__ == "__main__":
    main()
