"""`floodgate rules check`."""

import sys
from pathlib import Path

import click
from rich.table import Table

from engine.cli.options import PATH
from engine.cli.output import Console
from engine.cli.reference_data import tell_missing
from engine.cli.rules.checking import Limits, checked, with_limits
from engine.core.domain.rules import Rulebook
from engine.rulebook.checks.arrival import find_orders
from engine.settings import Settings


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--costs", is_flag=True, help="Show what events cost, and what entities keep.")
@click.option(
    "--reference-data",
    type=click.Path(path_type=Path),
    envvar="FLOODGATE_REFERENCE_DATA_DIR",
    help="Warn where a database of networks is not in this directory.",
)
@click.option("--order", is_flag=True, help="Tell for each rule whether the order between users' events matters.")
@with_limits
def command(
    paths: tuple[Path, ...], costs: bool, order: bool, reference_data: Path | None, max_us: float, max_bytes: int
) -> None:  # fmt: skip
    """Check rulebooks and run their inline tests. Prints every error at once; exit code 1 if there is one."""
    rulebooks = [checked(path, Limits(max_us, max_bytes), costs) for path in paths]
    for rulebook in filter(None, rulebooks):
        if reference_data is not None:
            tell_missing(Settings(reference_data_dir=str(reference_data)), rulebook)
    if order:
        for rulebook in filter(None, rulebooks):
            _tell_orders(rulebook)
    sys.exit(1 if None in rulebooks else 0)


def _tell_orders(rulebook: Rulebook) -> None:
    table = Table("rule", "does it depend on the order in which users' events arrive?")
    for name, order in find_orders(rulebook).items():
        table.add_row(name, str(order))
    Console().print(table)
