"""`floodgate worker`."""

import sys
from pathlib import Path

import click

from engine.cli.options import with_settings
from engine.settings import Settings
from engine.stream.control.rulebooks import raise_if_anothers
from engine.stream.kafka.records import read_all
from engine.stream.kafka.topics import check_topics, create_topics
from engine.stream.supervisor.cores import usable_cores
from engine.stream.supervisor.own_settings import MOST_PROCESSES, own_settings
from engine.stream.supervisor.supervisor import supervise


def _process_command() -> list[str]:
    """Starts a worker process, from where this one comes: what is called `engine` in the directory where people stand
    is imported only if that is so here."""
    is_from_here = str(Path.cwd()) in sys.path
    return [sys.executable, *([] if is_from_here else ["-P"]), "-m", "engine.cli.worker_process"]


class _Processes(click.ParamType):
    name = "N|auto"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """How many processes."""
        if value == "auto":
            return min(usable_cores(), MOST_PROCESSES)
        if not value.isdecimal() or not 1 <= int(value) <= MOST_PROCESSES:
            self.fail(f"{value!r} is neither a number from 1 to {MOST_PROCESSES} nor `auto`", param, ctx)
        return int(value)


@click.command("worker")
@click.option("--create-topics", "create", is_flag=True, help="Create missing topics first.")
@click.option(
    "--processes",
    type=_Processes(),
    metavar="N|auto",
    default="1",
    show_default=True,
    help="So many worker processes on this machine under a supervisor; `auto`: one for each usable core.",
)
@with_settings
def command(settings: Settings, create: bool, processes: int) -> None:
    """Run a stream worker until it is told to stop (SIGTERM finishes what is under way).

    With several processes each has its own directory below `data_dir`, its own port after `web_port`, and `instance_id`
    with its number behind. The pages on `web_port` are about all of them.
    """
    own = own_settings(settings, processes) if processes > 1 else []
    if create:
        create_topics(settings)
    check_topics(settings)
    raise_if_anothers(settings, read_all(settings, settings.topics.rulebooks))
    if own:
        sys.exit(supervise(settings, own, _process_command()))
    from engine.cli.worker_process import run_worker  # noqa: PLC0415  # Faust, which a supervisor does without

    run_worker(settings)
