"""What a request to forget someone does to a partition's state."""

import pytest

from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record
from engine.core.state.strikes import Strike
from engine.state.memory import MemoryDatabase
from engine.state.scored import BLOCK
from engine.state.store import PartitionState, entity_record_key, user_record_key
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.erasure import Forget, forget, is_about

ANN = user_record_key("ann")
DOMAIN = entity_record_key(("url_domain", "x.example"))


def made() -> tuple[PartitionState, MemoryDatabase]:
    database = MemoryDatabase()
    return PartitionState(lambda: database, 100), database


def write(state: PartitionState, database: MemoryDatabase, outcome: StateOutcome) -> None:
    """As when an outcome has become durable."""
    database.apply(outcome.changes)
    outcome.settle()


def counted(state: PartitionState, key: bytes, hops: int) -> StateOutcome:
    """A batch that has touched one record."""
    record = state.load([key])[key]
    record.hops = hops
    outcome = StateOutcome(state=state, records={key: record})
    outcome.changes += state.dump(outcome.records)
    return outcome


def forgotten(state: PartitionState, *keys: bytes) -> StateOutcome:
    outcome = StateOutcome(state=state)
    forget(state, Forget("ann", list(keys)), outcome)
    outcome.changes += state.dump(outcome.records)
    return outcome


def test_what_is_under_way_is_written_first_and_then_deleted() -> None:
    state, database = made()
    under_way, request = counted(state, ANN, 7), forgotten(state, ANN)
    assert state.load([ANN])[ANN].hops == -1  # at once, for the next batch
    write(state, database, under_way)
    assert ANN in database.values
    write(state, database, request)
    assert ANN not in database.values


def test_who_comes_back_before_it_is_written_begins_anew() -> None:
    state, database = made()
    under_way, request, back = counted(state, ANN, 7), forgotten(state, ANN), counted(state, ANN, 9)
    for outcome in (under_way, request, back):
        write(state, database, outcome)
    fresh = EntityRecord()
    fresh.hops = 9
    assert database.values[ANN] == dump_record(fresh)


def test_a_note_at_another_entity_goes_and_its_record_stays() -> None:
    state, database = made()
    outcome = counted(state, DOMAIN, 3)
    notes = outcome.records[DOMAIN].contributors[1] = Contributors(60_000)
    notes.note(Contributor(1, "e1", "post", "ann", "ann", 0))
    notes.note(Contributor(2, "e2", "post", "bob", "ann", 0))
    notes.note(Contributor(3, "e3", "post", "bob", "bob", 0))
    write(state, database, forgotten(state, DOMAIN))
    assert [note.event_id for note in state.load([DOMAIN])[DOMAIN].contributors[1].notes] == ["e3"]
    assert b"ann" not in database.values[DOMAIN]


@pytest.mark.parametrize(
    ("entity_key", "about"),
    [
        (("target_id", "ann"), True),
        (("target_id+user_id", "bob\x1fann"), True),
        (("url_domain", "ann"), False),
        (("target_id", "anna"), False),
        (("target_id+text", "bob\x1fann"), False),
        (("event.user_id", "ann"), True),
        (("pair:target_id+user_id", "ann\x1fbob"), True),
        (("pair:device_id+user_id", "ann\x1fd1"), True),
        (("pair:device_id+recipient", "ann\x1fd1"), False),
        (("~target_id", "ann"), True),
    ],
)
def test_a_record_is_about_a_person_by_its_kind_and_not_by_its_spelling(
    entity_key: tuple[str, str], about: bool
) -> None:
    assert is_about(entity_record_key(entity_key), "ann") is about


def test_what_cannot_be_read_stops_nothing() -> None:
    state, database = made()
    database.apply([(DOMAIN, b"\xff" * 20), (BLOCK + b"\x00damaged", b"\x01\x00\x00\x00ann"), (ANN, b"\xff")])
    outcome = forgotten(state, DOMAIN, BLOCK + b"\x00damaged", ANN)
    write(state, database, outcome)
    assert set(database.values) == {DOMAIN}  # to be looked into by hand


def test_what_actions_were_about_and_their_strikes_are_forgotten() -> None:
    state, database = made()
    changes = [state.scored.put_action("a", 5, "e5"), state.scored.put_strike("a", Strike(1, 2))]
    database.apply(changes)
    state.scored.settle(changes)
    write(state, database, forgotten(state, *[name for name, _ in changes]))
    assert database.values == {}
