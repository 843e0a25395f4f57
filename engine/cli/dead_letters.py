"""`floodgate dead-letters`: messages that could not be used."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console, complain, confirm, echo
from engine.cli.times import MOMENT, Moment, as_epoch_ms
from engine.core.domain.units import time_text
from engine.settings import Settings
from engine.stream.admin.dead_letters import (
    DeadLetter,
    DeadLetterQuery,
    numbers_through,
    obstacle,
    purge,
    read_dead_letters,
    send_again,
)

_OPTIONS = (
    click.option("--topic", help="That were on this topic."),
    click.option("--reason", help="With this reason."),
    click.option("--since", type=MOMENT, help="Refused from then on: 2h ago, or 2026-11-27T10:00."),
)


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group("dead-letters")
def command() -> None:
    """See, send again and delete messages that could not be used."""


@command.command("list")
@_which
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@with_settings
def list_command(
    settings: Settings, topic: str | None, reason: str | None, since: Moment | None, limit: int, as_json: bool
) -> None:
    """List dead letters, the newest last."""
    query = DeadLetterQuery(frozenset(), topic, reason, as_epoch_ms(since))
    newest, reasons = deque[DeadLetter](maxlen=limit), Counter[tuple[str, str]]()
    for letter in read_dead_letters(settings, query):
        newest.append(letter)
        reasons[letter.topic, letter.reason] += 1
    if as_json:
        for letter in newest:
            echo(orjson.dumps(_as_json(letter)))
        return
    table = Table("ID", "refused (UTC)", "topic", "partition", "offset", "bytes", "reason", "error", "key", box=None)
    for letter in newest:
        length = f"{letter.length}" if letter.is_whole else f"{len(letter.value)} of {letter.length}"
        place = (_line(letter.topic), str(letter.partition), str(letter.offset))
        texts = (_line(letter.reason), _line(letter.error), _key(letter))
        table.add_row(str(letter.number), time_text(letter.ts_ms), *place, length, *texts)
    if newest:
        Console().print(table)
    echo(f"{len(newest)} of {reasons.total()} dead letters{_by_reason(reasons)}")


@command.command("show")
@click.argument("number", metavar="ID", type=int)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write its bytes as they came to a file.")
@with_settings
def show(settings: Settings, number: int, out: Path | None) -> None:
    """Show all that is kept of one message: bytes that are no text are spelt, \\xff."""
    for letter in read_dead_letters(settings, DeadLetterQuery(frozenset([number]))):
        if out is not None:
            out.write_bytes(letter.value)
            echo(f"wrote {len(letter.value)} of {letter.length} bytes to {out}")
            return
        for name, value in _as_json(letter).items():
            echo(f"{name:<10}{_line(str(value))}")
        echo(f"\n{letter.value.decode('utf-8', 'backslashreplace')}")
        return
    raise click.UsageError(f"there is no dead letter {number}: `floodgate dead-letters list` tells which there are")


@command.command("send")
@click.argument("numbers", nargs=-1, metavar="[ID]...", type=int)
@_which
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def send(
    settings: Settings, numbers: tuple[int, ...], topic: str | None, reason: str | None, since: Moment | None, yes: bool
) -> None:
    """Publish originals again to their topics, after what was wrong is mended: those that fit all that is given.

    Exit code 1 where one of them cannot be sent. Labels that you would sign are sent by their IDs alone.
    """
    query = DeadLetterQuery(frozenset(numbers), topic, reason, as_epoch_ms(since))
    if not query:
        raise click.UsageError("say which: by their IDs, --topic, --reason, --since")
    letters, refused, missing = list[DeadLetter](), 0, set(numbers)
    for letter in read_dead_letters(settings, query):
        missing.discard(letter.number)
        why = obstacle(settings, letter, is_named=letter.number in query.numbers)
        if why is None:
            letters.append(letter)
        else:
            refused += 1
            complain(f"{letter.number} is not sent: {_line(why)}")
    for number in sorted(missing):
        complain(f"{number} is not sent: there is no such dead letter, or the other options do not fit it")
    summary = f"{len(letters)} messages{_by_reason((letter.topic, letter.reason) for letter in letters)}"
    if letters and (yes or confirm(f"Send {summary} again?")):
        send_again(settings, letters)
        echo(f"sent {summary}")
    else:
        echo("nothing is sent")
    if refused or missing:
        raise click.exceptions.Exit(1)


@command.command("purge")
@click.argument("number", metavar="ID", type=click.IntRange(0))
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def purge_command(settings: Settings, number: int, yes: bool) -> None:
    """Delete the dead letters up to ID, and that one, for good."""
    numbers = numbers_through(settings, number)
    if not numbers:
        echo(f"there is no dead letter up to {number}")
    elif yes or confirm(f"Delete {len(numbers)} dead letters, {numbers[0]} to {numbers[-1]}?"):
        purge(settings, numbers[-1])
        echo(f"deleted {len(numbers)} dead letters, {numbers[0]} to {numbers[-1]}")


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.number, "ts": letter.ts_ms, "topic": letter.topic, "partition": letter.partition,
        "offset": letter.offset, "length": letter.length, "whole": letter.is_whole, "sha256": letter.sha256,
        "reason": letter.reason, "error": letter.error, "key": _key(letter),
    }  # fmt: skip


def _key(letter: DeadLetter) -> str:
    return _line((letter.key or b"").decode("utf-8", "backslashreplace"))


def _line(text: str) -> str:
    """What strangers write begins no line of its own."""
    return text.replace("\n", "\\n")


def _by_reason(refusals: Iterable[tuple[str, str]]) -> str:
    counts = refusals if isinstance(refusals, Counter) else Counter(refusals)
    listed = ", ".join(f"{_line(topic)} {_line(reason)} {count}" for (topic, reason), count in counts.most_common())
    return f": {listed}" if listed else ""
