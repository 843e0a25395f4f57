"""`--as NAME`: a command about a candidate, in place of the workers that decide."""

import functools
from collections.abc import Callable
from typing import Any

import click

from engine.settings import Settings
from engine.stream.kafka.candidates import as_candidate

NAME = click.option("--as", "name", metavar="NAME", default="candidate", show_default=True, help="Which candidate.")


def of_candidate(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --as below `with_settings`; the command gets the settings of that candidate, if one is named."""

    @click.option("--as", "candidate", metavar="NAME", help="Of the candidate of this name.")
    @functools.wraps(command)
    def wrapped(settings: Settings, candidate: str | None, **arguments: Any) -> Any:
        return command(settings=as_candidate(settings, candidate) if candidate else settings, **arguments)

    return wrapped
