"""Made-up entities use up a budget of their own makers, and push out nothing that two people share."""

import pytest

from engine.errors import StateError
from engine.state import entity_budget as budget_module
from engine.state.entity_budget import Admission, EntityBudget, Provisional, load_entity_budget

DAY_MS = 86_400_000
TODAY = 20_000 * DAY_MS
ANN, BEN, EVE = 1, 2, 666
REFUSED = Admission(False, None)
ADMITTED = Admission(True, None)


def key(number: int) -> bytes:
    return b"device_id\x00%d" % number


def filled(budget: int, source: int = EVE, shared: int = 0) -> EntityBudget:
    """A day's budget used up by one source; the first of its entities are shared by many."""
    entity_budget = EntityBudget()
    for number in range(budget):
        assert entity_budget.admit("device_id", key(number), TODAY, budget, source) == ADMITTED
    for number in range(shared):
        for other in (ANN, BEN, 3):
            entity_budget.meet("device_id", key(number), other)
    return entity_budget


def test_within_the_budget_all_are_counted_and_none_gives_way() -> None:
    entity_budget = filled(5)
    assert entity_budget.counts == {("device_id", 20_000): 5}


def test_beyond_it_the_oldest_provisional_entity_gives_way() -> None:
    entity_budget = filled(3)
    assert entity_budget.admit("device_id", key(10), TODAY, 3, EVE) == Admission(True, key(0))
    assert entity_budget.admit("device_id", key(11), TODAY, 3, ANN) == Admission(True, key(1))
    assert entity_budget.counts == {("device_id", 20_000): 3}


@pytest.mark.parametrize("day", [0, 1, -1, -5])
def test_there_is_room_where_one_more_would_be_admitted(day: int) -> None:
    at_ms = TODAY + day * DAY_MS
    for entity_budget in (EntityBudget(), filled(2), filled(3), filled(3, shared=3), filled(4, shared=3)):
        has_room = entity_budget.has_room("device_id", at_ms, 3)
        before = entity_budget.dump()
        assert entity_budget.has_room("device_id", at_ms, 3) is has_room
        assert entity_budget.dump() == before
        assert entity_budget.admit("device_id", key(99), at_ms, 3, ANN).admitted is has_room


def test_a_flood_pushes_out_what_it_has_made_up_before_and_nothing_else() -> None:
    entity_budget = filled(5, shared=2)
    pushed_out = [entity_budget.admit("device_id", key(number), TODAY, 5, EVE).forgotten for number in range(100, 200)]
    assert pushed_out[:4] == [key(2), key(3), key(4), key(100)]
    assert not {key(0), key(1)} & set(pushed_out)
    assert None not in pushed_out


def test_an_entity_that_more_than_a_few_sources_name_stays() -> None:
    entity_budget = filled(1)
    for source in (ANN, BEN, 3):
        assert len(entity_budget.provisional["device_id"]) == 1
        entity_budget.meet("device_id", key(0), source)
    assert entity_budget.admit("device_id", key(1), TODAY, 1, EVE) == REFUSED


@pytest.mark.parametrize("crowd", [1, 2, 3])
def test_a_few_accounts_push_out_their_own_and_use_up_no_budget(crowd: int) -> None:
    entity_budget = EntityBudget()
    entity_budget.admit("device_id", b"honest", TODAY, 20, ANN)
    for number in range(100):
        entity_budget.admit("device_id", key(number), TODAY, 20, EVE)
        for one in range(1, crowd):
            entity_budget.meet("device_id", key(number), EVE + one)
    for number in range(100, 110):
        admission = entity_budget.admit("device_id", key(number), TODAY, 20, BEN + number)
        assert admission.admitted
        assert admission.forgotten not in (b"honest", None)
        assert admission.forgotten not in {key(n) for n in range(100, 110)}


def test_who_names_what_others_have_named_does_not_push_it_out_with_his_own() -> None:
    entity_budget = EntityBudget()
    entity_budget.admit("device_id", b"swarm", TODAY, 20, EVE)
    entity_budget.meet("device_id", b"swarm", ANN)
    entity_budget.admit("device_id", b"honest", TODAY, 20, BEN)
    entity_budget.meet("device_id", b"honest", EVE)
    forgotten = {entity_budget.admit("device_id", key(number), TODAY, 20, EVE).forgotten for number in range(200)}
    assert not {b"swarm", b"honest"} & forgotten


def test_of_many_accounts_with_one_entity_each_those_that_one_alone_has_named_give_way() -> None:
    entity_budget = EntityBudget()
    entity_budget.admit("device_id", b"shared", TODAY, 20, ANN)
    entity_budget.meet("device_id", b"shared", BEN)
    forgotten = [
        entity_budget.admit("device_id", key(number), TODAY, 20, 100 + number).forgotten for number in range(100)
    ]
    assert forgotten[19:] == [key(number) for number in range(81)]


def test_the_work_for_one_entity_is_bounded() -> None:
    entity_budget, seen = filled(200), list[bytes]()

    class Busy:
        def __contains__(self, one: object) -> bool:
            assert isinstance(one, bytes)
            seen.append(one)
            return True

    assert entity_budget.admit("device_id", key(999), TODAY, 200, ANN, Busy()) == REFUSED
    assert len(seen) == 16


def test_an_entity_that_one_source_names_again_and_again_does_not() -> None:
    entity_budget = filled(1)
    for _ in range(5):
        entity_budget.meet("device_id", key(0), EVE)
    assert entity_budget.admit("device_id", key(1), TODAY, 1, EVE) == Admission(True, key(0))


def test_meeting_what_nobody_has_admitted_changes_nothing() -> None:
    entity_budget = filled(1)
    entity_budget.meet("device_id", b"other", ANN)
    entity_budget.meet("url_domain", key(0), ANN)
    assert entity_budget.admit("device_id", key(1), TODAY, 1, EVE) == Admission(True, key(0))


def test_what_a_batch_has_at_hand_does_not_give_way() -> None:
    entity_budget = filled(2)
    assert entity_budget.admit("device_id", key(9), TODAY, 2, EVE, busy={key(0)}) == Admission(True, key(1))
    assert entity_budget.admit("device_id", key(8), TODAY, 2, EVE, busy={key(0), key(9)}) == REFUSED
    assert entity_budget.admit("device_id", key(8), TODAY, 2, EVE) == Admission(True, key(0))


def test_kinds_have_budgets_of_their_own() -> None:
    entity_budget = filled(2)
    assert entity_budget.admit("url_domain", key(0), TODAY, 2, EVE) == ADMITTED
    assert entity_budget.admit("device_id", key(7), TODAY, 2, EVE) == Admission(True, key(0))
    assert entity_budget.admit("url_domain", key(1), TODAY, 2, EVE) == ADMITTED


def test_yesterdays_count_and_those_of_the_day_before_do_not() -> None:
    entity_budget = filled(2, shared=2)
    assert entity_budget.admit("device_id", key(5), TODAY + DAY_MS, 2, EVE) == REFUSED
    assert entity_budget.admit("device_id", key(5), TODAY + 2 * DAY_MS, 2, EVE) == ADMITTED
    assert entity_budget.counts == {("device_id", 20_002): 1}


@pytest.mark.parametrize("days_back", [2, 3, 400])
def test_old_times_are_no_way_around(days_back: int) -> None:
    entity_budget = filled(2, shared=2)
    assert entity_budget.admit("device_id", key(5), TODAY - days_back * DAY_MS, 2, EVE) == REFUSED
    assert entity_budget.admit("device_id", key(5), TODAY - days_back * DAY_MS, 3, EVE) == ADMITTED
    assert entity_budget.counts == {("device_id", 20_000): 3}


def test_of_very_many_provisional_entities_the_oldest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_module, "MAX_PROVISIONAL", 3)
    entity_budget = filled(5)
    assert len(entity_budget.provisional["device_id"]) == 3
    assert entity_budget.admit("device_id", key(9), TODAY, 5, EVE) == Admission(True, key(2))


def test_it_is_kept() -> None:
    entity_budget = filled(3)
    entity_budget.admit("größe", b"k", TODAY + DAY_MS, 5, EVE)
    again = load_entity_budget(entity_budget.dump())
    assert again.counts == entity_budget.counts == {("device_id", 20_000): 3, ("größe", 20_001): 1}
    assert again.dump() == entity_budget.dump()
    assert again.admit("device_id", key(9), TODAY, 3, EVE) == REFUSED  # as it was stored before: all stay


def test_what_is_provisional_gives_way_after_a_restart_too() -> None:
    entity_budget = filled(3)
    entity_budget.admit("größe", b"k", TODAY, 5, EVE)
    entity_budget.meet("device_id", key(0), ANN)
    stored = entity_budget.dump_provisional()
    assert stored is not None
    again = load_entity_budget(entity_budget.dump(), stored)
    assert {kind: len(known) for kind, known in again.provisional.items()} == {"device_id": 3, "größe": 1}
    again.meet("device_id", key(1), EVE)  # its key is known again
    assert again.admit("device_id", key(9), TODAY, 3, BEN) == Admission(True, key(1))
    assert again.admit("device_id", key(8), TODAY, 3, BEN) == Admission(True, None)  # its record stays, and lapses
    again.unstored = 100
    assert again.dump_provisional() is not None


def test_what_is_provisional_is_stored_when_enough_has_changed() -> None:
    entity_budget = filled(160)
    assert entity_budget.dump_provisional() is not None
    for number in range(1, 20):
        assert entity_budget.dump_provisional() is None
        entity_budget.meet("device_id", key(number), ANN)
    entity_budget.meet("device_id", key(21), ANN)
    assert entity_budget.dump_provisional() is not None
    assert EntityBudget().dump_provisional() is None


def test_what_is_stored_of_it_is_bounded() -> None:
    entity_budget = EntityBudget()
    for kind in ("a", "b", "c"):
        for number in range(3_000):
            entity_budget.admit(kind, key(number), TODAY, 10_000, number)
            entity_budget.meet(kind, key(number), number + 1)
            entity_budget.meet(kind, key(number), number + 2)
    stored = entity_budget.dump_provisional()
    assert stored is not None
    assert len(stored) < 68_000
    again = load_entity_budget(entity_budget.dump(), stored)
    assert {len(known) for known in again.provisional.values()} == {budget_module.MAX_STORED // 3}
    again.unstored = 9_999
    assert again.dump_provisional() == stored


@pytest.mark.parametrize("damage", [slice(0, 3), slice(0, 12), slice(0, 20), slice(0, -1), slice(1, None)])
def test_damage_of_what_is_provisional_is_told(damage: slice) -> None:
    stored = filled(3).dump_provisional()
    assert stored is not None
    with pytest.raises(StateError, match="entity_budget"):
        load_entity_budget(b"", stored[damage])


@pytest.mark.parametrize("at", [1, 5, 13, 16, 22])
def test_damage_is_told(at: int) -> None:
    with pytest.raises(StateError, match="entity_budget"):
        load_entity_budget(filled(3).dump()[:at])


def provisional(*entities: tuple[bytes, list[int]]) -> Provisional:
    """Entities with their sources, in the shares of the first ones."""
    made = Provisional()
    for name, sources in entities:
        made.add(name, name, list(sources))
    return made


def test_of_entities_that_are_all_shared_the_first_of_those_who_have_most_gives_way() -> None:
    made = provisional(
        (b"with two", [EVE, ANN, BEN]), (b"with one", [EVE, ANN]), (b"with one, later", [EVE, BEN]),
        (b"a1", [ANN]), (b"a2", [ANN]), (b"b1", [BEN]), (b"b2", [BEN]),
    )  # fmt: skip
    assert made.give_way(()) == (True, b"with one")


def test_who_would_have_as_many_does_not_take_what_another_has_made_up() -> None:
    made = provisional((b"e1", [EVE]), (b"e2", [EVE]), (b"b1", [BEN]))
    assert made.meet(b"e1", b"e1", BEN)
    assert made.give_way(()) == (True, b"e2")  # had it become BEN's, he would have the most, and lose b1


def test_what_tells_nothing_new_is_not_stored_again() -> None:
    entity_budget = filled(160)
    assert entity_budget.dump_provisional() is not None
    for number in range(20):
        entity_budget.meet("device_id", b"unknown", number)
        entity_budget.meet("device_id", key(number), EVE)
    assert entity_budget.dump_provisional() is None


def test_what_is_not_provisional_any_more_is_stored_as_such() -> None:
    entity_budget = filled(160)
    for number in range(20):
        entity_budget.meet("device_id", key(number), ANN)
        entity_budget.meet("device_id", key(number), BEN)
    assert entity_budget.dump_provisional() is not None
    for number in range(20):
        entity_budget.meet("device_id", key(number), 3)
    stored = entity_budget.dump_provisional()
    assert stored is not None
    assert len(load_entity_budget(entity_budget.dump(), stored).provisional["device_id"]) == 140


def test_each_of_two_days_has_its_own_count_whichever_comes_first() -> None:
    entity_budget = filled(2, shared=2)
    assert entity_budget.admit("device_id", key(5), TODAY - DAY_MS, 3, EVE) == ADMITTED
    assert entity_budget.admit("device_id", key(6), TODAY + DAY_MS, 3, EVE) == ADMITTED
    assert entity_budget.counts == {("device_id", 20_000): 2, ("device_id", 20_001): 1}
    assert entity_budget.admit("device_id", key(7), TODAY, 3, EVE) == ADMITTED
    assert entity_budget.counts == {("device_id", 20_000): 3, ("device_id", 20_001): 1}


def test_an_event_of_yesterday_counts_as_yesterdays() -> None:
    entity_budget = filled(2)
    entity_budget.admit("device_id", key(5), TODAY - DAY_MS, 10, EVE)
    assert entity_budget.counts == {("device_id", 20_000): 2, ("device_id", 19_999): 1}
