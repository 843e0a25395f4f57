"""Where the starter rules are: in a checkout beside the package, else inside the package, as it is installed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import engine
from engine.cli.options import PATH

_PACKAGE = Path(engine.__file__).parent


def starter_rules() -> Path:
    """The directory of the starter rules."""
    packed = _PACKAGE / "starter_rules"  # put there by the wheel, see `force-include` in pyproject.toml
    return packed if packed.is_dir() else _PACKAGE.parent / "rules"


def with_rules(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --rules; the command gets `rules`, by default the starter rules."""
    return click.option(
        "--rules", default=starter_rules, show_default="the starter rules", type=PATH, help="The rulebook."
    )(command)
