"""`floodgate rules show`."""

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.cli.rules.in_use import in_use
from engine.rulebook.tools.formatting import entries_called
from engine.settings import Settings


@click.command("show")
@click.argument("name")
@with_settings
def command(settings: Settings, name: str) -> None:
    """Print what the rulebook in use says of NAME: a rule, a counter, a list, a model."""
    version, _ = in_use(settings)
    entries = [f"# {file}\n{entry}" for file, text in version.sources.items() for entry in entries_called(text, name)]
    if not entries:
        raise click.UsageError(
            f"the rulebook in use has nothing called {name!r}; `floodgate rules list` lists its rules"
        )
    echo("\n\n".join(entries))
