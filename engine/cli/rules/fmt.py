"""`floodgate rules fmt`."""

import sys
from pathlib import Path

import click

from engine.cli.options import PATH
from engine.cli.output import echo
from engine.errors import RulebookError
from engine.rulebook.tools.formatting import formatted


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 if something would change.")
def command(paths: tuple[Path, ...], only_check: bool) -> None:
    """Lay rulebook files out in one way: order of keys, columns, empty lines. What they say stays the same."""
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*.y*ml")))]
    changed = wrong = 0
    for file in files:
        try:
            text = file.read_text("utf-8")
            made = formatted(str(file), text)
        except (RulebookError, UnicodeDecodeError) as error:
            echo(f"{file} is left as it is: {error}")
            wrong += 1
            continue
        if made != text:
            changed += 1
            echo(f"{'would lay out' if only_check else 'laid out'} {file}")
            if not only_check:
                file.write_text(made, "utf-8")
    echo(f"{len(files)} files, {changed} {'to lay out' if only_check else 'laid out'}")
    sys.exit(1 if wrong or (only_check and changed) else 0)
