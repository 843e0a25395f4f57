"""`floodgate rules effect`."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson
from msgspec import to_builtins
from rich.table import Table

from engine.backtest.effect import Effect, Effects, Group
from engine.backtest.text import share_text
from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_label_lines, read_lines
from engine.cli.times import DURATION
from engine.errors import LabelError
from engine.learning.labels import Label
from engine.settings import Settings
from engine.stream.admin.given import GivenLabels
from engine.stream.admin.published import DECISION, read_documents
from engine.stream.handlers.label_messages import decode_label
from engine.stream.kafka.records import read_all


@click.command("effect")
@click.option("--decisions", "decisions_path", type=FILE, help="Decisions, as `replay` writes them, not the topic.")
@click.option("--labels", "labels_path", type=FILE, help="With --decisions: labels, JSON Lines.")
@click.option("--within", default="7d", show_default=True, type=DURATION, help="How long after a hit spam counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@with_settings
def command(
    settings: Settings, decisions_path: Path | None, labels_path: Path | None, within: int, as_json: bool
) -> None:
    """Tell what acting is good for: how many users spam again after a rule acted, and of those whom it left alone.

    Left alone are the holdout, those who are spared, and those outside a canary or an arm.
    """
    if (decisions_path is None) != (labels_path is None):
        raise click.UsageError("give both --decisions and --labels, or neither: then the topics are read")
    effects = Effects(within)
    effects.decided(_decisions(settings, decisions_path))
    effects.labelled(_labels(settings, labels_path))
    found = effects.all()
    if as_json:
        echo(orjson.dumps(to_builtins(found), option=orjson.OPT_INDENT_2))
    elif found:
        Console().print(_table(found))
    else:
        echo("no rule has left anybody alone: there is no holdout, canary or arm to compare with")


def _decisions(settings: Settings, path: Path | None) -> Iterator[Any]:
    if path is None:
        yield from (decision for _, decision in read_documents(settings, settings.topics.decisions, DECISION))
        return
    yield from (decision for line in read_lines(path) if (decision := DECISION.read(line)) is not None)


def _labels(settings: Settings, path: Path | None) -> Iterator[Label]:
    pseudonyms = settings.pseudonyms()
    for line in _label_lines(settings, path):
        with suppress(LabelError):
            label = decode_label(line)
            hidden = pseudonyms is not None and label.user_id is not None
            yield replace(label, user_id=pseudonyms.of(label.user_id)) if hidden else label  # type: ignore[union-attr, arg-type]  # both are there


def _label_lines(settings: Settings, path: Path | None) -> Iterator[bytes]:
    if path is not None:
        yield from read_label_lines(path, settings.labels.mapping())
        return
    given = GivenLabels(settings)
    values = (given.value_of(record) for record in read_all(settings, settings.topics.labels))
    yield from (value for value in values if value is not None)


def _table(effects: list[Effect]) -> Table:
    table = Table("rule", "acted on", "spam again", "left alone", "spam again", "verdict")
    for effect in effects:
        groups = (part for group in (effect.acted, effect.left_alone) for part in _group_texts(group))
        table.add_row(effect.rule, *groups, effect.verdict)
    return table


def _group_texts(group: Group) -> tuple[str, str]:
    return f"{group.users:,}", f"{share_text(group.spam_again)}, {group.events:g} each"
