"""A moderator's trust follows from how his disagreement compares with everybody's."""

import pytest

from engine.learning.teachers import FADE, PATIENCE, REMEMBERED, Record, Teachers


def test_old_labels_fade_and_the_new_one_counts_in_full() -> None:
    record = Record(10.0, 4.0, 2.0)
    record.add(0.5, 0.25)
    assert record == Record(10 * FADE + 1, 4 * FADE + 0.5, 2 * FADE + 0.25)


def test_a_disagreement_is_compared_with_that_of_all_before_it() -> None:
    teachers = Teachers()
    teachers.note("mia", None, 0.5)  # of nobody is anything known: one is what is expected
    teachers.note("tom", None, 0.75)
    assert teachers.moderators == {"mia": Record(1, 0.5, 1), "tom": Record(1, 0.75, 0.5)}
    assert teachers.everybody == Record(FADE + 1, 0.5 * FADE + 0.75, FADE + 0.5)
    assert teachers.repeats == {}


def test_anonymous_labels_are_everybodys_and_nobodys() -> None:
    teachers = Teachers()
    teachers.note(None, 7, 0.5)
    assert (teachers.everybody.labels, teachers.moderators, teachers.repeats) == (1, {}, {})
    assert teachers.weight(None, None) == 1.0


@pytest.mark.parametrize(
    ("disagreement", "expected", "trust"),
    [
        (30.0, 0.0, 0.64),  # two and a half times the average
        (20.0, 0.0, 1.0),  # twice
        (60.0, 20.0, 1.0),
        (100.0, 20.0, 4 / 9),
        (0.0, 10.0, 1.0),
    ],
)
def test_up_to_twice_the_average_is_tolerated(disagreement: float, expected: float, trust: float) -> None:
    teachers = Teachers(Record(100.0, 100.0, 100.0), {"mia": Record(50.0, disagreement, expected)})
    assert PATIENCE == 20.0
    assert teachers.trust("mia") == pytest.approx(trust)
    assert teachers.trust("tom") == 1.0


def test_a_perfect_model_costs_nobody_everything() -> None:
    teachers = Teachers(Record(1_000.0, 0.0, 0.0), {"mia": Record(1.0, 1.2, 0.0)})
    assert teachers.trust("mia") == pytest.approx((2 / 4) ** 2)  # (1.2 + 20 * .02) / (20 * .02)


def test_the_same_again_counts_less_and_less_for_whoever_repeats_it() -> None:
    teachers = Teachers()
    for repeats in range(4):
        assert teachers.weight("mia", 7) == pytest.approx(1 / (1 + repeats))
        teachers.note("mia", 7, 0.1)
    assert (teachers.weight("mia", 8), teachers.weight("mia", None), teachers.weight("tom", 7)) == (1.0, 1.0, 1.0)
    assert teachers.repeats == {"mia 7": 4}


def test_the_latest_are_remembered_and_the_oldest_is_forgotten_first() -> None:
    teachers = Teachers()
    for at in range(REMEMBERED):
        teachers.note(f"m{at}", at, 0.1)
    assert len(teachers.moderators) == len(teachers.repeats) == REMEMBERED
    teachers.note("m0", 0, 0.1)  # heard of again: now the latest
    teachers.note("new", 5, 0.1)
    assert len(teachers.moderators) == len(teachers.repeats) == REMEMBERED
    assert next(iter(teachers.moderators)) == "m2"
    assert list(teachers.moderators)[-2:] == ["m0", "new"]
    assert teachers.repeats["m0 0"] == 2
    assert "m1 1" not in teachers.repeats
