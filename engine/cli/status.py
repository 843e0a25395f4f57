"""`floodgate status`."""

import sys
from collections import Counter, defaultdict

import click
import msgspec
from rich.table import Table
from rich.text import Text

from engine.cli.of_candidate import of_candidate
from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.core.domain.units import time_text
from engine.settings import Settings
from engine.stream.admin.serve_pages import ServeStatus
from engine.stream.admin.status import EngineStatus, WorkerStatus, ranges, read_status

_NOBODY = "nobody"


@click.command("status")
@click.option(
    "--most-behind", default=10_000, show_default=True, type=click.IntRange(0),
    help="So many messages may wait in a partition.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings
@of_candidate
def command(settings: Settings, most_behind: int, as_json: bool) -> None:
    """Show who owns which partitions, how far behind they are, and which rulebook and models were published last.

    Exit code 1 when somebody has to look after something: a partition has no worker or is far behind, a worker waits
    for something, workers differ in their rulebooks or versions, or the last rulebook is refused.
    """
    standing = read_status(settings)
    problems = list(standing.problems(most_behind))
    if as_json:
        echo(msgspec.json.format(msgspec.json.encode({**msgspec.to_builtins(standing), "problems": problems})))
    else:
        _tell(Console(), standing, most_behind, problems)
    sys.exit(1 if problems else 0)


def _tell(console: Console, standing: EngineStatus, most_behind: int, problems: list[str]) -> None:
    _tell_partitions(console, standing, most_behind)
    _tell_enrichers(console, standing)
    if standing.rulebook is not None:
        identity, author, note = standing.rulebook
        console.print(f"rulebook {identity}, pushed by {author or 'someone'}{f': {note}' if note else ''}")
    for rule, pause in standing.paused.items():
        by = f"by {pause.author or 'someone'}, {time_text(pause.ts)} UTC{f': {pause.note}' if pause.note else ''}"
        console.print(f"paused rule: {rule}, {by}", style="yellow", soft_wrap=True)
    models = ", ".join(f"{name} ({labels} labels)" for name, labels in standing.models.items())
    console.print(f"models: {models or 'none has learned anything yet'}")
    if standing.serve is not None:
        console.print(_serve_line(standing.serve))
    for problem in problems:
        console.print(f"problem: {problem}", style="red", soft_wrap=True)


def _tell_enrichers(console: Console, standing: EngineStatus) -> None:
    """Of all workers of the stage together, since each was started."""
    pages = [member.page.enrichers for member in standing.members if member.page is not None]
    names = sorted({name for page in pages for name in page})
    if not names:
        return
    table = Table("enricher", "asked", "mean ms", "could not tell", title="since the workers were started")
    for name in names:
        told = [page[name] for page in pages if name in page]
        asked, missing = sum(one.asked for one in told), Counter[str]()
        for one in told:
            missing.update(one.missing)
        mean_ms = 1_000 * sum(one.seconds for one in told) / max(1, asked)
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in missing.most_common())
        table.add_row(name, f"{asked:,}", f"{mean_ms:,.1f}", f"{missing.total():,}{f': {reasons}' if reasons else ''}")
    console.print(table)


def _serve_line(serve: ServeStatus) -> str:
    if serve.is_ready is None:
        return f"serve at {serve.address}: its pages cannot be reached from here"
    counts = f"{serve.answered:,} questions answered, {serve.unanswered:,} without a decision"
    return f"serve at {serve.address}: {'ready' if serve.is_ready else 'not ready'}, {counts}"


def _tell_partitions(console: Console, standing: EngineStatus, most_behind: int) -> None:
    by_worker: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    lag: dict[tuple[str, str], int] = defaultdict(int)
    topics = list(dict.fromkeys(partition.topic for partition in standing.partitions))
    for partition in standing.partitions:
        owner = partition.owner or _NOBODY
        by_worker[owner][partition.topic].append(partition.partition)
        lag[owner, partition.topic] += partition.lag
    title = f"group {standing.state.lower()}: partitions, and messages behind"
    table = Table("worker", "version", "decides by", *topics, title=title)
    members = {member.name: member for member in standing.members}
    for owner in [*members, *sorted(by_worker.keys() - members.keys())]:
        cells = [_cell(by_worker[owner][topic], lag[owner, topic], most_behind) for topic in topics]
        table.add_row(
            owner, *_version_and_rulebook(members.get(owner)), *cells, style="red" if owner == _NOBODY else None
        )
    console.print(table)


def _version_and_rulebook(member: WorkerStatus | None) -> tuple[str, str]:
    """Version and rulebook, as far as the worker can be asked."""
    if member is None or member.page is None:
        return "", "its page cannot be reached from here" if member is not None else ""
    return member.page.version, member.page.rulebook or ("it enriches" if member.enriches else "nothing yet")


def _cell(partitions: list[int], lag: int, most_behind: int) -> Text:
    if not partitions:
        return Text()
    return Text.assemble(f"{ranges(partitions)}  ", (f"{lag:,} behind", "red" if lag > most_behind else "dim"))
