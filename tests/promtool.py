"""Prometheus' own tool for its rules: from the machine, or from Debian's package, unpacked below `build/`."""

import shutil
import subprocess
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

_KEPT, _TOOL = Path("build/prometheus"), Path("usr/bin/promtool")


@cache
def find_promtool() -> Path:
    """The tool. Skips, and says so in the summary, where it cannot be had."""
    if (found := shutil.which("promtool")) is not None:
        return Path(found)
    tool = _KEPT / _TOOL
    if not tool.exists() and (why := _unpack()):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(f"NOT TESTED: the alerts, as promtool cannot be had: {why}", stacklevel=1)
        pytest.skip(f"promtool cannot be had: {why}")
    return tool.resolve()


def _unpack() -> str:
    """Fetch the package without installing it: it would start a server. Why not, or an empty text. The tool is in its
    place at once and whole: others look for it meanwhile."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return "this is no Debian"
    _KEPT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_KEPT.parent) as directory:
        fresh = Path(directory) / "prometheus"
        if why := _unpack_into(fresh):
            return why
        if not (_KEPT / _TOOL).exists():  # another process may have been faster
            shutil.rmtree(_KEPT, ignore_errors=True)
            fresh.rename(_KEPT)
    return ""


def _unpack_into(directory: Path) -> str:
    directory.mkdir()
    fetch = ["apt-get", "download", "-q", "prometheus"]
    packages: list[Path] = []
    for step in (fetch, ["apt-get", "update", "-q"], fetch):  # the lists may be old, or not there
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(step, cwd=directory, capture_output=True, check=False, timeout=60)
        if packages := sorted(directory.glob("prometheus_*.deb")):
            break
    if not packages:
        return "apt-get cannot fetch the package `prometheus`"
    done = subprocess.run(
        ["dpkg", "-x", packages[-1].name, "."], cwd=directory, capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""
