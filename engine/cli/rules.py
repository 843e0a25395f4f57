"""`floodgate rules`: the policy team's commands."""

import getpass
import json
import sys
from pathlib import Path

import click

from engine.cli.options import PATH, with_settings
from engine.core.rules import Rulebook
from engine.errors import RulebookError
from engine.rulebook import check_rulebook, read_directory
from engine.rulebook.schema import json_schema
from engine.settings import Settings
from engine.stream.publishing import publish_rulebook


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
