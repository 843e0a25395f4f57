"""`floodgate rules list`, `show` and `pull`: what is in use, as a table, as its text, and as files."""

from pathlib import Path

import click
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.core.domain.rules import Rule, Rulebook
from engine.core.domain.units import duration_text, time_text
from engine.rulebook.tools.formatting import entries_called
from engine.settings import Settings
from engine.stream.control.promotions import held_back, read_promotions
from engine.stream.control.rulebooks import Version, read_in_use, read_paused
from engine.stream.handlers.messages import Pause


@click.command("list")
@with_settings
def list_rules(settings: Settings) -> None:
    """List the rules in use: on which events, what they do, and whether they do it now."""
    version, rulebook = in_use(settings)
    paused, now = read_paused(settings), held_back(rulebook, read_promotions(settings))
    table = Table("rule", "events", "does", "mode", "reason")
    for rule in now.rules:
        mode = _paused(paused[rule.name]) if rule.name in paused else _mode(rule)
        table.add_row(rule.name, ", ".join(rule.events), _deed(rule), mode, rule.reason)
    console = Console()
    console.print(table)
    said = f", by {version.author}" if version.author else ""
    console.print(f"rulebook {version.id}, version {version.number}, pushed {time_text(version.ts_ms)} UTC{said}")


@click.command("show")
@click.argument("name")
@with_settings
def show(settings: Settings, name: str) -> None:
    """Print what the rulebook in use says of NAME: a rule, a counter, a list, a model."""
    version, _ = in_use(settings)
    found = [f"# {file}\n{said}" for file, text in version.sources.items() for said in entries_called(text, name)]
    if not found:
        raise click.UsageError(
            f"the rulebook in use has nothing called {name!r}; `floodgate rules list` lists its rules"
        )
    echo("\n\n".join(found))


@click.command("pull")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@with_settings
def pull(settings: Settings, directory: Path) -> None:
    """Write the files of the rulebook in use into DIRECTORY, which must be empty, or not be there."""
    version, _ = in_use(settings)
    if directory.exists() and any(directory.iterdir()):
        raise click.UsageError(f"{directory} is not empty: pull into another directory, and compare")
    for name, text in version.sources.items():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):  # whoever publishes chooses the names
            raise click.UsageError(f"the rulebook has a file called {name!r}, which would lie outside of {directory}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    echo(f"rulebook {version.id}: {len(version.sources)} files in {directory}")


commands = (list_rules, show, pull)


def in_use(settings: Settings) -> tuple[Version, Rulebook]:
    """The version in use and its rulebook. Raises UsageError where there is none."""
    found = read_in_use(settings)
    if found is None:
        raise click.UsageError("no rulebook has been pushed yet")
    return found


def _deed(rule: Rule) -> str:
    lasts = f" for {duration_text(rule.then.for_ms)}" if rule.then.for_ms is not None else ""
    return f"{rule.then.kind} {rule.then.target}{lasts}"


def _paused(pause: Pause) -> str:
    return f"paused by {pause.author}{f': {pause.note}' if pause.note else ''}"


def _mode(rule: Rule) -> str:
    return f"{rule.mode} ({rule.share:.0%})" if rule.mode == "canary" else rule.mode
