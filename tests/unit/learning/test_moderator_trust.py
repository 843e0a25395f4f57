"""A moderator's trust follows from how his disagreement compares with everybody's."""

import random

import msgspec
import pytest

from engine.learning.moderator_trust import FADE, PATIENCE, REMEMBERED, ModeratorTrust, TrustRecord


def test_old_labels_fade_and_the_new_one_counts_in_full() -> None:
    record = TrustRecord(10.0, 4.0, 2.0)
    record.add(0.5, 0.25)
    assert record == TrustRecord(10 * FADE + 1, 4 * FADE + 0.5, 2 * FADE + 0.25)


def test_a_disagreement_is_compared_with_that_of_all_before_it() -> None:
    moderator_trust = ModeratorTrust()
    moderator_trust.note("mia", None, 0.5)  # there is nobody else: she does as is expected
    moderator_trust.note("tom", None, 0.75)
    moderator_trust.note("mia", None, 0.25)  # her own first label is no part of what is expected of her
    assert moderator_trust.moderators == {
        "mia": TrustRecord(FADE + 1, 0.5 * FADE + 0.25, 0.5 * FADE + 0.75),
        "tom": TrustRecord(1, 0.75, 0.5),
    }
    assert moderator_trust.repeats == {}


def test_anonymous_labels_tell_what_is_usual_and_cost_nobody_anything() -> None:
    moderator_trust = ModeratorTrust()
    moderator_trust.note(None, 7, 0.5)
    assert (moderator_trust.anonymous.labels, moderator_trust.moderators, moderator_trust.repeats) == (1, {}, {})
    assert moderator_trust.weight(None, None) == 1.0
    moderator_trust.note("mia", None, 0.75)
    assert moderator_trust.moderators == {"mia": TrustRecord(1, 0.75, 0.5)}


@pytest.mark.parametrize(
    ("disagreement", "expected", "trust"),
    [
        (29.0, 2.9, 0.004),  # 29 of 29 where the others disagree once in ten: odds of 30 of 39 against one in nine
        (36.0, 4.0, 0.006),  # 36 of 40 likewise
        (2.9, 2.9, 1.0),
        (4.5, 2.9, 1.0),  # twice the odds are tolerated
        (10.0, 2.9, 1.0),  # of many moderators one or another has that by chance: the deviation is 1.9
        (13.0, 2.9, 0.16),
        (0.0, 2.9, 1.0),
        (29.0, 27.0, 1.0),  # a campaign that the model does not know
    ],
)
def test_up_to_twice_the_odds_of_the_others_are_tolerated(disagreement: float, expected: float, trust: float) -> None:
    labels = 40.0 if disagreement > 29 else 29.0
    others = TrustRecord(100.0, 10.0, 10.0)
    moderator_trust = ModeratorTrust(moderators={"mia": TrustRecord(labels, disagreement, expected), "tom": others})
    assert PATIENCE == 10.0
    assert moderator_trust.trust("mia") == pytest.approx(trust, rel=0.2)
    assert moderator_trust.trust("ann") == 1.0


def test_the_more_labels_of_ones_own_the_less_they_excuse_each_other() -> None:
    moderator_trust = ModeratorTrust()
    for _ in range(29):
        moderator_trust.note("mia", None, 0.1)
        moderator_trust.note("tom", None, 0.1)
        moderator_trust.note("eve", None, 0.95)
    assert moderator_trust.trust("eve") < 0.02
    assert moderator_trust.trust("mia") == moderator_trust.trust("tom") == 1.0


def test_whoever_is_alone_is_trusted() -> None:
    moderator_trust = ModeratorTrust()
    for _ in range(50):
        moderator_trust.note("mia", None, 0.9)
    assert moderator_trust.trust("mia") == 1.0


@pytest.mark.parametrize(("contradicted", "trust"), [(1.0, 1.0), (2.0, 1.0), (3.0, 0.0185)])
def test_a_perfect_model_costs_nobody_everything(contradicted: float, trust: float) -> None:
    """Twice is chance, whatever was expected."""
    moderator_trust = ModeratorTrust(
        moderators={"mia": TrustRecord(contradicted, contradicted, 0.0), "tom": TrustRecord(1_000.0, 0.0, 0.0)}
    )
    assert moderator_trust.trust("mia") == pytest.approx(trust, rel=0.1)


def test_of_a_hundred_who_are_as_good_as_each_other_hardly_any_loses_trust() -> None:
    moderator_trust, draws, lost = ModeratorTrust(), random.Random(7), 0.0
    for _ in range(6_000):
        name = f"m{draws.randrange(100)}"
        lost += 1 - moderator_trust.trust(name)
        moderator_trust.note(name, None, 0.95 if draws.random() < 0.03 else 0.01)
    assert lost < 0.01 * 6_000


def test_who_is_new_among_experienced_moderators_counts_less() -> None:
    moderator_trust = ModeratorTrust()
    assert moderator_trust.weight("mia", None) == 1.0  # nobody has more
    for _ in range(300):
        moderator_trust.note("mia", None, 0.1)
        moderator_trust.note(None, None, 0.1)
    assert moderator_trust.weight("mia", None) == 1.0
    assert moderator_trust.weight("ben", None) == pytest.approx(3 / 4, abs=0.01)
    for _ in range(9):
        moderator_trust.note("ben", None, 0.1)
    assert moderator_trust.weight("ben", None) == pytest.approx(12 / 13, abs=0.01)
    assert moderator_trust.weight("mia", None) == moderator_trust.weight(None, 7) == 1.0


def test_where_everybody_is_new_nobody_counts_less_for_it() -> None:
    moderator_trust = ModeratorTrust()
    for number in range(100):
        moderator_trust.note(f"m{number}", None, 0.1)
    assert all(moderator_trust.weight(f"m{number}", None) == 1.0 for number in range(100))
    assert moderator_trust.weight("ben", None) == pytest.approx(0.75 / 0.8)


def test_of_two_who_contradict_each_other_the_model_has_the_third_vote() -> None:
    moderator_trust = ModeratorTrust()
    moderator_trust.compare("eve", False, 0.75, {"mia": True})
    assert moderator_trust.opposed["eve"].disagreement == (0.75 + 1) / 2
    assert moderator_trust.opposed["mia"].disagreement == (0.25 + 1) / 2


def test_who_stands_against_several_colleagues_loses_trust_and_they_do_not() -> None:
    moderator_trust = ModeratorTrust()
    for _ in range(29):
        moderator_trust.compare("mia", True, 0.5, {"tom": True})
        moderator_trust.compare("eve", False, 0.5, {"mia": True, "tom": True})
    assert moderator_trust.trust("eve") < 0.3
    assert moderator_trust.trust("mia") == moderator_trust.trust("tom") == 1.0
    assert moderator_trust.share("eve", "colleagues") == pytest.approx(2.5 / 3)
    assert moderator_trust.share("eve", "model") == moderator_trust.share("nobody", "colleagues") == 0.0


def test_the_standing_of_all_is_the_trust_in_each() -> None:
    moderator_trust = ModeratorTrust()
    for number in range(120):
        moderator_trust.note(f"m{number % 4}", None, 0.9 if number % 4 == 0 else 0.1)
        moderator_trust.compare(f"m{number % 4}", number % 4 == 1, 0.5, {f"m{(number + 1) % 4}": True})
        moderator_trust.note(None, None, 0.2)
    standing = moderator_trust.weights_by_moderator()
    assert standing == pytest.approx({name: moderator_trust.trust(name) for name in ("m0", "m1", "m2", "m3")})
    assert standing["m0"] < 0.5 < max(standing.values())


def test_of_few_labels_nothing_is_told() -> None:
    moderator_trust = ModeratorTrust(
        moderators={"mia": TrustRecord(PATIENCE, 1.0, 1.0), "tom": TrustRecord(PATIENCE - 1, 1.0, 1.0)}
    )
    assert moderator_trust.weights_by_moderator() == {"mia": 1.0}


def test_the_same_again_counts_less_and_less_for_whoever_repeats_it() -> None:
    moderator_trust = ModeratorTrust()
    for repeats in range(4):
        usual = moderator_trust.weight("mia", None)
        assert moderator_trust.weight("mia", 7) == pytest.approx(usual / (1 + repeats))
        moderator_trust.note("mia", 7, 0.1)
    assert moderator_trust.weight("mia", 8) == moderator_trust.weight("mia", None)
    assert moderator_trust.repeats == {"mia 7": 4}


def test_the_latest_are_remembered_and_the_oldest_is_forgotten_first() -> None:
    moderator_trust = ModeratorTrust()
    for at in range(REMEMBERED):
        moderator_trust.note(f"m{at}", at, 0.1)
    assert len(moderator_trust.moderators) == len(moderator_trust.repeats) == REMEMBERED
    moderator_trust.note("m0", 0, 0.1)  # heard of again: now the latest
    moderator_trust.note("new", 5, 0.1)
    assert len(moderator_trust.moderators) == len(moderator_trust.repeats) == REMEMBERED
    assert next(iter(moderator_trust.moderators)) == "m2"
    assert list(moderator_trust.moderators)[-2:] == ["m0", "new"]
    assert moderator_trust.repeats["m0 0"] == 2
    assert "m1 1" not in moderator_trust.repeats


def test_what_is_kept_of_all_is_what_would_be_added_up_anew() -> None:
    moderator_trust, draws = ModeratorTrust(), random.Random(5)
    for number in range(3 * REMEMBERED):  # some give way to others
        name = f"m{draws.randrange(REMEMBERED + 300)}"
        moderator_trust.note(name if number % 7 else None, None, draws.random())
        moderator_trust.compare(name, number % 2 == 1, draws.random(), {f"m{draws.randrange(50)}": True})
    read = msgspec.json.decode(msgspec.json.encode(moderator_trust), type=ModeratorTrust)
    assert len(read.moderators) == REMEMBERED
    names = [*read.moderators, *read.opposed, "nobody"]
    assert [read.trust(name) for name in names] == [moderator_trust.trust(name) for name in names]
