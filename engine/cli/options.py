"""Options that several commands share."""

import functools
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from engine.settings import load_settings

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATH = click.Path(exists=True, path_type=Path)

WITHOUT = click.option(
    "--without", multiple=True, metavar="MODERATOR", help="This moderator's labels do not count. May be given often."
)
"""Files of labels do not tell who is quarantined."""


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --config and --broker; the command gets `settings`."""

    @click.option("--config", type=FILE, help="A settings file (YAML). FLOODGATE_* variables win over it.")
    @click.option("--broker", help="host:port of the Kafka brokers. Wins over everything.")
    @functools.wraps(command)
    def wrapped(config: Path | None, broker: str | None, **arguments: Any) -> Any:
        environment = dict(os.environ)
        if broker:
            environment["FLOODGATE_BROKERS"] = broker
        settings = load_settings(config, environment)
        settings.key_hashes()
        return command(settings=settings, **arguments)

    return wrapped


def calm_garbage_collection() -> None:
    """Records are held in plain dictionaries without cycles; the default thresholds walk them all the
    time, a fifth of the CPU with a full cache."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
