"""`floodgate serve`: answers for those who ask before they publish."""

import logging.config

import click
import msgspec

from engine.cli.options import calm_garbage_collection, with_settings
from engine.cli.output import echo
from engine.serve.contract import schemas
from engine.serve.process import serve
from engine.serve.tokens import new_token
from engine.settings import Settings
from engine.stream.worker.logs import logging_config


@click.group("serve", invoke_without_command=True)
@with_settings
def command(settings: Settings) -> None:
    """Answer questions about events over HTTP, on the surfaces of `serve.surfaces`, until it is told to stop.

    An event that is asked about is published like any other; the answer is its decision, or after a while the
    surface's policy.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    logging.config.dictConfig(logging_config(settings.log_level, settings.log_format))
    calm_garbage_collection()
    serve(settings)


@command.command("token")
@click.argument("name")
@click.option("--surface", multiple=True, help="They may ask on this surface alone. May be given often.")
def token(name: str, surface: tuple[str, ...]) -> None:
    """Make a token for NAME: what they send, and the line of `serve.tokens_file` that lets them in."""
    words = (name, *surface)
    if any(not word or set(word) & set("#,") or len(word.split()) != 1 or word.strip() != word for word in words):
        raise click.UsageError("names are not empty, and have no space, # or comma: the file has them in columns")
    secret, line = new_token(name, surface)
    echo(f"token: {secret}")
    echo(f"line:  {line}")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of what is answered."""
    echo(msgspec.json.format(msgspec.json.encode(schemas())))
