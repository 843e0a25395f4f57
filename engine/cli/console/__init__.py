"""`floodgate console`: the screen, and the accounts of those who may use it."""

from typing import Any

import click
import msgspec

from engine.cli.lazy import LazyGroup
from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.cli.ports import raise_if_taken
from engine.console_settings import LOOPBACK
from engine.settings import Settings

SUMMARIES = {
    "audit": "Tell whether somebody has changed the audit log.",
    "user": "Say who may use the console.",
}


@click.group("console", cls=LazyGroup, package="engine.cli.console", summaries=SUMMARIES, invoke_without_command=True)
@click.option("--port", type=click.IntRange(1, 65_535), help="The port to listen on.  [default: `console.port`, 6080]")
@click.option("--host", help="The address to listen on.  [default: `console.host`, 127.0.0.1]")
@click.option("--store", help="The URL of the store.  [default: `console.store`]")
@click.option("--rebuild", is_flag=True, help="Read everything that is on the topics once more, before serving.")
@with_settings
def command(
    settings: Settings, port: int | None, host: str | None, store: str | None, rebuild: bool
) -> None:  # fmt: skip
    """Serve the console: a queue for moderators, rules for analysts, and every decision explained, in a browser.

    It runs until it is stopped. The first account is made by `floodgate console user add NAME --role administrator`.
    """
    given: dict[str, Any] = {"port": port, "host": host, "store": store}
    own = msgspec.structs.replace(
        settings.console, **{name: value for name, value in given.items() if value is not None}
    )
    context = click.get_current_context()
    context.obj = settings = msgspec.structs.replace(settings, console=own)
    if context.invoked_subcommand is None:
        _serve(settings, rebuild)


def _serve(settings: Settings, rebuild: bool) -> None:
    from engine.console.serving import serve  # noqa: PLC0415  # `console user` needs no web server
    from engine.console.store.database import open_store  # noqa: PLC0415  # nor does `--help`

    raise_if_taken(settings.console.host, settings.console.port, "console.port")
    store = open_store(settings)
    if rebuild:
        store.forget_followed()
    if settings.console.host not in LOOPBACK:
        echo("other machines reach the console: put TLS in front, and set console.secure_cookies", err=True)
    echo(f"the console is on http://{settings.console.host}:{settings.console.port}")
    serve(settings, store)
