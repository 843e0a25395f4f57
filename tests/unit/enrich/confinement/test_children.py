"""Processes that read what may be hostile, and what they cannot do."""

import asyncio
import ctypes
import errno
import itertools
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.enrich.answers import Missing
from engine.enrich.confinement.children import Children
from engine.errors import SettingsError

ME = "tests.unit.enrich.confinement.test_children"
IS_FILTERED = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")

CALLS = {"x86_64": (263, 76, 129, 302), "aarch64": (35, 45, 138, 261)}.get(platform.machine(), (0, 0, 0, 0))
"""unlinkat, truncate, rt_sigqueueinfo, prlimit64: by number, as hostile code would call them."""


def halfway(end: Callable[[], Any]) -> Iterator[Any]:
    """Finds something, and then comes to such an end."""
    yield "half"
    end()


def called(number: int, *given: Any) -> int:
    """What a system call has failed with; 0 where it has not."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.syscall(number, *given) < 0 else 0


def signalled() -> int:
    """The worker gets a signal that does nothing, as `kill -0`."""
    said = ctypes.create_string_buffer(128)
    ctypes.memmove(said, (ctypes.c_int * 3)(0, 0, -1), 12)  # a code below 0: queued by a process
    return called(CALLS[2], os.getppid(), 0, said)


def answers(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What runs in the other process."""
    if given.get("broken"):
        raise RuntimeError("no model")
    deeds: dict[str, Callable[[], Any]] = {
        "echo": lambda: given["word"], "hang": lambda: time.sleep(3_600), "die": lambda: os._exit(3),
        "memory": lambda: len(b"x" * (4 << 30)), "fail": lambda: 1 // 0, "print": lambda: print("no answer"),  # noqa: T201
        "socket": socket.socket, "read": lambda: Path("/etc/hostname").read_text(), "fork": os.fork,
        "write": lambda: os.open("/tmp/written", os.O_WRONLY | os.O_CREAT), "kill": lambda: os.kill(os.getppid(), 0),
        "exec": lambda: os.execv("/bin/true", ["true"]), "large": lambda: "x" * (2 << 20),
        "secrets": lambda: sorted(name for name in os.environ if "SECRET" in name), "who": os.getpid,
        "unlinkat": lambda: called(CALLS[0], -100, b"/tmp/not/there", 0), "signal": signalled,
        "truncate": lambda: called(CALLS[1], b"/tmp/not/there", ctypes.c_long(0)),
        "half, hang": lambda: halfway(lambda: time.sleep(3_600)), "half, die": lambda: halfway(lambda: os._exit(3)),
        "half, fail": lambda: halfway(lambda: 1 // 0), "half": lambda: halfway(lambda: None),
        "talk": lambda: ("x" * 100_000 for _ in itertools.count()),
        "limits": lambda: called(CALLS[3], os.getppid(), 7, None, (ctypes.c_uint64 * 2)()),
    }  # fmt: skip
    return lambda request: deeds[request]()


def ask(*requests: str, turn_s: float = 20.0) -> list[Any]:
    async def one(children: Children, request: str) -> Any:
        try:
            return await children.ask(request)
        except Missing as missing:
            return missing.reason if missing.so_far is None else (missing.reason, missing.so_far)

    async def go() -> list[Any]:
        children = Children(f"{ME}:answers", {"word": b"a word"}, 1, turn_s, 1_024)
        await children.start()
        try:
            return [await one(children, request) for request in requests]
        finally:
            await children.stop()

    return asyncio.run(go())


def test_one_that_fails_dies_or_finds_too_much_costs_its_own_request() -> None:
    told = ask("echo", "fail", "echo", "die", "echo", "large", "echo", "memory", "echo", "print", "echo")
    assert told[::2] == [b"a word"] * 6
    assert told[1::2] == ["failed", "crashed", "too_much_found", "too_much_memory", None]


def test_one_that_hangs_is_killed_and_another_takes_its_place() -> None:
    first, hung, second = ask("who", "hang", "who", turn_s=2.0)
    assert (hung, first != second) == ("timeout", True)
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_one_that_never_stops_talking_is_ended_though_nobody_hears_it_out() -> None:
    assert ask("talk", "echo", "talk", "echo", turn_s=2.0)[1::2] == [b"a word"] * 2


def test_what_was_found_by_then_is_told_however_it_ends() -> None:
    told = ask("half", "half, hang", "half, die", "half, fail", "echo", turn_s=2.0)
    assert told == ["half", ("timeout", "half"), ("crashed", "half"), ("failed", "half"), b"a word"]


@pytest.mark.skipif(not IS_FILTERED, reason="NO FILTER OF SYSTEM CALLS on this system")
@pytest.mark.parametrize("deed", ["socket", "read", "write", "fork", "exec", "kill"])
def test_no_network_no_files_no_other_processes(deed: str) -> None:
    assert ask(deed) == ["failed"]


@pytest.mark.skipif(not IS_FILTERED, reason="NO FILTER OF SYSTEM CALLS on this system")
@pytest.mark.parametrize("deed", ["unlinkat", "truncate", "signal", "limits"])
def test_no_other_way_to_files_and_processes(deed: str) -> None:
    assert ask(deed) == [errno.EPERM]


def test_secrets_of_the_worker_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s")
    assert ask("secrets") == [[]]


def test_what_cannot_start_is_told() -> None:
    with pytest.raises(SettingsError, match="cannot start in a process of its own"):
        asyncio.run(Children(f"{ME}:answers", {"broken": True}, 1, 1.0, 1_024).start())
