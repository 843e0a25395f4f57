"""`floodgate rules list`."""

import click
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console
from engine.cli.rules.in_use import in_use
from engine.core.domain.actions import ActionTemplate
from engine.core.domain.rules import Rule
from engine.core.domain.units import duration_text, time_text
from engine.settings import Settings
from engine.stream.control.promotions import held_back, read_promotions
from engine.stream.control.rulebooks import read_paused
from engine.stream.handlers.messages import Pause


@click.command("list")
@with_settings
def command(settings: Settings) -> None:
    """List the rules in use: on which events, what they do, and whether they do it now."""
    version, rulebook = in_use(settings)
    paused, now = read_paused(settings), held_back(rulebook, read_promotions(settings))
    table = Table("rule", "events", "does", "mode", "reason")
    for rule in now.rules:
        mode = _paused(paused[rule.name]) if rule.name in paused else _mode(rule)
        table.add_row(rule.name, ", ".join(rule.events), _deeds(rule), mode, rule.reason)
    console = Console()
    console.print(table)
    by = f", by {version.author}" if version.author else ""
    console.print(f"rulebook {version.id}, version {version.number}, pushed {time_text(version.ts_ms)} UTC{by}")


def _deeds(rule: Rule) -> str:
    return ", ".join(_deed(then) for then in (rule.then, *rule.further))


def _deed(then: ActionTemplate) -> str:
    lasts = f" for {duration_text(then.for_ms)}" if then.for_ms is not None else ""
    return f"{then.kind} {then.target}{lasts}"


def _paused(pause: Pause) -> str:
    return f"paused by {pause.author}{f': {pause.note}' if pause.note else ''}"


def _mode(rule: Rule) -> str:
    return f"{rule.mode} ({rule.share:.0%})" if rule.mode == "canary" else rule.mode
