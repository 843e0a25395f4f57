"""A worker gets its settings from its supervisor, and does not outlive it."""

import os
import signal
import threading
from collections.abc import Iterator

import msgspec
import pytest

from engine.settings import Settings
from engine.stream.worker import supervised
from engine.stream.worker.supervised import end_with_supervisor, read_settings

SETTINGS = Settings(data_dir="d/2", stop_timeout_s=7)


@pytest.fixture
def supervisors_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What the supervisor writes to; the other end is the standard input."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        os.write(writing, msgspec.json.encode(SETTINGS) + b"\n")
        yield writing


def test_it_has_the_settings_that_its_supervisor_has_made(supervisors_end: int) -> None:
    assert read_settings() == SETTINGS
    os.close(supervisors_end)


def test_it_is_told_to_stop_when_its_supervisor_has_ended(
    supervisors_end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, calls = threading.Event(), list[tuple[str, float]]()

    def kill(pid: int, number: int) -> None:
        calls.append((str(pid), number))
        ended.set()

    monkeypatch.setattr(supervised, "end_soon", lambda within_s: calls.append(("by force", within_s)))
    monkeypatch.setattr(os, "kill", kill)
    read_settings()
    end_with_supervisor(SETTINGS)
    os.write(supervisors_end, b"whatever else it may say")
    assert not calls
    os.close(supervisors_end)
    assert ended.wait(60)
    assert calls == [("by force", 12.0), (str(os.getpid()), signal.SIGTERM)]
