"""A log that is told the same a thousand times says it five times, and how many it left out."""

import logging

import pytest

from engine.stream.worker.log_limits import RateLimit


class Log:
    """What goes through, at a time that is set."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self._limit = RateLimit(lambda: self.now_s)

    def say(self, text: str, level: int = logging.ERROR, name: str = "aiokafka") -> tuple[bool, int]:
        """Whether it goes through; how many it says were left out."""
        record = logging.LogRecord(name, level, "a.py", 1, text, (), None)
        return self._limit.filter(record), getattr(record, "left_out", 0)


def test_five_of_a_kind_go_through_in_ten_seconds_and_the_next_says_how_many_did_not() -> None:
    log = Log()
    assert [log.say("no broker at %s")[0] for _ in range(1_000)] == [True] * 5 + [False] * 995
    log.now_s = 109.9
    assert log.say("no broker at %s") == (False, 0)
    log.now_s = 110.0
    assert log.say("no broker at %s") == (True, 996)
    assert log.say("no broker at %s") == (True, 0)
    log.now_s = 120.0
    assert log.say("no broker at %s") == (True, 0)


@pytest.mark.parametrize(
    ("text", "level", "name"),
    [("another", logging.ERROR, "aiokafka"), ("this", logging.WARNING, "aiokafka"), ("this", logging.ERROR, "faust")],
)
def test_another_text_level_or_logger_is_another_kind(text: str, level: int, name: str) -> None:
    log = Log()
    assert not [log.say("this") for _ in range(6)][-1][0]
    assert log.say(text, level, name) == (True, 0)


def test_what_is_no_trouble_always_goes_through() -> None:
    log = Log()
    assert all(log.say("acted", logging.INFO)[0] for _ in range(100))


def test_texts_that_differ_each_time_take_bounded_room() -> None:
    log = Log()
    for number in range(2_500):
        assert log.say(f"no such thing: {number}")[0]
    assert len(log._limit._kinds) <= 1_000
