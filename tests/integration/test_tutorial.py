"""The tutorial and the requests that follow it, walked: their files are written, their commands run, and what they say
that these tell is what they tell."""

import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.dev.pages import free_port
from tests import forks

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL, REQUESTS = DOCS / "tutorial.md", DOCS / "requests.md"
PATIENCE_S = 90
_OF_SHELLS = re.compile(r"[|<>&;$`*]")


@dataclass(frozen=True)
class Step:
    """A fenced block. `kind`: its info string; `file`: the name in the line above it, of what is to be written; `told`:
    the block that follows, of commands."""

    kind: str
    text: str
    file: str | None
    told: tuple[str, ...]


def steps(page: Path) -> list[Step]:
    blocks = re.findall(r"(?:`([\w/.-]+)`:\n\n)?```([a-z ]+)\n(.*?)```\n", page.read_text("utf-8"), re.DOTALL)
    found = []
    for at, (file, kind, text) in enumerate(blocks):
        follows = blocks[at + 1] if at + 1 < len(blocks) else ("", "", "")
        told = follows[2].splitlines() if follows[1] == "text" and kind.startswith("sh") else []
        if kind != "text":
            found.append(Step(kind, text, file or None, tuple(told)))
    return found


class Walk:
    """A directory and a shell, with ports of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory, port = directory, free_port()
        self._broker = f"--port {port}"
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "COLUMNS": "150",
            "FLOODGATE_BROKERS": f"127.0.0.1:{port}",
            "FLOODGATE_WEB_PORT": str(free_port()),
            "FLOODGATE_DATA_DIR": str(directory / "state"),
        }
        self.background: list[subprocess.Popen[bytes]] = []
        self._started: set[tuple[str, ...]] = set()

    def run(self, step: Step) -> None:
        """One block; its exit code and what it tells must be as the tutorial says."""
        if step.file is not None:
            path = self._directory / step.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(step.text)
            return
        deadline = time.monotonic() + PATIENCE_S
        while True:
            output = "".join(self._line(line, step.kind == "sh refused") for line in step.text.splitlines())
            missing = [line for line in step.told if _squeezed(line) not in _squeezed(output)]
            if not missing:
                return
            assert step.kind == "sh until", f"{step.text} does not tell {missing}, but\n{output}"
            assert time.monotonic() < deadline, f"{step.text} still does not tell {missing}, but\n{output}"

    def _line(self, line: str, may_fail: bool) -> str:
        if line.endswith("&"):
            command = f"exec {line[:-1]}".replace("floodgate broker", f"floodgate broker {self._broker}")
            self.background.append(
                subprocess.Popen(["bash", "-c", command], cwd=self._directory, env=self._environment)
            )
            return ""
        done = self._again(line) or subprocess.run(
            ["bash", "-c", line],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or may_fail, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _again(self, line: str) -> "subprocess.CompletedProcess[str] | None":
        """A command that has started by itself before is forked, where no shell is needed. None: it is the first."""
        program, *arguments = shlex.split(line)
        command = tuple(word for word in arguments[:2] if word.isalpha())
        if program != "floodgate" or _OF_SHELLS.search(line):
            return None
        if command not in self._started:
            self._started.add(command)
            return None
        return forks.run("engine.cli", arguments, self._environment, directory=self._directory)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.skipif(sys.platform != "linux", reason="its commands are for a Linux shell")
@pytest.mark.timeout(480)
def test_the_tutorial_and_the_requests_work_as_they_say(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    try:
        for step in [*steps(TUTORIAL), *steps(REQUESTS)]:
            walk.run(step)
    finally:
        for process in reversed(walk.background):  # a worker says goodbye to its broker
            process.terminate()
            process.wait(60)
    assert (tmp_path / "report.html").stat().st_size > 1_000


@pytest.mark.parametrize("page", [TUTORIAL, REQUESTS], ids=lambda page: page.stem)
def test_nothing_is_left_out(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(steps(page)) == text.count("```sh") + text.count("```yaml") + text.count("```csv")
    assert all((step.file is None) is step.kind.startswith("sh") for step in steps(page))
