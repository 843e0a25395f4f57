"""Prometheus' own tool for its rules: from the machine, or from Debian's package, unpacked below `build/`."""

import shutil
import subprocess
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

_KEPT = Path("build/prometheus")


@cache
def find_promtool() -> Path:
    """The tool. Skips, and says so in the summary, where it cannot be had."""
    if (found := shutil.which("promtool")) is not None:
        return Path(found)
    tool = _KEPT / "usr/bin/promtool"
    if not tool.exists() and (why := _unpack()):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(f"NOT TESTED: the alerts, as promtool cannot be had: {why}", stacklevel=1)
        pytest.skip(f"promtool cannot be had: {why}")
    return tool.resolve()


def _unpack() -> str:
    """Fetch the package without installing it: it would start a server. Why not, or an empty text."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return "this is no Debian"
    _KEPT.mkdir(parents=True, exist_ok=True)
    fetch = ["apt-get", "download", "-q", "prometheus"]
    packages: list[Path] = []
    for step in (fetch, ["apt-get", "update", "-q"], fetch):  # the lists may be old, or not there
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(step, cwd=_KEPT, capture_output=True, check=False, timeout=60)
        if packages := sorted(_KEPT.glob("prometheus_*.deb")):
            break
    if not packages:
        return "apt-get cannot fetch the package `prometheus`"
    done = subprocess.run(
        ["dpkg", "-x", packages[-1].name, "."], cwd=_KEPT, capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""
