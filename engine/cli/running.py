"""A worker runs in this process until it is told to stop, and says why where it has ended otherwise."""

import logging.config
from typing import Any

from aiokafka.errors import ProducerFenced

from engine.cli.output import complain
from engine.errors import FloodgateError
from engine.settings import Settings
from engine.stream.kafka.fenced_names import has_lost_its_name
from engine.stream.worker.logs import logging_config
from engine.stream.worker.shutdown import PromptWorker


def set_up_log(settings: Settings, number: int | None = None) -> dict[str, Any]:
    """Log as the settings say. `number`: which one of several workers it is. Returns the configuration."""
    config = logging_config(settings.log_level, settings.log_format, number)
    logging.config.dictConfig(config)
    return config


def run_app(app: Any, settings: Settings, log: dict[str, Any], name: str = "the worker") -> None:
    """Run Faust's application. Raises SystemExit, after a line that says why it has ended, if nobody told it to."""
    worker: Any = PromptWorker(app, loglevel=settings.log_level, logging_config=log, redirect_stdouts=False)
    worker.spinner = None  # its escape codes would stand between the lines of the log
    try:
        worker.execute_from_commandline()
    except SystemExit:  # it always ends so (mode/worker.py, `exiting`), and has logged where an error was raised
        reason = worker.crash_reason or app.crash_reason
        if reason is not None:
            complain(f"{name} has ended: {reason_text(reason, settings.instance_id)}")
        raise


def reason_text(reason: BaseException, instance_id: str) -> str:
    """In one line: Kafka's errors have few words of their own."""
    if isinstance(reason, FloodgateError):
        return str(reason)
    same_name = f"another worker has the same `instance_id`, {instance_id}"
    if has_lost_its_name(reason):
        return f"FencedInstanceIdError: {same_name}: give each a name of its own"
    if isinstance(reason, ProducerFenced):
        named = f", or {same_name}" if instance_id else ""
        return (
            f"ProducerFenced: another worker writes to its partitions by now: this one stood still for too long{named}"
        )
    return f"{type(reason).__name__}: {reason}"
