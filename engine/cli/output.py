"""What commands print. Everything from outside (ids, texts, names, notes, errors) passes through `shown`: adversaries
write it, and a terminal executes escape sequences."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console as RichConsole
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from engine.core.values.shown import shown

_PIPED = 500
"""Columns where no terminal tells how many there are: a line of a table stays one line."""


def echo(text: str | bytes, nl: bool = True, err: bool = False) -> None:
    """Print a text (bytes are UTF-8)."""
    click.echo(shown(text.decode("utf-8", "replace") if isinstance(text, bytes) else text), nl=nl, err=err)


def confirm(question: str) -> bool:
    """Ask whoever sits at the terminal."""
    return click.confirm(shown(question))


def ask_password() -> str:
    """Ask for a password twice, and show neither."""
    return str(click.prompt("password", hide_input=True, confirmation_prompt=True))


def complain(error: object) -> None:
    """Tell on standard error why a command has failed, in one line that begins with its name."""
    echo(f"floodgate: {error}", err=True)


class Console(RichConsole):
    """Rich's console without its markup, which strangers' texts would be read as, and without what a terminal
    executes. Colours are given as `style`."""

    def __init__(self, stderr: bool = False, highlight: bool = False, **options: Any) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=highlight, **options)
        if not self.is_terminal and "width" not in options and "COLUMNS" not in os.environ:
            self.width = _PIPED

    def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
        """Anything as it is printed: also what brings its own text. Nothing in tables is cut off: ids are copied."""
        if isinstance(renderable, Table):
            for column in renderable.columns:
                column.overflow = "fold"
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text, and each cell of a table, as it is printed."""
        return super().render_str(shown(text), **{**options, "markup": False, "emoji": False})


def is_terminal() -> bool:
    """Whether a person looks at what is printed."""
    return sys.stdout.isatty()
