"""`floodgate console audit`."""

import sys

import click

from engine.cli.output import echo
from engine.console.store import audit
from engine.console.store.database import open_store
from engine.settings import Settings

_SHOWN = 20


@click.command("audit")
@click.pass_obj
def command(settings: Settings) -> None:
    """Tell whether somebody has changed or taken away entries of the audit log. Exit code 1 where they have."""
    store = open_store(settings)
    with store.read() as connection:
        broken = list(audit.find_breaks(connection))
        newest = audit.latest(connection, 1)
    store.close()
    if broken:
        named = ", ".join(map(str, broken[:_SHOWN]))
        echo(f"entries that do not follow from those before them: {len(broken)} ({named})", err=True)
        sys.exit(1)
    told = f"; the newest is {newest[0].id}, {newest[0].chain}" if newest else ""
    echo(f"each entry follows from those before it{told}")
