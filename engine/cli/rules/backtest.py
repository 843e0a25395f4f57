"""`floodgate rules backtest`."""

from pathlib import Path

import click
import orjson
from msgspec import to_builtins
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from engine.backtest.page import page
from engine.backtest.run import backtest
from engine.backtest.text import tell
from engine.cli.options import PATH, calm_garbage_collection, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import recorded_or_on_topics, with_recording
from engine.cli.reference_data import referring, with_reference_data
from engine.cli.times import Moment
from engine.errors import TopicError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.lists import show_in
from engine.stream.control.rulebooks import find_version, read_in_use, read_versions

IN_USE = "in-use"


@click.command("backtest")
@click.argument("new", type=PATH)
@click.option("--against", help="What to compare with: a directory or file, a version, or `in-use`.")
@with_recording("Labels: they teach the models, and tell what was spam.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the report as one HTML page.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@with_reference_data
@with_settings
def command(
    settings: Settings, new: Path, against: str | None, events_path: Path | None, labels_path: Path | None,
    from_topic: bool, since: Moment, without: tuple[str, ...], html: Path | None, as_json: bool,
    reference_data: Path | None, recorded_tables: tuple[tuple[str, Path], ...],
) -> None:  # fmt: skip
    """Try a rulebook on recorded events: what each rule meets, whom it acts on, what differs from another rulebook.

    The engine is the one that runs live. A rule that reads of each user alone decides as it does live; where users
    meet, their events may arrive live in another order: `rules check --order` tells which rules that concerns.
    """
    rulebook = load_rulebook(new)
    before = load_rulebook(_sources(settings, against)) if against is not None else None
    events, labels = recorded_or_on_topics(settings, events_path, labels_path, from_topic, since, without)
    if from_topic:  # as live
        for tried in (rulebook, before):
            if tried is not None:
                show_in(settings, tried)
    settings, tables = referring(settings, rulebook, reference_data, recorded_tables, from_topic)
    calm_garbage_collection()
    console = Console(stderr=True)
    columns = ("[progress.description]{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("trying", total=len(events))
        comparison = backtest(
            rulebook,
            before,
            events,
            labels,
            settings,
            lambda count: progress.update(task, completed=count),
            tables=tables,
        )
    if html is not None:
        html.write_text(page(comparison, f"Backtest of {new}"), "utf-8")
        console.print(f"the report is in {html}")
    if as_json:
        echo(orjson.dumps(to_builtins(comparison), option=orjson.OPT_INDENT_2))
        return
    tell(Console(), comparison)


def _sources(settings: Settings, name: str) -> Path | dict[str, str]:
    if Path(name).exists():
        return Path(name)
    if name != IN_USE:
        return find_version(read_versions(settings), name).sources
    in_use = read_in_use(settings)
    if in_use is None:
        raise TopicError("no rulebook has been pushed yet: there is nothing to compare with")
    return in_use[0].sources
