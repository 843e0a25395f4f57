"""The comparison of learners on many streams: how it judges, and what its adversaries do."""

import pytest

from benchmarks.learners import ranks, scenarios
from benchmarks.streams import back_and_forth, disguised, good_words


def test_learners_are_judged_by_their_mean_rank_and_their_worst_stream() -> None:
    errors = {"mail": {"a": 1.0, "b": 2.0, "c": 2.0}, "posts": {"a": 9.0, "b": 3.0, "c": 4.5}}
    found = ranks(errors)
    assert found["a"] == (2.0, 3.0, "posts")
    assert found["b"] == (1.5, 2.0, "mail")
    assert found["c"] == (2.0, 2.0, "mail")


@pytest.mark.parametrize(("events", "late"), [(1_000, 200), (5_000, 1_000), (50_000, 1_000)])
def test_labels_are_late_by_a_part_of_a_short_stream(events: int, late: int) -> None:
    assert scenarios(events)["late"].delay == late


HAM, SPAM = ("see you at lunch", False), ("free crypto now", True)


def test_good_words_are_those_of_ham_and_come_with_spam_alone() -> None:
    made = good_words([HAM, SPAM] * 100)
    assert made[:60] == [HAM, SPAM] * 30
    assert {text for text, spam in made if not spam} == {HAM[0]}
    assert sum("lunch" in text and "crypto" in text for text, spam in made if spam) > 30


def test_disguise_changes_letters_of_spam_alone() -> None:
    made = disguised([HAM, SPAM] * 100)
    assert made[:60] == [HAM, SPAM] * 30
    assert {text for text, spam in made if not spam} == {HAM[0]}
    assert sum(text != SPAM[0] for text, spam in made if spam) > 50


def test_what_is_spam_changes_every_thousand_events() -> None:
    made = back_and_forth([("a", True)] * 2_500, [("a", False)] * 2_500)
    assert [spam for _, spam in made] == [True] * 1_000 + [False] * 1_000 + [True] * 500
