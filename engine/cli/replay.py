"""`floodgate replay`: the engine offline."""

from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import orjson
from rich.progress import Progress
from rich.table import Table

from engine.cli.options import FILE, PATH, calm_garbage_collection, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_events, read_labels
from engine.cli.reference_data import referring, with_reference_data
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import merge
from engine.stream.offline.engine import OfflineEngine


@click.command("replay")
@click.option("--rules", required=True, type=PATH, help="The rulebook: a directory or one file.")
@click.option(
    "--events", "events_path", required=True, type=FILE, help="Events, JSON Lines (.gz too), in arrival order."
)
@click.option("--labels", "labels_path", type=FILE, help="Labels, merged in by their time.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where the results go.")
@with_reference_data
@with_settings
def command(
    settings: Settings, rules: Path, events_path: Path, labels_path: Path | None, out: Path,
    reference_data: Path | None, recorded_tables: tuple[tuple[str, Path], ...],
) -> None:  # fmt: skip
    """Run the engine over recorded files, without a broker. Deterministic: the same input, the same bytes.

    Writes actions.jsonl, decisions.jsonl, dead-letters.jsonl and summary.json; with `publish_scores` scores.jsonl too.
    """
    rulebook = load_rulebook(rules)
    settings, tables = referring(settings, rulebook, reference_data, recorded_tables)
    calm_garbage_collection()
    engine = OfflineEngine(rulebook, settings, tables=tables)
    out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, Counter[str]] = {"actions": Counter(), "outcomes": Counter(), "dead_letters": Counter()}
    arrived: Counter[str] = Counter()
    users: dict[str, set[str]] = {}
    console = Console(stderr=True)
    with (
        Progress(console=console, disable=not console.is_terminal) as progress,
        (out / "actions.jsonl").open("wb") as actions,
        (out / "decisions.jsonl").open("wb") as decisions,
        (out / "dead-letters.jsonl").open("wb") as dead_letters,
        (out / "scores.jsonl").open("wb") if settings.publish_scores else nullcontext() as scores,
    ):
        task = progress.add_task("replaying", total=None)

        def arrivals() -> Any:
            labels = read_labels(labels_path, settings.labels.mapping()) if labels_path else ()
            for arrival in merge(read_events(events_path, settings.events.mapping()), labels):
                arrived[arrival.kind] += 1
                progress.advance(task)
                yield arrival

        for message in engine.run(arrivals()):
            if message.topic == settings.topics.actions:
                actions.write(message.value + b"\n")
                action = orjson.loads(message.value)
                counts["actions"][action["rule"]] += 1
                users.setdefault(action["rule"], set()).add(action["user_id"])
            elif message.topic == settings.topics.decisions:
                decisions.write(message.value + b"\n")
                counts["outcomes"][orjson.loads(message.value)["outcome"]] += 1
            elif scores is not None and message.topic == settings.topics.scores:
                scores.write(message.value + b"\n")
            elif message.topic == settings.topics.dead_letters:
                headers = {name: value.decode() for name, value in message.headers or ()}
                original = message.value.decode("utf-8", "replace")
                dead_letters.write(orjson.dumps({**headers, "original": original}) + b"\n")
                counts["dead_letters"][headers["reason"]] += 1
    summary = {
        "rulebook": rulebook.id,
        "events": arrived["event"],
        "labels": arrived["label"],
        "actions": sum(counts["actions"].values()),
        "actions_by_rule": dict(sorted(counts["actions"].items())),
        "users_by_rule": {rule: len(user_ids) for rule, user_ids in sorted(users.items())},
        "decisions_by_outcome": dict(sorted(counts["outcomes"].items())),
        "dead_letters_by_reason": dict(sorted(counts["dead_letters"].items())),
        "still_waited_upon": engine.waiting(),
    }
    (out / "summary.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
    _show(summary)


def _show(summary: dict[str, Any]) -> None:
    table = Table("rule", "actions", "users", title=f"{summary['events']} events, {summary['actions']} actions")
    for rule, count in sorted(summary["actions_by_rule"].items(), key=lambda entry: -entry[1]):
        table.add_row(rule, str(count), str(summary["users_by_rule"][rule]))
    Console().print(table)
    if summary["dead_letters_by_reason"]:
        echo(f"dead letters: {summary['dead_letters_by_reason']}")
    if summary["still_waited_upon"]:
        echo(f"events that something may still follow, not decided: {summary['still_waited_upon']}")
