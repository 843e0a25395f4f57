"""`floodgate rules diff`."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from engine.cli.options import with_settings
from engine.cli.output import echo
from engine.cli.rules.in_use import in_use
from engine.rulebook.compiler import read_directory
from engine.rulebook.tools.differences import differences
from engine.settings import Settings
from engine.stream.control.rulebooks import Version, find_version, read_versions


@click.command("diff")
@click.argument("rulebooks", nargs=-1, required=True, metavar="[OLD] NEW")
@with_settings
def command(settings: Settings, rulebooks: tuple[str, ...]) -> None:
    """Tell what differs between two rulebooks, rule by rule: what NEW adds to OLD, changes in it and removes.

    OLD and NEW are directories, files, or versions as `history` lists them. Without OLD, NEW is compared with the
    version in use: it is what a push of NEW would do. Exit code 1 when there is a difference.
    """
    if len(rulebooks) > 2:
        raise click.UsageError("two rulebooks are compared, or one with the version in use")
    versions = [] if len(rulebooks) == 2 and all(Path(name).exists() for name in rulebooks) else read_versions(settings)
    *old, new = rulebooks
    before = _sources(versions, old[0]) if old else in_use(settings)[0].sources
    changes = differences(before, _sources(versions, new))
    echo("\n".join(map(str, changes)) or "no difference")
    sys.exit(1 if changes else 0)


def _sources(versions: list[Version], name: str) -> Mapping[str, str]:
    """Of a rulebook on this disk, or of a version."""
    return read_directory(Path(name)) if Path(name).exists() else find_version(versions, name).sources
