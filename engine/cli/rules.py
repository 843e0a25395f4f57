"""`floodgate rules`: the policy team's commands."""

import getpass
import json
import sys
import time
from pathlib import Path

import click

from engine.cli.options import PATH, with_settings
from engine.core.rules import Rulebook
from engine.errors import RulebookError
from engine.rulebook import check_rulebook, load_rulebook, read_directory
from engine.rulebook.schema import json_schema
from engine.settings import Settings
from engine.stream.messages import Pause
from engine.stream.publishing import publish_paused, publish_rulebook, read_paused, read_rulebook


@click.group("rules")
def command() -> None:
    """Check, test and publish rulebooks."""


@command.command("check")
@click.argument("paths", nargs=-1, required=True, type=PATH)
def check(paths: tuple[Path, ...]) -> None:
    """Check rulebooks and run their inline tests. Prints every error at once; exit code 1 if there is one."""
    sys.exit(0 if all([_checked(path) is not None for path in paths]) else 1)  # noqa: C419  # check all, not up to the first


@command.command("test")
@click.argument("path", type=PATH)
def test(path: Path) -> None:
    """Run a rulebook's inline tests."""
    sys.exit(0 if _checked(path) is not None else 1)


@command.command("schema")
def schema() -> None:
    """Print a JSON Schema of rulebook files, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


@command.command("push")
@click.argument("path", type=PATH)
@click.option("--author", default=getpass.getuser, help="Who pushes.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def push(settings: Settings, path: Path, author: str, note: str) -> None:
    """Check a rulebook and publish it: every running worker switches between two batches."""
    rulebook = _checked(path)
    if rulebook is None:
        sys.exit(1)
    version = publish_rulebook(settings, rulebook, author, note)
    click.echo(f"published rulebook {rulebook.id} as version {version}")


@command.command("pause")
@click.argument("rule")
@click.option("--author", default=getpass.getuser, help="Who pauses it.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def pause(settings: Settings, rule: str, author: str, note: str) -> None:
    """Stop a rule at once, on every worker.

    It goes on in shadow, whatever its rulebook says, until it is resumed.
    """
    document = read_rulebook(settings)
    known = [one.name for one in load_rulebook(document["sources"]).rules] if document is not None else []
    if rule not in known:
        raise click.UsageError(f"the rulebook in use has no rule {rule!r}; it has {', '.join(known) or 'none'}")
    publish_paused(settings, rule, Pause(author, note, int(time.time() * 1000)))
    paused = read_paused(settings)
    click.echo(f"{rule} is paused. Paused now: {', '.join(sorted(paused))}")


@command.command("resume")
@click.argument("rule")
@with_settings
def resume(settings: Settings, rule: str) -> None:
    """Let a paused rule do again what its rulebook says."""
    paused = read_paused(settings)
    if paused.pop(rule, None) is None:
        raise click.UsageError(f"{rule!r} is not paused; paused are: {', '.join(sorted(paused)) or 'none'}")
    publish_paused(settings, rule, None)
    click.echo(f"{rule} is in use again. Paused now: {', '.join(sorted(paused)) or 'none'}")


def _checked(path: Path) -> Rulebook | None:
    try:
        rulebook, diagnostics = check_rulebook(read_directory(path))
    except RulebookError as error:
        click.echo(str(error))
        return None
    if diagnostics.found:
        click.echo(diagnostics.report())
    errors, warnings = len(diagnostics.errors), len(diagnostics.found) - len(diagnostics.errors)
    if rulebook is None:
        click.echo(f"{path}: {errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}")
        return None
    counts = f"{len(rulebook.rules)} rules, {len(rulebook.counters)} counters, {diagnostics.tests_run} tests passed"
    click.echo(f"{path}: ok: rulebook {rulebook.id}: {counts}")
    return rulebook
