"""`floodgate partitions`."""

import click
import orjson
from rich.table import Table

from engine.cli.options import with_settings
from engine.cli.output import Console, echo, is_terminal
from engine.settings import Settings
from engine.stream.moving.copying import Survey, Tell, free_bytes, survey
from engine.stream.moving.journal import Intent
from engine.stream.moving.mover import delete_former, move, raise_if_impossible, roll_back
from engine.stream.moving.standing import movements

_TO = click.option("--to", type=click.IntRange(min=2), required=True, help="So many; a multiple of what there are.")
_ROOM = 3
"""What a partition takes on disk while it is parted, in times of what it holds."""


@click.group("partitions")
def command() -> None:
    """Make more partitions, and move all state to them."""


@command.command("plan")
@_TO
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings
def plan(settings: Settings, to: int, as_json: bool) -> None:
    """Go through all state, and tell what would move and what is in the way. Nothing is changed.

    Exit code 1 where something is in the way.
    """
    raise_if_impossible(settings, to)
    console = Console(stderr=True)
    with console.status("") as status:
        found = survey(settings, Intent(settings.partitions, to, settings.state_generation + 1), status.update)
    obstacles = [*movements(settings), *_obstacles(settings, found)]
    if as_json:
        echo(orjson.dumps(_as_json(found, obstacles), option=orjson.OPT_INDENT_2))
    else:
        _show(found)
        for obstacle in obstacles:
            Console().print(f"in the way: {obstacle}", style="red", soft_wrap=True)
        if not obstacles:
            echo(f"nothing is in the way: `floodgate partitions move --to {to}`")
    if obstacles:
        raise click.exceptions.Exit(1)


@command.command("move")
@_TO
@click.option("--anyway", is_flag=True, help="Also where the plan tells of users or outcomes that would be lost.")
@with_settings
def move_state(settings: Settings, to: int, anyway: bool) -> None:
    """Move all state to more partitions. Workers and producers have to be stopped.

    Where it is interrupted, the same command goes on, and until the topics have got their partitions `roll-back` takes
    it back. No worker starts meanwhile.
    """
    console = Console(stderr=True)
    with console.status("") as status:
        tell: Tell = status.update if is_terminal() else _echo_on_stderr
        intent, moved = move(settings, to, tell, anyway)
    _show(moved)
    echo("all state is moved. Set this, and start the workers:")
    echo(f"  partitions: {intent.to}\n  state_generation: {intent.generation}")


@command.command("roll-back")
@with_settings
def take_back(settings: Settings) -> None:
    """Take back a move that was interrupted, as long as no topic has got more partitions."""
    intent = roll_back(settings)
    echo(f"all is as it was, with {intent.before} partitions: start the workers")


@command.command("delete-former")
@with_settings
def delete(settings: Settings) -> None:
    """Delete the changelogs that state has been moved away from."""
    gone = delete_former(settings)
    for name in gone:
        echo(f"deleted {name}")
    if not gone:
        echo("there are none")


def _echo_on_stderr(text: str) -> None:
    echo(text, err=True)


def _obstacles(settings: Settings, found: Survey) -> list[str]:
    obstacles = list(found.obstacles())
    needed, free = _ROOM * found.largest_bytes, free_bytes(settings)
    if free < needed:
        obstacles.append(f"`data_dir` has {free >> 20:,} MB left, and the largest partition needs {needed >> 20:,} MB")
    return obstacles


def _show(found: Survey) -> None:
    table = Table("state", "keys", "elsewhere then", box=None, pad_edge=False)
    for kind, count in sorted(found.kinds.items()):
        table.add_row(kind, f"{count:,}", f"{found.moved[kind]:,}")
    console = Console()
    console.print(table)
    console.print(f"{found.bytes / 1e6:,.1f} MB are written to the next changelog", soft_wrap=True)
    if found.everywhere:
        console.print(f"{found.everywhere:,} keys do not tell whose they are: each new partition has them")


def _as_json(found: Survey, obstacles: list[str]) -> dict[str, object]:
    return {
        "kinds": found.kinds, "moved": found.moved, "bytes": found.bytes, "largest_bytes": found.largest_bytes,
        "users": found.users, "strays": found.strays, "everywhere": found.everywhere, "lost": found.lost,
        "in_the_way": obstacles,
    }  # fmt: skip
