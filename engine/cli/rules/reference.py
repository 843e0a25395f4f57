"""`floodgate rules reference`."""

import click

from engine.cli.output import echo
from engine.rulebook.language.reference import reference


@click.command("reference")
def command() -> None:
    """Print what each key of a rulebook means, as Markdown."""
    echo(reference(), nl=False)
