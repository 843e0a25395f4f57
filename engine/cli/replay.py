"""`floodgate replay`: the engine offline."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
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
from engine.stream.handlers.messages import Message
from engine.stream.offline.arrivals import Arrival, merge
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
    arrived: Counter[str] = Counter()
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress, ExitStack() as files:
        results, task = _Results(settings, out, files), progress.add_task("replaying", total=None)

        def arrivals() -> Iterator[Arrival]:
            labels = read_labels(labels_path, settings.labels.mapping()) if labels_path else ()
            for arrival in merge(read_events(events_path, settings.events.mapping()), labels):
                arrived[arrival.kind] += 1
                progress.advance(task)
                yield arrival

        for message in engine.run(arrivals()):
            results.write(message)
    summary = {
        "rulebook": rulebook.id,
        "events": arrived["event"],
        "labels": arrived["label"],
        **results.counted(),
        "still_waited_upon": engine.waiting(),
    }
    (out / "summary.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
    _show(summary)


class _Results:
    """What comes of a replay: a line for each message, in the file of its topic, and counts. Internal messages are left
    out. `files`: closes them."""

    def __init__(self, settings: Settings, out: Path, files: ExitStack) -> None:
        self._topics = topics = settings.topics
        names = {topics.actions: "actions", topics.decisions: "decisions", topics.dead_letters: "dead-letters"}
        if settings.publish_scores:
            names[topics.scores] = "scores"
        self._files = {topic: files.enter_context((out / f"{name}.jsonl").open("wb")) for topic, name in names.items()}
        self._actions, self._outcomes, self._reasons = Counter[str](), Counter[str](), Counter[str]()
        self._users = defaultdict[str, set[str]](set)

    def write(self, message: Message) -> None:
        """Write one message, and count it."""
        if message.topic not in self._files:
            return
        line = message.value
        if message.topic == self._topics.actions:
            action = orjson.loads(line)
            self._actions[action["rule"]] += 1
            self._users[action["rule"]].add(action["user_id"])
        elif message.topic == self._topics.decisions:
            self._outcomes[orjson.loads(line)["outcome"]] += 1
        elif message.topic == self._topics.dead_letters:
            headers = {name: value.decode() for name, value in message.headers or ()}
            self._reasons[headers["reason"]] += 1
            line = orjson.dumps({**headers, "original": line.decode("utf-8", "replace")})
        self._files[message.topic].write(line + b"\n")

    def counted(self) -> dict[str, Any]:
        """For the summary."""
        return {
            "actions": sum(self._actions.values()),
            "actions_by_rule": dict(sorted(self._actions.items())),
            "users_by_rule": {rule: len(user_ids) for rule, user_ids in sorted(self._users.items())},
            "decisions_by_outcome": dict(sorted(self._outcomes.items())),
            "dead_letters_by_reason": dict(sorted(self._reasons.items())),
        }


def _show(summary: dict[str, Any]) -> None:
    table = Table("rule", "actions", "users", title=f"{summary['events']} events, {summary['actions']} actions")
    for rule, count in sorted(summary["actions_by_rule"].items(), key=lambda entry: -entry[1]):
        table.add_row(rule, str(count), str(summary["users_by_rule"][rule]))
    Console().print(table)
    if summary["dead_letters_by_reason"]:
        reasons = ", ".join(f"{reason} {count}" for reason, count in summary["dead_letters_by_reason"].items())
        echo(f"dead letters, which could not be used: {reasons}")
    if summary["still_waited_upon"]:
        echo(f"events that something may still follow, not decided: {summary['still_waited_upon']}")
