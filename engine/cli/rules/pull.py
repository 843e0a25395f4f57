"""`floodgate rules pull`."""

from pathlib import Path

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.cli.rules.in_use import in_use
from engine.settings import Settings


@click.command("pull")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@with_settings
def command(settings: Settings, directory: Path) -> None:
    """Write the files of the rulebook in use into DIRECTORY, which must be empty, or not be there."""
    version, _ = in_use(settings)
    if directory.exists() and any(directory.iterdir()):
        raise click.UsageError(f"{directory} is not empty: pull into another directory, and compare")
    for name, text in version.sources.items():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):  # whoever publishes chooses the names
            raise click.UsageError(f"the rulebook has a file called {name!r}, which would lie outside of {directory}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    echo(f"rulebook {version.id}: {len(version.sources)} files in {directory}")
