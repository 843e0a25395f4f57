"""A worker in this process: the only one, or as one of several, `python -m engine.cli.worker_process NUMBER`."""

import sys

from engine.cli.options import calm_garbage_collection
from engine.cli.output import complain
from engine.cli.running import run_app, set_up_log
from engine.errors import FloodgateError
from engine.settings import Settings
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.state_origin import raise_if_moved
from engine.stream.worker.supervised import end_with_supervisor, read_settings


def run_worker(settings: Settings, number: int | None = None) -> None:
    """Until it is told to stop. `number`: which one of several it is. Raises FloodgateError, OSError, SystemExit."""
    raise_if_moved(settings)
    log = set_up_log(settings, number)
    app = FloodgateApp(settings)
    calm_garbage_collection()
    run_app(app, settings, log, _name(number))


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


if __name__ == "__main__":
    main()
