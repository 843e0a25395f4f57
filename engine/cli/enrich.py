"""`floodgate enrich`."""

import click

from engine.cli.options import with_settings
from engine.errors import SettingsError
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
    from engine.cli.running import run_app, set_up_log  # noqa: PLC0415  # Faust is not loaded for what fails before
    from engine.enrich.worker.app import EnrichApp  # noqa: PLC0415
    from engine.enrich.worker.sources import source_name  # noqa: PLC0415

    log = set_up_log(settings)
    run_app(EnrichApp(settings, source_name(settings)), settings, log)
