"""How many processes keep all cores busy that one may use."""

import os
from pathlib import Path

import pytest

from engine.stream.supervisor import cores
from engine.stream.supervisor.cores import usable_cores


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the control groups, of a process in /system.slice/floodgate.service that may run on 8 cores."""
    (tmp_path / "own").write_text("1:name=x:/elsewhere\n0::/system.slice/floodgate.service\n")
    (tmp_path / "system.slice/floodgate.service").mkdir(parents=True)
    monkeypatch.setattr(cores, "_SELF", tmp_path / "own")
    monkeypatch.setattr(cores, "_CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def test_without_a_limit_there_are_as_many_as_it_may_run_on(groups: Path) -> None:
    assert usable_cores() == 8
    (groups / "system.slice/cpu.max").write_text("max 100000\n")
    assert usable_cores() == 8
    (groups / "own").unlink()
    assert usable_cores() == 8


@pytest.mark.parametrize(("quota", "count"), [("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)])
@pytest.mark.parametrize("place", ["system.slice/floodgate.service", "system.slice", "."])
def test_a_limit_counts_wherever_above_it_stands(groups: Path, place: str, quota: str, count: int) -> None:
    (groups / place / "cpu.max").write_text(f"{quota}\n")
    assert usable_cores() == count


def test_of_several_limits_the_strictest_counts(groups: Path) -> None:
    (groups / "system.slice/cpu.max").write_text("300000 100000\n")
    (groups / "system.slice/floodgate.service/cpu.max").write_text("500000 100000\n")
    assert usable_cores() == 3
