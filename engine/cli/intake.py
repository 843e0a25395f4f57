"""`floodgate intake`: producers' own topics into events."""

import logging.config

import click

from engine.cli.options import with_settings
from engine.errors import SettingsError
from engine.settings import Settings
from engine.stream.worker.logs import logging_config


@click.command("intake")
@with_settings
def command(settings: Settings) -> None:
    """Make events of the topics of `intake.sources`, until it is told to stop.

    Messages may be JSON, Avro or Protobuf with a schema registry, or CloudEvents. Each becomes one
    event, or a dead letter.
    """
    try:
        from engine.intake.process import take_in  # noqa: PLC0415  # an optional package
    except ImportError as error:
        raise SettingsError(f"`floodgate intake` needs more: pip install 'floodgate[formats]' ({error})") from error
    logging.config.dictConfig(logging_config(settings.log_level, settings.log_format))
    take_in(settings)
