"""How many processes `floodgate worker` runs, and what they cost."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from engine.cli import cli, worker, worker_process
from engine.settings import Settings

SUPERVISED = 7
"""The exit code of a supervisor."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is started instead of workers: the settings of each, or of the only one."""
    found: list[Any] = []

    def supervise(_: Settings, own: Sequence[Settings], command: Sequence[str]) -> int:
        found.extend(each.web_port for each in own)
        assert command[-1] == "engine.cli.worker_process"
        return SUPERVISED

    for name in ("check_topics", "create_topics", "raise_if_anothers", "raise_if_others_are_members"):
        monkeypatch.setattr(worker, name, lambda *_: None)
    monkeypatch.setattr(worker, "read_all", lambda *_: [])
    monkeypatch.setattr(worker, "usable_cores", lambda: 3)
    monkeypatch.setattr(worker, "supervise", supervise)
    monkeypatch.setattr(worker_process, "run_worker", lambda settings: found.append(settings.web_port))
    monkeypatch.setenv("FLOODGATE_WEB_PORT", "6066")
    return found


def run(*arguments: str) -> Any:
    """Exit code of the command, or what it has returned."""
    try:
        return cli.main(["worker", *arguments], standalone_mode=False)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize(
    ("arguments", "ports", "code"),
    [
        ([], [6066], None),
        (["--processes", "1"], [6066], None),
        (["--processes", "2"], [6067, 6068], SUPERVISED),
        (["--processes", "auto"], [6067, 6068, 6069], SUPERVISED),
    ],
    ids=["default", "1", "2", "auto"],
)
def test_one_runs_here_and_several_under_a_supervisor(
    started: list[Any], arguments: list[str], ports: list[int], code: int | None
) -> None:
    assert (run(*arguments), started) == (code, ports)


def test_on_one_core_auto_is_one_worker_as_ever(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "usable_cores", lambda: 1)
    assert (run("--processes", "auto"), started) == (None, [6066])


def test_auto_is_bounded(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "usable_cores", lambda: 1_000)
    run("--processes", "auto")
    assert len(started) == 256


@pytest.mark.parametrize("count", ["0", "257", "-1", "many", ""])
def test_what_is_no_number_of_processes_is_refused(started: list[Any], count: str) -> None:
    with pytest.raises(click.BadParameter, match="neither a number from 1 to 256 nor `auto`"):
        run("--processes", count)
    assert started == []


def test_whatever_is_called_engine_beside_is_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert "-P" in worker._process_command()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "-P" not in worker._process_command()


def test_a_supervisor_does_without_faust() -> None:
    told = "import sys, engine.cli.worker; print({'faust', 'rocksdict', 'river'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
