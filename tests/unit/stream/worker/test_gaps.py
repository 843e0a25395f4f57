"""Holes in what is read."""

from faust.types import TP

from engine.stream.worker.gaps import Gaps

EVENTS, OTHERS = TP("events", 0), TP("events", 1)


def test_a_gap_is_real_when_a_fetch_that_began_at_its_near_end_shows_it_again() -> None:
    gaps = Gaps()
    assert not gaps.is_real(EVENTS, 3, 7)
    assert gaps.suspected == [EVENTS]
    gaps.begin_fetch({EVENTS: 3})
    assert gaps.is_real(EVENTS, 3, 7)
    assert gaps.suspected == []


def test_a_fetch_that_began_elsewhere_and_another_gap_prove_nothing() -> None:
    gaps = Gaps()
    gaps.is_real(EVENTS, 3, 7)
    gaps.begin_fetch({EVENTS: 5, OTHERS: 3})
    assert not gaps.is_real(EVENTS, 3, 7)
    gaps.begin_fetch({EVENTS: 3})
    assert not gaps.is_real(EVENTS, 3, 6)


def test_what_is_deleted_leaves_no_gap() -> None:
    assert Gaps().is_real(EVENTS, 7, 7)


def test_a_gap_that_was_filled_is_not_remembered() -> None:
    for forget in (Gaps.settle, Gaps.forget, lambda gaps, _: gaps.pin()):
        gaps = Gaps()
        gaps.is_real(EVENTS, 3, 7)
        forget(gaps, EVENTS)
        gaps.begin_fetch({EVENTS: 3})
        assert gaps.suspected == []
        assert not gaps.is_real(EVENTS, 3, 7)


def test_what_was_dropped_is_read_again_three_times_and_anew_where_something_has_changed() -> None:
    gaps = Gaps()
    assert [gaps.may_be_read_again(EVENTS, 3, 7) for _ in range(4)] == [True, True, True, False]
    assert gaps.may_be_read_again(OTHERS, 3, 7)
    assert gaps.may_be_read_again(EVENTS, 3, 8)
    assert [gaps.may_be_read_again(EVENTS, 3, 7) for _ in range(4)] == [True, True, True, False]
    gaps.forget(EVENTS)
    assert gaps.may_be_read_again(EVENTS, 3, 7)


def test_what_is_never_there_is_markers_and_nothing_waits_behind_them() -> None:
    gaps, tp = Gaps(), TP("events", 0)
    seen = []
    for _ in range(5):
        seen.append((gaps.may_be_read_again(tp, 7, 8), gaps.behind_markers(tp, 7)))
    assert seen == [(True, 7)] * 3 + [(False, 8)] * 2
    assert gaps.behind_markers(tp, 8) == 8
    gaps.forget(tp)
    assert gaps.behind_markers(tp, 7) == 7
