"""What is running: for `floodgate --version`, the log and the metrics."""

import sys
from importlib.metadata import version
from typing import NamedTuple

from engine.core.kernel import COMPILED


class Build(NamedTuple):
    """The package's version, Python's, and whether the core is compiled (`yes` or `no`)."""

    version: str
    python: str
    compiled: str


def find_build() -> Build:
    """Of this process."""
    return Build(version("floodgate"), ".".join(map(str, sys.version_info[:3])), "yes" if COMPILED else "no")
