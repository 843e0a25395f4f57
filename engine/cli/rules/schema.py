"""`floodgate rules schema`."""

import json

import click

from engine.cli.output import echo
from engine.rulebook.language.json_schema import json_schema


@click.command("schema")
def command() -> None:
    """Print a JSON Schema of rulebook files, for editors."""
    echo(json.dumps(json_schema(), indent=2))
