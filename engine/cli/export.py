"""`floodgate export`: topics as Parquet."""

import logging.config
import sys

import click
import msgspec

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.errors import SettingsError
from engine.settings import Settings
from engine.stream.worker.logs import logging_config

_NEEDED = "`floodgate export` needs pyarrow and fsspec: pip install 'floodgate[export]'"


@click.command("export")
@click.option("--to", help="A directory, or a URL that fsspec knows.  [default: `export.to`]")
@click.option("--once", is_flag=True, help="Export what is there now, and end.")
@click.option("--check", is_flag=True, help="Only look whether the files have each offset once. Exit code 1 where not.")
@with_settings
def command(settings: Settings, to: str | None, once: bool, check: bool) -> None:
    """Write decisions, actions and labels as Parquet by hour, until it is told to stop.

    Each message is in the files once, also after a crash: their names say which offsets they have.
    """
    try:
        from engine.export.process import export, find_faults  # noqa: PLC0415  # optional packages
    except ImportError as error:
        raise SettingsError(f"{_NEEDED} ({error})") from error
    if to is not None:
        settings = msgspec.structs.replace(settings, export=msgspec.structs.replace(settings.export, to=to))
    if check:
        faults = 0
        for fault in find_faults(settings):
            echo(fault)
            faults += 1
        if faults:
            sys.exit(1)
        echo("each offset is in one file")
        return
    logging.config.dictConfig(logging_config(settings.log_level, settings.log_format))
    rows = export(settings, is_once=once)
    if once:
        echo(f"{rows:,} rows")
