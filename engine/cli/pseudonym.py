"""`floodgate pseudonym`."""

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.errors import SettingsError
from engine.settings import Settings


@click.command("pseudonym")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reveal", is_flag=True, help="The other way round: whose pseudonyms these are.")
@with_settings
def command(settings: Settings, ids: tuple[str, ...], reveal: bool) -> None:
    """Tell under which name decisions, state and logs have each ID, where `privacy` hides it."""
    pseudonyms = settings.pseudonyms()
    if pseudonyms is None:
        raise SettingsError("`privacy.key` or `privacy.key_file` is needed: without a key nobody has a pseudonym")
    for name in ids:
        echo(pseudonyms.reveal(name) if reveal else pseudonyms.of(name))
