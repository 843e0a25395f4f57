"""A worker that ends again and again waits longer each time, and one that ran for long does not."""

from engine.stream.supervisor.backoff import Backoff


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def waits(clock: Clock, backoff: Backoff, runs_s: list[float]) -> list[float]:
    """How long it waits after each of some runs."""
    waited = []
    for run_s in runs_s:
        backoff.note_start()
        clock.now_s += run_s
        waited.append(backoff.note_end())
        clock.now_s += waited[-1]
    return waited


def test_each_wait_is_twice_the_last_one_and_none_is_longer_than_half_a_minute() -> None:
    clock = Clock()
    assert waits(clock, Backoff(clock), [0.5] * 7) == [1, 2, 4, 8, 16, 30, 30]


def test_after_a_run_of_a_minute_it_begins_anew() -> None:
    clock = Clock()
    assert waits(clock, Backoff(clock), [1, 1, 1, 60, 59, 1]) == [1, 2, 4, 1, 2, 4]


def test_a_wait_is_no_run() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    waits(clock, backoff, [1] * 6)
    clock.now_s += 1_000
    assert waits(clock, backoff, [1]) == [30]
