"""`floodgate candidate`."""

import sys

import click
import msgspec
import yaml
from rich.table import Table

from engine.cli.of_candidate import NAME
from engine.cli.options import with_settings
from engine.cli.output import Console, confirm, echo
from engine.cli.times import DURATION, SINCE, Moment, as_epoch_ms
from engine.core.domain.units import time_text
from engine.settings import Settings
from engine.stream.admin.candidate_comparison import Comparison, compare
from engine.stream.admin.candidate_promotion import promote
from engine.stream.admin.candidate_removal import Left, find_left, remove
from engine.stream.admin.side_by_side import Difference
from engine.stream.kafka.candidates import as_candidate


@click.group("candidate")
def command() -> None:
    """Compare a candidate with the workers that decide, promote it, or remove it.

    `floodgate worker --as NAME` starts one.
    """


@command.command("compare")
@NAME
@SINCE
@click.option("--settle", "settle_ms", type=DURATION, default="15s", show_default=True, help="Leave out what is newer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings
def compare_decisions(settings: Settings, name: str, since: Moment | None, settle_ms: int, as_json: bool) -> None:
    """Tell which decisions and actions of a candidate differ from those of the workers that decide, and why.

    Without --since: of events since the candidate has published its first decision.
    """
    found = compare(settings, as_candidate(settings, name), as_epoch_ms(since), settle_ms)
    if as_json:
        echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        _tell(Console(), found)


@command.command("promote")
@NAME
@click.option(
    "--wait", "wait_s", default=60, show_default=True, type=click.IntRange(0),
    help="For how many seconds to wait for the others.",
)  # fmt: skip
@with_settings
def promote_state(settings: Settings, name: str, wait_s: int) -> None:
    """Wait until nothing is lost when the workers that decide go on from a candidate's state, and print the settings
    with which they do.

    Stop the candidate's workers first. Nothing is changed: stop the others when this has ended, and start them with
    these settings.
    """
    with Console(stderr=True).status("") as status:
        found = promote(settings, as_candidate(settings, name), wait_s, status.update)
    echo(yaml.safe_dump(found, sort_keys=False), nl=False)


@command.command("drop")
@NAME
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--anyway", is_flag=True, help="Also where nobody decides by these settings, and it is further.")
@with_settings
def drop(settings: Settings, name: str, yes: bool, anyway: bool) -> None:
    """Remove what a candidate has left: its topics, its group, its directory on this machine.

    What is in use since it was promoted stays. Settings of before that do not tell what is in use: they are refused
    where the candidate has gone on and nobody else has.
    """
    left = find_left(settings, name, anyway=anyway)
    if not left:
        echo(f"there is nothing left of the candidate {name}")
        return
    if not yes and not confirm(f"Delete {_what(left)}?"):
        sys.exit(1)
    remove(settings, left)
    echo(f"deleted {_what(left)}")


def _what(left: Left) -> str:
    group = [f"the group {left.group}"] if left.group else []
    directory = [f"the directory {left.directory}"] if left.directory else []
    return ", ".join([*(f"the topic {topic}" for topic in left.topics), *group, *directory])


def _tell(console: Console, found: Comparison) -> None:
    console.print(
        f"events since {time_text(found.since_ms)}, decided until {time_text(found.until_ms)} (UTC): on "
        f"{found.alike:,} both decide alike, on {found.differing:,} they differ"
    )
    for side, identities in found.rulebooks.items():
        console.print(f"{side}: rulebook {', '.join(identities) or 'none has met anything yet'}")
    for title, differences in (("decisions", found.decisions), ("actions", found.actions)):
        if differences:
            console.print(_table(title, differences))
    if found.left_out:
        console.print(f"{found.left_out:,} more differences are left out", style="yellow")


def _table(title: str, differences: list[Difference]) -> Table:
    table = Table("rule", "incumbent", "candidate", "events", "users", "for example", title=f"{title} that differ")
    for one in differences:
        users = f"{one.users:,}{' or more' if one.users_are_more else ''}"
        examples = [
            f"{example.event_id} of {example.user_id}: "
            + "; ".join(f"{side}: {why}" for side, why in example.why.items() if why)
            for example in one.examples[:1]
        ]
        row = (one.rule, one.incumbent or "-", one.candidate or "-", f"{one.events:,}", users, *examples)
        table.add_row(*row)
    return table
