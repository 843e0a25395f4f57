"""Patterns that read what senders write."""

from engine.keys.patterns import quietly_compiled


def test_a_pattern_finds_what_it_says() -> None:
    assert quietly_compiled("(?i)buy +now").search("Buy  NOW") is not None
    assert quietly_compiled("(?i)buy +now").search("buy") is None


def test_no_text_makes_a_pattern_write_to_the_log() -> None:
    assert quietly_compiled("(a{0,500}b?){2}c").options.log_errors is False
