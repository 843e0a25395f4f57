"""`floodgate worker`."""

from typing import Any

import click

from engine.cli.options import calm_garbage_collection, with_settings
from engine.cli.output import complain
from engine.errors import FloodgateError
from engine.settings import Settings
from engine.stream.control.rulebooks import raise_if_anothers
from engine.stream.kafka.records import read_all
from engine.stream.kafka.topics import check_topics, create_topics
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.shutdown import PromptWorker
from engine.stream.worker.state_origin import raise_if_moved


@click.command("worker")
@click.option("--create-topics", "create", is_flag=True, help="Create missing topics first.")
@with_settings
def command(settings: Settings, create: bool) -> None:
    """Run a stream worker until it is told to stop (SIGTERM finishes what is under way)."""
    if create:
        create_topics(settings)
    check_topics(settings)
    raise_if_anothers(settings, read_all(settings, settings.topics.rulebooks))
    raise_if_moved(settings)
    app = FloodgateApp(settings)
    calm_garbage_collection()
    worker: Any = PromptWorker(
        app, loglevel=settings.log_level, logging_config=dict(app.conf.logging_config or {}), redirect_stdouts=False
    )
    worker.spinner = None  # its escape codes would stand between the lines of the log
    try:
        worker.execute_from_commandline()
    except SystemExit:  # it always ends so (mode/worker.py, `exiting`), and has logged where an error was raised
        reason = worker.crash_reason or app.crash_reason
        if reason is not None:
            complain(f"the worker has ended: {_reason_text(reason)}")
        raise


def _reason_text(reason: BaseException) -> str:
    """In one line: Kafka's errors have few words of their own."""
    return str(reason) if isinstance(reason, FloodgateError) else f"{type(reason).__name__}: {reason}"
