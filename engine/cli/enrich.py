"""`floodgate enrich`."""

import logging.config
from typing import Any

import click

from engine.cli.options import with_settings
from engine.cli.output import complain
from engine.errors import FloodgateError, SettingsError
from engine.settings import Settings
from engine.stream.kafka.topics import check_topics, create_topics


@click.command("enrich")
@click.option("--create-topics", "create", is_flag=True, help="Create missing topics first.")
@with_settings
def command(settings: Settings, create: bool) -> None:
    """Run a worker of the stage before `events`, until it is told to stop (SIGTERM finishes what is under way).

    It reads `raw-events`, asks the enrichers that the settings declare about each event, adds what they find, and
    publishes to `events`. Several of them share the partitions.
    """
    if not settings.enrichment.is_used:
        raise SettingsError("no enricher is declared: `enrichment.enrichers` in the settings has them")
    if create:
        create_topics(settings)
    check_topics(settings)
    run(settings)


def run(settings: Settings) -> None:
    """Until it is told to stop. Raises FloodgateError, SystemExit."""
    from engine.enrich.worker.app import EnrichApp  # noqa: PLC0415  # Faust is not loaded for what fails before
    from engine.enrich.worker.sources import source_name  # noqa: PLC0415
    from engine.stream.worker.logs import logging_config  # noqa: PLC0415
    from engine.stream.worker.shutdown import PromptWorker  # noqa: PLC0415

    config = logging_config(settings.log_level, settings.log_format)
    logging.config.dictConfig(config)
    app = EnrichApp(settings, source_name(settings))
    worker: Any = PromptWorker(app, loglevel=settings.log_level, logging_config=config, redirect_stdouts=False)
    worker.spinner = None  # its escape codes would stand between the lines of the log
    try:
        worker.execute_from_commandline()
    except SystemExit:  # it always ends so (mode/worker.py, `exiting`)
        reason = worker.crash_reason or app.crash_reason
        if reason is not None:
            text = str(reason) if isinstance(reason, FloodgateError) else f"{type(reason).__name__}: {reason}"
            complain(f"the worker has ended: {text}")
        raise
