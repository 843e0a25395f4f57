"""`floodgate rules test`."""

import sys
from pathlib import Path

import click

from engine.cli.options import PATH
from engine.cli.rules.checking import Limits, checked, with_limits


@click.command("test")
@click.argument("path", type=PATH)
@with_limits
def command(path: Path, max_us: float, max_bytes: int) -> None:
    """Run a rulebook's inline tests."""
    sys.exit(0 if checked(path, Limits(max_us, max_bytes)) is not None else 1)
