"""A moderator's trust follows from how his disagreement compares with everybody's."""

import pytest

from engine.learning.teachers import FADE, PATIENCE, REMEMBERED, Record, Teachers


def test_old_labels_fade_and_the_new_one_counts_in_full() -> None:
    record = Record(10.0, 4.0, 2.0)
    record.add(0.5, 0.25)
    assert record == Record(10 * FADE + 1, 4 * FADE + 0.5, 2 * FADE + 0.25)


def test_a_disagreement_is_compared_with_that_of_all_before_it() -> None:
    teachers = Teachers()
    teachers.note("mia", None, 0.5)  # there is nobody else: she does as is expected
    teachers.note("tom", None, 0.75)
    teachers.note("mia", None, 0.25)  # her own first label is no part of what is expected of her
    assert teachers.moderators == {
        "mia": Record(FADE + 1, 0.5 * FADE + 0.25, 0.5 * FADE + 0.75),
        "tom": Record(1, 0.75, 0.5),
    }
    assert teachers.repeats == {}


def test_anonymous_labels_tell_what_is_usual_and_cost_nobody_anything() -> None:
    teachers = Teachers()
    teachers.note(None, 7, 0.5)
    assert (teachers.anonymous.labels, teachers.moderators, teachers.repeats) == (1, {}, {})
    assert teachers.weight(None, None) == 1.0
    teachers.note("mia", None, 0.75)
    assert teachers.moderators == {"mia": Record(1, 0.75, 0.5)}


@pytest.mark.parametrize(
    ("disagreement", "expected", "trust"),
    [
        (29.0, 2.9, 0.004),  # 29 of 29 where the others disagree once in ten: odds of 30 of 39 against one in nine
        (36.0, 4.0, 0.006),  # 36 of 40 likewise
        (2.9, 2.9, 1.0),
        (4.5, 2.9, 1.0),  # twice the odds are tolerated
        (10.0, 2.9, 0.32),
        (0.0, 2.9, 1.0),
        (29.0, 27.0, 1.0),  # a campaign that the model does not know
    ],
)
def test_up_to_twice_the_odds_of_the_others_are_tolerated(disagreement: float, expected: float, trust: float) -> None:
    labels = 40.0 if disagreement > 29 else 29.0
    others = Record(100.0, 10.0, 10.0)
    teachers = Teachers(moderators={"mia": Record(labels, disagreement, expected), "tom": others})
    assert PATIENCE == 10.0
    assert teachers.trust("mia") == pytest.approx(trust, rel=0.2)
    assert teachers.trust("ann") == 1.0


def test_the_more_labels_of_ones_own_the_less_they_excuse_each_other() -> None:
    teachers = Teachers()
    for _ in range(29):
        teachers.note("mia", None, 0.1)
        teachers.note("tom", None, 0.1)
        teachers.note("eve", None, 0.95)
    assert teachers.trust("eve") < 0.02
    assert teachers.trust("mia") == teachers.trust("tom") == 1.0


def test_whoever_is_alone_is_trusted() -> None:
    teachers = Teachers()
    for _ in range(50):
        teachers.note("mia", None, 0.9)
    assert teachers.trust("mia") == 1.0


def test_a_perfect_model_costs_nobody_everything() -> None:
    teachers = Teachers(moderators={"mia": Record(1.0, 1.0, 0.0), "tom": Record(1_000.0, 0.0, 0.0)})
    assert teachers.trust("mia") == pytest.approx((2 * (0.02 / 0.98) / ((1 / 11) / (10 / 11))) ** 2)


def test_of_two_who_contradict_each_other_the_model_has_the_third_vote() -> None:
    teachers = Teachers()
    teachers.compare("eve", False, 0.75, {"mia": True})
    assert teachers.opposed["eve"].disagreement == (0.75 + 1) / 2
    assert teachers.opposed["mia"].disagreement == (0.25 + 1) / 2


def test_who_stands_against_several_colleagues_loses_trust_and_they_do_not() -> None:
    teachers = Teachers()
    for _ in range(29):
        teachers.compare("mia", True, 0.5, {"tom": True})
        teachers.compare("eve", False, 0.5, {"mia": True, "tom": True})
    assert teachers.trust("eve") < 0.3
    assert teachers.trust("mia") == teachers.trust("tom") == 1.0
    assert teachers.share("eve", "colleagues") == pytest.approx(2.5 / 3)
    assert teachers.share("eve", "model") == teachers.share("nobody", "colleagues") == 0.0


def test_the_standing_of_all_is_the_trust_in_each() -> None:
    teachers = Teachers()
    for number in range(120):
        teachers.note(f"m{number % 4}", None, 0.9 if number % 4 == 0 else 0.1)
        teachers.compare(f"m{number % 4}", number % 4 == 1, 0.5, {f"m{(number + 1) % 4}": True})
        teachers.note(None, None, 0.2)
    standing = teachers.standing()
    assert standing == pytest.approx({name: teachers.trust(name) for name in ("m0", "m1", "m2", "m3")})
    assert standing["m0"] < 0.5 < max(standing.values())


def test_of_few_labels_nothing_is_told() -> None:
    teachers = Teachers(moderators={"mia": Record(PATIENCE, 1.0, 1.0), "tom": Record(PATIENCE - 1, 1.0, 1.0)})
    assert teachers.standing() == {"mia": 1.0}


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
