"""Notes of those who came before a threshold, and the crossings that release them."""

import random

import pytest

from engine.core.state.contributors import MAX_NOTES, MAX_SPANS, Contributor, Contributors, load_contributors


def note_at(time: int, user: str = "u", target: str = "") -> Contributor:
    return Contributor(time, f"e{time}", "post", user, target, 3, 77)


def notes_at(lookback_ms: int, *times: int) -> Contributors:
    notes = Contributors(lookback_ms)
    for time in times:
        notes.note(note_at(time))
    return notes


def times(notes: list[Contributor]) -> list[int]:
    return [one.time for one in notes]


def test_a_crossing_releases_what_lies_within_the_lookback_before_it() -> None:
    notes = notes_at(10, 101, 90, 91, 100)
    notes.cross(100)
    assert times(notes.release()) == [91, 100]
    assert times(notes.notes) == [90, 101]
    assert notes.release() == []


def test_a_note_that_comes_late_is_released_by_the_crossing_that_was_first() -> None:
    notes = notes_at(10)
    notes.cross(100)
    for time in (90, 91, 100, 101):
        notes.note(note_at(time))
    assert times(notes.release()) == [91, 100]


@pytest.mark.parametrize("order", [(100, 109, 111), (111, 109, 100), (100, 111, 109)])
def test_crossings_whose_lookbacks_meet_are_one_span(order: tuple[int, ...]) -> None:
    notes = notes_at(10)
    for time in order:
        notes.cross(time)
    assert notes.spans == [(90, 111)]


def test_crossings_meet_where_one_begins_at_the_end_of_the_other() -> None:
    for order in ((100, 110), (110, 100)):
        notes = notes_at(10)
        for time in order:
            notes.cross(time)
        assert notes.spans == [(90, 110)]


@pytest.mark.parametrize("order", [(100, 111), (111, 100)])
def test_crossings_farther_apart_than_the_lookback_are_two(order: tuple[int, ...]) -> None:
    notes = notes_at(10, 101)
    for time in order:
        notes.cross(time)
    assert notes.spans == [(90, 100), (101, 111)]
    assert notes.release() == []


def test_a_lookback_does_not_reach_behind_the_beginning() -> None:
    notes = notes_at(10)
    notes.cross(4)
    assert notes.spans == [(0, 4)]


def test_of_too_many_notes_the_oldest_are_forgotten() -> None:
    notes = notes_at(10, *range(MAX_NOTES, 0, -1))
    assert times(notes.notes) == list(range(1, MAX_NOTES + 1))
    notes.note(note_at(MAX_NOTES + 1))
    assert times(notes.notes) == list(range(2, MAX_NOTES + 2))


def test_what_one_user_sends_makes_nobody_safe_who_came_before() -> None:
    notes = Contributors(10_000)
    for time in range(1, 12):
        notes.note(note_at(time, f"u{time}"))
    for time in range(100, 100 + 2 * MAX_NOTES):
        notes.note(note_at(time, "decoy"))
    notes.cross(100 + 2 * MAX_NOTES)
    released = notes.release()
    assert len(released) == MAX_NOTES
    assert {note.user_id for note in released} == {"decoy", *(f"u{time}" for time in range(1, 12))}


def test_whose_note_goes_is_the_same_for_those_that_were_stored_meanwhile() -> None:
    rng, notes = random.Random(3), Contributors(10_000)
    stored = Contributors(10_000)
    for time in range(1, 4 * MAX_NOTES):
        note = note_at(time, f"u{int(60 * rng.random() ** 3)}")
        for one in (notes, stored):
            one.note(note)
            if time % 700 == 0:
                one.cross(time - MAX_NOTES // 2)
                one.release()
                one.trim(time - MAX_NOTES)
            if time % 900 == 0:
                one.forget("u0")
        if time % 5 == 0:
            assert stored.notes == notes.notes
            stored, _ = load_contributors(stored.dump(), 0)


def test_of_too_many_spans_the_oldest_are_forgotten() -> None:
    notes = notes_at(10)
    for time in range(1_000, 1_000 + 100 * MAX_SPANS, 100):
        notes.cross(time)
    assert notes.spans[0] == (990, 1_000)
    notes.cross(9_000)
    assert len(notes.spans) == MAX_SPANS
    assert (notes.spans[0], notes.spans[-1]) == ((1_090, 1_100), (8_990, 9_000))


def test_who_is_forgotten_is_so_as_a_target_too() -> None:
    notes = Contributors(10)
    for one in (note_at(1, "a", "b"), note_at(2, "b", "c"), note_at(3, "c", "a"), note_at(4, "d", "e")):
        notes.note(one)
    notes.forget("a")
    assert times(notes.notes) == [2, 4]


def test_what_lies_before_the_oldest_is_dropped() -> None:
    notes = notes_at(10, 99, 100, 101)
    for time in (80, 99, 150):
        notes.cross(time)
    notes.trim(100)
    assert times(notes.notes) == [100, 101]
    assert notes.spans == [(140, 150)]


def test_they_survive_their_bytes() -> None:
    notes = Contributors(10)
    for one in (note_at(1, "ann", "ben"), note_at(2, "käthe", ""), note_at(3, "", "x")):
        notes.note(one)
    for time in (50, 90):
        notes.cross(time)
    data = b"before" + notes.dump()
    found, end = load_contributors(data + b"behind", len(b"before"))
    assert end == len(data)
    assert (found.lookback_ms, found.spans, found.notes) == (10, notes.spans, notes.notes)


def test_a_note_may_end_with_the_bytes_and_not_behind_them() -> None:
    notes = Contributors(10)
    notes.note(note_at(5, "ann", "ben"))
    data = notes.dump()
    assert load_contributors(data, 0)[1] == len(data)
    with pytest.raises(ValueError, match="ends too early"):
        load_contributors(data[:-1], 0)


@pytest.mark.parametrize(
    ("time", "covered"), [(99, False), (100, True), (105, True), (109, True), (110, False), (130, False)]
)
def test_a_crossing_between_others_changes_nothing(time: int, covered: bool) -> None:
    notes = notes_at(10)
    notes.cross(100)
    notes.cross(109)
    assert notes.covers(time, time) == (notes.uncovered([time]) == []) == covered
    before = list(notes.spans)
    notes.cross(time)
    assert (notes.spans == before) == covered
