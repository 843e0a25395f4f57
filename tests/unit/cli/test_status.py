"""`floodgate status` of the stage before `events`: what enrichers took, and what they could not tell."""

import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.cli import status as command
from engine.stream.admin.status import EngineStatus, WorkerStatus
from engine.stream.admin.worker_pages import EnricherPage, WorkerPage


def test_all_workers_of_the_stage_are_told_of_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [
        {"phones": EnricherPage(3_000, 6.0, {"busy": 2}), "pictures": EnricherPage(10, 1.0, {})},
        {"phones": EnricherPage(1_000, 6.0, {"timeout": 5, "busy": 1})},
    ]
    members = [WorkerStatus(f"host:{n}", WorkerPage("1", None, (), (), page), True) for n, page in enumerate(pages)]
    members.append(WorkerStatus("host:9", None, True))
    monkeypatch.setattr(command, "read_status", lambda settings: EngineStatus("Stable", members, []))
    result = CliRunner().invoke(cli, ["status"], terminal_width=120)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines()]
    assert ["phones", "4,000", "3.0", "8: timeout 5, busy 3"] in rows
    assert ["pictures", "10", "100.0", "0"] in rows
