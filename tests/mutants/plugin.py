"""A plugin of pytest: notes which lines of the engine each test runs, or runs some tests in a given order.

A test that tries inputs at random tries the same ones each time, and does not look for the smallest that fails.
"""

import json
import resource
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

_MAX_BYTES = 6 << 30
_MAX_STEPS = 5_000
"""Lines of one function that are noted in one test. After so many, the rest of it counts as run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the campaign says."""
    parser.addoption("--note-lines", metavar="FILE", help="write which lines each test runs, and how long it takes")
    parser.addoption("--in-order", metavar="FILE", help="run these tests only, in this order, each with its timeout")


def pytest_configure(config: pytest.Config) -> None:
    """Before any test is imported."""
    settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    settings.load_profile("mutants")
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (_MAX_BYTES, _MAX_BYTES))
    if config.getoption("--note-lines"):
        config.pluginmanager.register(_Notes(config.rootpath, Path(config.getoption("--note-lines"))))
    if config.getoption("--in-order"):
        config.pluginmanager.register(_Order(Path(config.getoption("--in-order"))))


class _Order:
    def __init__(self, path: Path) -> None:
        wanted: list[tuple[str, float]] = json.loads(path.read_text())
        self._timeouts = dict(wanted)
        self._places = {name: place for place, (name, _) in enumerate(wanted)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places), key=lambda item: self._places[item.nodeid]
        )
        for item in items:
            item.add_marker(pytest.mark.timeout(self._timeouts[item.nodeid]))


class _Notes:
    def __init__(self, root: Path, path: Path) -> None:
        self._path, self._root, self._engine = path, f"{root}/", f"{root}/engine/"
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        self._skipped: set[str] = set()
        self._lines: dict[str, dict[str, list[int]]] = {}
        self._now: defaultdict[str, set[int]] = defaultdict(set)
        self._steps: defaultdict[int, int] = defaultdict(int)  # by code, which itself hashes slowly

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._now.clear()
        self._steps.clear()
        threading.settrace(self._call)
        sys.settrace(self._call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            ran = {name.removeprefix(self._root): sorted(lines) for name, lines in list(self._now.items())}
            self._lines[item.nodeid] = ran

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if not report.passed:
            (self._failed if report.failed else self._skipped).add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        told = {
            "failed": sorted(self._failed),
            "tests": {
                name: {"seconds": round(self._seconds[name], 3), "lines": lines}
                for name, lines in self._lines.items()
                if name not in self._failed | self._skipped
            },
        }
        self._path.write_text(json.dumps(told))

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(self._engine) or self._steps[id(code)] >= _MAX_STEPS:
            return None
        return self._step

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if event != "line":
            return self._step
        self._now[code.co_filename].add(frame.f_lineno)
        self._steps[id(code)] += 1
        if self._steps[id(code)] < _MAX_STEPS:
            return self._step
        self._now[code.co_filename].update(line for _, _, line in code.co_lines() if line is not None)
        return None
