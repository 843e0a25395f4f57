"""A worker in this process: the only one, or as one of several, `python -m engine.cli.worker_process NUMBER`."""

import logging.config
import sys
from typing import Any

from aiokafka.errors import ProducerFenced

from engine.cli.options import calm_garbage_collection
from engine.cli.output import complain
from engine.errors import FloodgateError
from engine.settings import Settings
from engine.stream.kafka.fenced_names import has_lost_its_name
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.logs import logging_config
from engine.stream.worker.shutdown import PromptWorker
from engine.stream.worker.state_origin import raise_if_moved
from engine.stream.worker.supervised import end_with_supervisor, read_settings


def run_worker(settings: Settings, number: int | None = None) -> None:
    """Until it is told to stop. `number`: which one of several it is. Raises FloodgateError, OSError, SystemExit."""
    raise_if_moved(settings)
    config = logging_config(settings.log_level, settings.log_format, number)
    logging.config.dictConfig(config)
    app = FloodgateApp(settings)
    calm_garbage_collection()
    worker: Any = PromptWorker(app, loglevel=settings.log_level, logging_config=config, redirect_stdouts=False)
    worker.spinner = None  # its escape codes would stand between the lines of the log
    try:
        worker.execute_from_commandline()
    except SystemExit:  # it always ends so (mode/worker.py, `exiting`), and has logged where an error was raised
        reason = worker.crash_reason or app.crash_reason
        if reason is not None:
            complain(f"{_name(number)} has ended: {_reason_text(reason, settings.instance_id)}")
        raise


def main() -> None:
    """One of several, as its supervisor starts it."""
    number = int(sys.argv[1])
    settings = read_settings()
    end_with_supervisor(settings)
    try:
        settings.key_hashes()
        run_worker(settings, number)
    except (FloodgateError, OSError) as error:
        complain(f"{_name(number)} cannot start: {error}")
        sys.exit(2)


def _name(number: int | None) -> str:
    return "the worker" if number is None else f"worker process {number}"


def _reason_text(reason: BaseException, instance_id: str) -> str:
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


if __name__ == "__main__":
    main()
