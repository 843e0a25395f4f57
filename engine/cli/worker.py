"""`floodgate worker`."""

import sys
from pathlib import Path

import click

from engine.cli.options import PATH, with_settings
from engine.cli.ports import raise_if_taken
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.rulebooks import raise_if_anothers
from engine.stream.kafka.candidates import as_candidate, raise_if_others_are_members
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


def _beside(settings: Settings, candidate: str, rules: Path | None, learns: bool) -> Settings:
    """The candidate's settings. Raises RulebookError where no worker of its could decide by its rules."""
    if rules is not None:
        load_rulebook(rules)
    return as_candidate(settings, candidate, rules, learns)


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
@click.option("--as", "candidate", metavar="NAME", help="Decide beside the others, as a candidate that nobody obeys.")
@click.option("--rules", type=PATH, help="With --as: the rulebook to decide by, if not the one in use.")
@click.option("--learn", "learns", is_flag=True, help="With --as: learn from labels, and not go by the models in use.")
@with_settings
def command(
    settings: Settings, create: bool, processes: int, candidate: str | None, rules: Path | None, learns: bool
) -> None:
    """Run a stream worker until it is told to stop (SIGTERM finishes what is under way).

    With several processes each has its own directory below `data_dir`, its own port after `web_port`, and `instance_id`
    with its number behind. The pages on `web_port` are about all of them.

    A candidate reads the same events, with a group, state and topics of its own: `floodgate candidate compare` tells
    what it decides otherwise.
    """
    if candidate is not None:
        settings = _beside(settings, candidate, rules, learns)
    elif rules is not None or learns:
        raise click.UsageError("--rules and --learn go with --as: all other workers decide by what is pushed")
    own = own_settings(settings, processes) if processes > 1 else []
    if create:
        create_topics(settings)
    check_topics(settings)
    raise_if_others_are_members(settings)
    raise_if_anothers(settings, read_all(settings, settings.topics.rulebooks))
    if own:
        sys.exit(supervise(settings, own, _process_command()))
    raise_if_taken(settings.web_host, settings.web_port, "web_port")
    from engine.cli.worker_process import run_worker  # noqa: PLC0415  # Faust, which a supervisor does without

    run_worker(settings)
