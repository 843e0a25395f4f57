"""What these commands start from: the version in use."""

import click

from engine.core.domain.rules import Rulebook
from engine.settings import Settings
from engine.stream.control.rulebooks import Version, read_in_use


def in_use(settings: Settings) -> tuple[Version, Rulebook]:
    """The version in use and its rulebook. Raises UsageError where there is none."""
    current = read_in_use(settings)
    if current is None:
        raise click.UsageError("no rulebook has been pushed yet")
    return current
