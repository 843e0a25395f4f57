"""What the control topics say: read once, kept for a while, told although the broker has gone."""

import threading

import pytest

from engine.console.following.control import Kept
from engine.errors import BrokerError


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0
        self.error: Exception | None = None
        self.was_read, self.may_end = threading.Semaphore(0), threading.Event()
        self.may_end.set()

    def __call__(self) -> int:
        self.may_end.wait()
        self.reads += 1
        try:
            if self.error is not None:
                raise self.error
            return self.reads
        finally:
            self.was_read.release()


@pytest.fixture
def clock() -> Clock:
    """At some time."""
    return Clock()


def test_what_is_fresh_is_not_read_again(clock: Clock) -> None:
    source = Source()
    kept = Kept(source, 3.0, clock)
    assert [kept.get(), kept.get()] == [1, 1]


def test_what_is_older_is_given_and_read_anew_beside(clock: Clock) -> None:
    source = Source()
    kept = Kept(source, 3.0, clock)
    kept.get()
    source.was_read.acquire()
    clock.now += 5
    source.may_end.clear()
    assert kept.get() == 1
    source.may_end.set()
    source.was_read.acquire()
    assert source.reads == 2


def test_what_is_old_is_waited_for(clock: Clock) -> None:
    kept = Kept(Source(), 3.0, clock)
    kept.get()
    clock.now += 600
    assert kept.get() == 2


def test_while_nobody_answers_the_last_is_told_with_the_problem(clock: Clock) -> None:
    source = Source()
    kept = Kept(source, 3.0, clock)
    kept.get()
    source.error = BrokerError("nobody answers")
    clock.now += 600
    assert kept.get() == 1
    assert kept.problem == "nobody answers"


def test_what_nobody_has_expected_is_a_problem_too(clock: Clock) -> None:
    source = Source()
    kept = Kept(source, 3.0, clock)
    kept.get()
    source.error = ValueError("no socket")
    clock.now += 600
    assert kept.get() == 1
    assert kept.problem == "the control topics could not be read: ValueError('no socket')"


def test_what_was_never_known_is_an_error_and_not_asked_for_by_each(clock: Clock) -> None:
    source = Source()
    source.error = BrokerError("nobody answers")
    kept = Kept(source, 3.0, clock)
    for _ in range(3):
        with pytest.raises(BrokerError):
            kept.get()
    assert source.reads == 1
    source.error = None
    clock.now += 5
    assert kept.get() == 2
    assert kept.problem == ""
