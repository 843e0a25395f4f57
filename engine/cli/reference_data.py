"""Where commands that run over recorded events find reference data, and what is missing of it."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.cli.options import FILE
from engine.cli.output import echo
from engine.cli.recordings import read_lines
from engine.core.domain.rules import Rulebook
from engine.reference.bank_files import BankFiles
from engine.reference.databases import Databases
from engine.reference.recorded import RecordedTables, read_recorded_rows
from engine.settings import Settings
from engine.stream.control.table_rows import read_tables

DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


class _Table(click.ParamType):
    """NAME=FILE."""

    name = "name=file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        """Name and path of a table."""
        name, _, path = str(value).partition("=")
        if not name or not path:
            self.fail(f"{value!r} is no NAME=FILE, such as profile=profiles.jsonl", param, ctx)
        return name, Path(str(FILE.convert(path, param, ctx)))


def with_reference_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options `reference_data` and `recorded_tables` (`--table`)."""
    for option in (
        click.option(
            "--table", "recorded_tables", multiple=True, type=_Table(),
            help="The rows of a table that comes on a topic, recorded as JSON Lines: NAME=FILE. May be given often.",
        ),
        click.option(
            "--reference-data", type=DIRECTORY, help="Where databases of networks are, in place of the setting."
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def referring(
    settings: Settings, rulebook: Rulebook, directory: Path | None, recorded: Iterable[tuple[str, Path]],
    from_topic: bool = False,
) -> tuple[Settings, RecordedTables]:  # fmt: skip
    """The settings with that directory, and the recorded tables, or those that are on topics; tells what the rulebook
    names and is not there. Raises RecordingError, click.UsageError."""
    if directory is not None:
        settings = msgspec.structs.replace(settings, reference_data_dir=str(directory))
    rows = {name: read_recorded_rows(read_lines(path), str(path)) for name, path in recorded}
    for name in rows:
        if name not in rulebook.topics:
            known = ", ".join(sorted(rulebook.topics)) or "it has none"
            raise click.UsageError(f"the rulebook has no table {name} that comes on a topic: {known}")
    tell_missing(settings, rulebook)
    tables = read_tables(settings, rulebook, rows) if from_topic else RecordedTables(rows)
    for name in sorted(rulebook.topics.keys() - set(tables.names)):
        why = f"topic {rulebook.topics[name]} is not there" if from_topic else "it is not recorded"
        echo(f"floodgate: the values of table {name} are unknown, as {why}: --table {name}=FILE", err=True)
    return settings, tables


def tell_missing(settings: Settings, rulebook: Rulebook) -> None:
    """Tell which databases of networks, and which pictures of banks, are not there."""
    databases = Databases(settings.reference_data_dir)
    databases.use(rulebook.lookups)
    _tell(settings, databases.missing(), databases.errors, "its values are unknown")
    banks = BankFiles(settings.reference_data_dir)
    banks.use(rulebook.banks.values())
    _tell(settings, banks.missing(), banks.errors, "its pictures are not known")


def _tell(settings: Settings, missing: Iterable[str], errors: Mapping[str, str], then: str) -> None:
    for name in missing:
        why = f"cannot be read ({errors[name]})" if name in errors else "is not"
        echo(f"warning: {name} {why} in {settings.reference_data_dir}: {then}", err=True)
