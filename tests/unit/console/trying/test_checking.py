"""The process that checks what people write: hostile rulebooks end it, and not the console."""

from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from engine.console.trying import checking
from engine.console.trying.checking import Checker
from engine.errors import RequestError
from tests.rules_console import FLOOD

LAUGHS = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'lol'}]" for n in range(20))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until its process has begun, on a busy machine."""
    monkeypatch.setattr(checking, "_STARTS_S", 120.0)


@pytest.fixture
def checker() -> Iterator[Checker]:
    """One with its process."""
    started = Checker()
    yield started
    started.close()


def test_hostile_rulebooks_are_findings(checker: Checker) -> None:
    deep = "version: 1\nrules: " + "[" * 5_000 + "]" * 5_000
    long = "version: 1\nrules:\n" + "".join(f"  r{n}: {{event: post, when: [x{n} > 1]}}\n" for n in range(300))
    clause = "version: 1\nrules:\n  r: {event: post, when: ['" + "(" * 20_000 + "'], then: {flag: x}}\n"
    for text in (LAUGHS, deep, long, clause, "\0\x07", "- " * 50_000, "rules: 7", "!!python/object:os.system ls"):
        checked = checker.check({"hostile.yaml": text})
        assert checked.rulebook is None
        assert checked.errors
    assert checker.check({"flood.yaml": FLOOD}).errors == []


def test_what_is_too_long_is_not_even_sent(checker: Checker) -> None:
    with pytest.raises(RequestError) as refused:
        checker.check({"long.yaml": "x" * 4_000_000})
    assert refused.value.status == 413
    with pytest.raises(RequestError):
        checker.check({f"{number}.yaml": "" for number in range(checking.MAX_FILES + 1)})
    with pytest.raises(RequestError):
        checker.check({"half.yaml": "\ud800"})


def never_answer(connection: Connection) -> None:
    """A check that goes on for ever."""
    connection.send_bytes(b"ready")
    while True:
        connection.recv_bytes()


def end_at_once(connection: Connection) -> None:
    """A check that takes all memory, or is killed."""
    connection.send_bytes(b"ready")
    connection.recv_bytes()


@pytest.mark.parametrize(
    ("serve", "answer_s", "said"), [(never_answer, 0.01, "took longer"), (end_at_once, 60.0, "too much memory")]
)
def test_a_check_that_does_not_end_well_is_told_and_the_next_one_begins_anew(
    monkeypatch: pytest.MonkeyPatch, serve: object, answer_s: float, said: str
) -> None:
    checker = Checker(answer_s)
    with monkeypatch.context() as patched:
        patched.setattr(checking, "_serve", serve)
        with pytest.raises(RequestError, match=said):
            checker.check({"flood.yaml": FLOOD})
    checker._answer_s = 60.0
    assert checker.check({"flood.yaml": FLOOD}).errors == []
    checker.close()
