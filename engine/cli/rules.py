"""`floodgate rules`: the policy team's commands."""

import getpass
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from engine.backtest.promotion import find_candidates
from engine.backtest.text import told
from engine.cli import backtest, push, suggest
from engine.cli.checking import Limits, checked, with_limits
from engine.cli.in_use import commands, in_use
from engine.cli.options import PATH, with_settings
from engine.cli.output import Console, echo
from engine.cli.push import publish
from engine.core.domain.rules import Rulebook
from engine.core.domain.units import time_text
from engine.errors import RulebookError
from engine.rulebook import check_rulebook, read_directory
from engine.rulebook.checks.arrival import find_orders
from engine.rulebook.language.json_schema import json_schema
from engine.rulebook.language.reference import reference
from engine.rulebook.tools.differences import differences
from engine.rulebook.tools.formatting import formatted
from engine.settings import Settings
from engine.stream.control.promotions import promote, read_promotions
from engine.stream.control.rulebooks import (
    Stop,
    Version,
    find_version,
    publish_paused,
    publish_resumed,
    read_in_use,
    read_paused,
    read_refused,
    read_stops,
    read_versions,
)
from engine.stream.handlers.messages import Pause

_SHOWN = 8


@click.group("rules")
def command() -> None:
    """Check, test and publish rulebooks."""


command.add_command(backtest.command)
command.add_command(suggest.command)
command.add_command(push.command)
for _one in commands:
    command.add_command(_one)


@command.command("check")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--costs", is_flag=True, help="Show what events cost, and what entities keep.")
@click.option("--order", is_flag=True, help="Tell for each rule whether the order between users' events matters.")
@with_limits
def check(paths: tuple[Path, ...], costs: bool, order: bool, max_us: float, max_bytes: int) -> None:
    """Check rulebooks and run their inline tests. Prints every error at once; exit code 1 if there is one."""
    found = [checked(path, Limits(max_us, max_bytes), costs) for path in paths]
    if order:
        for rulebook in filter(None, found):
            _tell_orders(rulebook)
    sys.exit(1 if None in found else 0)


def _tell_orders(rulebook: Rulebook) -> None:
    table = Table("rule", "does it depend on the order in which users' events arrive?")
    for name, order in find_orders(rulebook).items():
        table.add_row(name, str(order))
    Console().print(table)


@command.command("test")
@click.argument("path", type=PATH)
@with_limits
def test(path: Path, max_us: float, max_bytes: int) -> None:
    """Run a rulebook's inline tests."""
    sys.exit(0 if checked(path, Limits(max_us, max_bytes)) is not None else 1)


@command.command("fmt")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 if something would change.")
def fmt(paths: tuple[Path, ...], only_check: bool) -> None:
    """Lay rulebook files out in one way: order of keys, columns, empty lines. What they say stays the same."""
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*.y*ml")))]
    changed = wrong = 0
    for file in files:
        try:
            text = file.read_text("utf-8")
            made = formatted(str(file), text)
        except (RulebookError, UnicodeDecodeError) as error:
            echo(f"{file} is left as it is: {error}")
            wrong += 1
            continue
        if made != text:
            changed += 1
            echo(f"{'would lay out' if only_check else 'laid out'} {file}")
            if not only_check:
                file.write_text(made, "utf-8")
    echo(f"{len(files)} files, {changed} {'to lay out' if only_check else 'laid out'}")
    sys.exit(1 if wrong or (only_check and changed) else 0)


@command.command("schema")
def schema() -> None:
    """Print a JSON Schema of rulebook files, for editors."""
    echo(json.dumps(json_schema(), indent=2))


@command.command("reference")
def reference_command() -> None:
    """Print what each key of a rulebook means, as Markdown."""
    echo(reference(), nl=False)


@command.command("history")
@click.option("--limit", default=20, show_default=True, help="How many lines.")
@with_settings
def history(settings: Settings, limit: int) -> None:
    """List the versions that were pushed, newest first: who, when, why, and what each has changed. Between them stand
    rules that were paused and resumed, as far back as the topic has them."""
    versions, stops = read_versions(settings), read_stops(settings)
    rows = {one.number: _stop_row(one) for one in stops}
    for place in range(max(0, len(versions) - limit), len(versions)):
        version = versions[place]
        before = versions[place - 1].sources if place else {}
        changed = [f"{one.what} {one.kind} {one.name}" for one in differences(before, version.sources)] if place else []
        shown = [*changed[:_SHOWN], f"and {len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else changed
        when = time_text(version.ts_ms)
        rows[version.number] = (str(version.number), version.id, when, version.author, version.note, "\n".join(shown))
    table = Table("version", "rulebook", "when (UTC)", "by", "why", "changed", show_lines=True)
    for number in sorted(rows, reverse=True)[:limit]:
        table.add_row(*rows[number])
    console = Console()
    console.print(table if rows else "no rulebook has been pushed yet")
    for one in read_refused(settings, limit):
        console.print(str(one), style="red", soft_wrap=True)


@command.command("diff")
@click.argument("rulebooks", nargs=-1, required=True, metavar="[OLD] NEW")
@with_settings
def diff(settings: Settings, rulebooks: tuple[str, ...]) -> None:
    """Tell what differs between two rulebooks, rule by rule: what NEW adds to OLD, changes in it and removes.

    OLD and NEW are directories, files, or versions as `history` lists them. Without OLD, NEW is compared with the
    version in use: it is what a push of NEW would do. Exit code 1 when there is a difference.
    """
    if len(rulebooks) > 2:
        raise click.UsageError("two rulebooks are compared, or one with the version in use")
    versions = [] if len(rulebooks) == 2 and all(Path(one).exists() for one in rulebooks) else read_versions(settings)
    *old, new = rulebooks
    before = _sources(versions, old[0]) if old else in_use(settings)[0].sources
    found = differences(before, _sources(versions, new))
    echo("\n".join(map(str, found)) or "no difference")
    sys.exit(1 if found else 0)


@command.command("rollback")
@click.argument("version", required=False)
@click.option("--author", default=getpass.getuser, help="Who does it.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def rollback(settings: Settings, version: str | None, author: str, note: str) -> None:
    """Publish an earlier version again: the one before the newest, or VERSION, a number or a rulebook's id."""
    versions = read_versions(settings)
    newest = _newest(versions)
    ids = [one.id for one in versions]
    earlier = versions[: ids.index(newest.id)]  # before it was pushed first: a second rollback goes further back
    if version is None and not earlier:
        raise click.UsageError("there is no other version to go back to; `floodgate rules history` lists them")
    chosen = find_version(versions, version) if version is not None else earlier[-1]
    rulebook, diagnostics = check_rulebook(chosen.sources)
    if rulebook is None:  # what was right for an earlier engine need not be for this one
        echo(diagnostics.report())
        sys.exit(1)
    echo("\n".join(map(str, differences(newest.sources, chosen.sources))) or "no difference")
    publish(settings, rulebook, author, f"back to version {chosen.number}{f': {note}' if note else ''}")


@command.command("pause")
@click.argument("rule")
@click.option("--author", default=getpass.getuser, help="Who pauses it.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def pause(settings: Settings, rule: str, author: str, note: str) -> None:
    """Stop a rule at once, on every worker.

    It goes on in shadow, whatever its rulebook says, until it is resumed.
    """
    in_use = read_in_use(settings)
    known = [one.name for one in in_use[1].rules] if in_use is not None else []
    if rule not in known:
        raise click.UsageError(f"the rulebook in use has no rule {rule!r}; it has {', '.join(known) or 'none'}")
    publish_paused(settings, rule, Pause(author, note, int(time.time() * 1000)))
    paused = read_paused(settings)
    echo(f"{rule} is paused. Paused now: {', '.join(sorted(paused))}")


@command.command("resume")
@click.argument("rule")
@click.option("--author", default=getpass.getuser, help="Who resumes it.  [default: the user's name]")
@click.option("--note", default="", help="Why.")
@with_settings
def resume(settings: Settings, rule: str, author: str, note: str) -> None:
    """Let a paused rule do again what its rulebook says."""
    paused = read_paused(settings)
    if paused.pop(rule, None) is None:
        raise click.UsageError(f"{rule!r} is not paused; paused are: {', '.join(sorted(paused)) or 'none'}")
    publish_resumed(settings, rule, Pause(author, note, int(time.time() * 1000)))
    echo(f"{rule} is in use again. Paused now: {', '.join(sorted(paused)) or 'none'}")


@command.command("promote")
@click.option("--author", default=getpass.getuser, help="Who promotes.  [default: the user's name]")
@click.option("--dry-run", is_flag=True, help="Only tell.")
@with_settings
def promote_command(settings: Settings, author: str, dry_run: bool) -> None:
    """Let rules go on to the next stage of their plan, where they have proved what `promote_if` asks for.

    Made to be run every few minutes. What a rule met is judged by the labels that there are on it.
    """
    in_use = read_in_use(settings)
    rulebook = in_use[1] if in_use is not None else None
    if rulebook is None:
        raise click.UsageError("no rulebook has been pushed yet")
    candidates = find_candidates(settings, rulebook, read_promotions(settings), int(time.time() * 1_000))
    for one in candidates:
        said = f"precision {told(one.precision)}, wanted: at least {one.rule.gate:g} for certain"
        mode = one.rule.plan[one.stage].mode
        if not one.has_proved_itself:
            echo(f"{one.rule.name} is not promoted to {mode}: {said}")
            continue
        if not dry_run:
            promote(settings, one.rule, one.stage, author, said)
        echo(f"{one.rule.name} {'would be' if dry_run else 'is'} promoted to {mode}: {said}")
    if not candidates:
        echo("no rule waits for its promotion")


def _stop_row(stop: Stop) -> tuple[str, ...]:
    done = f"{'resumed' if stop.is_resumed else 'paused'} rule {stop.rule}"
    return "", "", time_text(stop.by.ts), stop.by.author, stop.by.note, done


def _newest(versions: list[Version]) -> Version:
    if not versions:
        raise click.UsageError("no rulebook has been pushed yet")
    return versions[-1]


def _sources(versions: list[Version], name: str) -> Mapping[str, str]:
    """Of a rulebook on this disk, or of a version."""
    return read_directory(Path(name)) if Path(name).exists() else find_version(versions, name).sources
