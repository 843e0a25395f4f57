"""Made-up entities use up a budget of their own makers, and push out nothing that two people share."""

import pytest

from engine.errors import StateError
from engine.state import census as census_module
from engine.state.census import Admission, Census, load_census

DAY_MS = 86_400_000
TODAY = 20_000 * DAY_MS
ANN, BEN, EVE = 1, 2, 666
REFUSED = Admission(False, None)
ADMITTED = Admission(True, None)


def key(number: int) -> bytes:
    return b"device_id\x00%d" % number


def filled(budget: int, source: int = EVE, shared: int = 0) -> Census:
    """A day's budget used up by one source; the first of its entities are shared by another one."""
    census = Census()
    for number in range(budget):
        assert census.admit("device_id", key(number), TODAY, budget, source) == ADMITTED
    for number in range(shared):
        census.meet("device_id", key(number), ANN)
    return census


def test_within_the_budget_all_are_counted_and_none_gives_way() -> None:
    census = filled(5)
    assert census.counts == {("device_id", 20_000): 5}


def test_beyond_it_the_oldest_provisional_entity_gives_way() -> None:
    census = filled(3)
    assert census.admit("device_id", key(10), TODAY, 3, EVE) == Admission(True, key(0))
    assert census.admit("device_id", key(11), TODAY, 3, ANN) == Admission(True, key(1))
    assert census.counts == {("device_id", 20_000): 3}


def test_a_flood_pushes_out_what_it_has_made_up_before_and_nothing_else() -> None:
    census = filled(5, shared=2)
    pushed_out = [census.admit("device_id", key(number), TODAY, 5, EVE).forgotten for number in range(100, 200)]
    assert pushed_out[:4] == [key(2), key(3), key(4), key(100)]
    assert not {key(0), key(1)} & set(pushed_out)
    assert None not in pushed_out


def test_an_entity_that_two_sources_name_stays() -> None:
    census = filled(1)
    census.meet("device_id", key(0), ANN)
    assert census.admit("device_id", key(1), TODAY, 1, EVE) == REFUSED


def test_an_entity_that_one_source_names_again_and_again_does_not() -> None:
    census = filled(1)
    for _ in range(5):
        census.meet("device_id", key(0), EVE)
    assert census.admit("device_id", key(1), TODAY, 1, EVE) == Admission(True, key(0))


def test_meeting_what_nobody_has_admitted_changes_nothing() -> None:
    census = filled(1)
    census.meet("device_id", b"other", ANN)
    census.meet("url_domain", key(0), ANN)
    assert census.admit("device_id", key(1), TODAY, 1, EVE) == Admission(True, key(0))


def test_what_a_batch_has_at_hand_does_not_give_way() -> None:
    census = filled(2)
    assert census.admit("device_id", key(9), TODAY, 2, EVE, busy={key(0)}) == Admission(True, key(1))
    assert census.admit("device_id", key(8), TODAY, 2, EVE, busy={key(0), key(9)}) == REFUSED
    assert census.admit("device_id", key(8), TODAY, 2, EVE) == Admission(True, key(0))


def test_kinds_have_budgets_of_their_own() -> None:
    census = filled(2)
    assert census.admit("url_domain", key(0), TODAY, 2, EVE) == ADMITTED
    assert census.admit("device_id", key(7), TODAY, 2, EVE) == Admission(True, key(0))
    assert census.admit("url_domain", key(1), TODAY, 2, EVE) == ADMITTED


def test_yesterdays_count_and_those_of_the_day_before_do_not() -> None:
    census = filled(2, shared=2)
    assert census.admit("device_id", key(5), TODAY + DAY_MS, 2, EVE) == REFUSED
    assert census.admit("device_id", key(5), TODAY + 2 * DAY_MS, 2, EVE) == ADMITTED
    assert census.counts == {("device_id", 20_002): 1}


@pytest.mark.parametrize("days_back", [2, 3, 400])
def test_old_times_are_no_way_around(days_back: int) -> None:
    census = filled(2, shared=2)
    assert census.admit("device_id", key(5), TODAY - days_back * DAY_MS, 2, EVE) == REFUSED
    assert census.admit("device_id", key(5), TODAY - days_back * DAY_MS, 3, EVE) == ADMITTED
    assert census.counts == {("device_id", 20_000): 3}


def test_of_very_many_provisional_entities_the_oldest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census_module, "MAX_PROVISIONAL", 3)
    census = filled(5)
    assert len(census.provisional["device_id"]) == 3
    assert census.admit("device_id", key(9), TODAY, 5, EVE) == Admission(True, key(2))


def test_it_is_kept_but_for_what_is_provisional() -> None:
    census = filled(3)
    census.admit("größe", b"k", TODAY + DAY_MS, 5, EVE)
    again = load_census(census.dump())
    assert again.counts == census.counts == {("device_id", 20_000): 3, ("größe", 20_001): 1}
    assert again.dump() == census.dump()
    assert again.admit("device_id", key(9), TODAY, 3, EVE) == REFUSED  # after a restart all stay
    assert load_census(b"") == Census()


@pytest.mark.parametrize("at", [1, 5, 13, 16, 22])
def test_damage_is_told(at: int) -> None:
    with pytest.raises(StateError, match="census"):
        load_census(filled(3).dump()[:at])
