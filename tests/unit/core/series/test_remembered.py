"""What an entity's earlier events said."""

import random

import pytest

from engine.core.series.remembered import (
    AGE,
    FIRST,
    LAST,
    MAX_RUNS,
    MAX_TEXT_BYTES,
    Register,
    Registers,
    Run,
    doubt_memory,
    memorize,
    recall_age,
    recall_first,
    recall_first_age,
    recall_last,
    recall_new,
    trim_registers,
    warmed,
)
from engine.core.values.bounds import AtLeast

KEEP_MS = 1_000
KEY = 7


def remembering(kind: int, *events: tuple[int, object], keep_ms: int = KEEP_MS) -> Registers:
    """Events in the order of their arrival. A value of None is a doubt."""
    registers: Registers = {}
    for now, value in events:
        if value is None:
            doubt_memory(registers, KEY, kind, now, keep_ms)
        else:
            memorize(registers, KEY, kind, now, value, keep_ms)  # type: ignore[arg-type]  # as tests have them
    return registers


def runs(registers: Registers) -> list[tuple[int, int, object]]:
    return [tuple(run) for run in registers[KEY].runs]  # type: ignore[misc]  # three of them


def test_the_last_value_is_that_of_the_event_before() -> None:
    registers = remembering(LAST, (10, "DE"), (20, "FR"))
    assert [recall_last(registers, KEY, until) for until in (9, 10, 19, 20, 30)] == [None, "DE", "DE", "FR", "FR"]


def test_nothing_is_known_where_nothing_was_remembered() -> None:
    assert recall_last({}, KEY, 5) is None
    assert recall_first({}, KEY, 5) is None
    assert recall_age({}, KEY, 5, 5) is None
    assert recall_first_age({}, KEY, 5, 5) is None
    assert recall_new({}, KEY, 5) is True


def test_a_silent_entity_forgets_after_the_time_that_is_kept() -> None:
    registers = remembering(LAST, (0, "DE"))
    assert recall_last(registers, KEY, KEEP_MS) == "DE"
    assert recall_last(registers, KEY, KEEP_MS + 1) is None


def test_equal_values_are_one_run_however_many_there_are() -> None:
    registers = remembering(LAST, *((now, "DE") for now in range(10_000)))
    assert runs(registers) == [(0, 9_999, "DE")]
    assert recall_last(registers, KEY, 5) == "DE"


def test_of_events_at_the_same_time_the_latest_to_arrive_counts() -> None:
    registers = remembering(LAST, (10, "DE"), (10, "FR"))
    assert recall_last(registers, KEY, 10) == "FR"


def test_where_a_late_event_falls_into_others_nobody_can_tell_what_came_after_it() -> None:
    registers = remembering(LAST, (0, "DE"), (5, "DE"), (100, "DE"), (50, "FR"))
    answers = [recall_last(registers, KEY, until) for until in (0, 49, 50, 51, 99, 100, 200)]
    assert answers == ["DE", "DE", "FR", None, None, "DE", "DE"]


def test_a_late_event_that_says_the_same_changes_nothing() -> None:
    assert runs(remembering(LAST, (0, "DE"), (100, "DE"), (50, "DE"))) == [(0, 100, "DE")]


def test_a_late_event_joins_what_it_lies_between() -> None:
    registers = remembering(LAST, (0, "DE"), (1_500, "DE"))
    assert runs(registers) == [(0, 0, "DE"), (1_500, 1_500, "DE")]
    memorize(registers, KEY, LAST, 800, "DE", KEEP_MS)
    assert runs(registers) == [(0, 1_500, "DE")]


def test_a_doubtful_event_makes_the_last_value_unknown_until_the_next_certain_one() -> None:
    registers = remembering(LAST, (0, "DE"), (10, None), (20, "DE"))
    assert [recall_last(registers, KEY, until) for until in (9, 10, 19, 20)] == ["DE", None, None, "DE"]


def test_beyond_the_changes_that_are_kept_nobody_can_tell() -> None:
    registers = remembering(LAST, *((now, f"v{now}") for now in range(20)))
    assert len(registers[KEY].runs) == MAX_RUNS[LAST]
    assert [recall_last(registers, KEY, until) for until in (3, 4, 19)] == [None, "v4", "v19"]


@pytest.mark.parametrize("value", ["x" * (MAX_TEXT_BYTES + 1), "ж" * 201, 2**63, -(2**63) - 1])
def test_what_is_too_long_is_not_remembered(value: object) -> None:
    assert remembering(LAST, (0, value)) == {}


def test_a_text_of_the_greatest_length_is_remembered() -> None:
    assert recall_last(remembering(LAST, (0, "ж" * 200)), KEY, 0) == "ж" * 200


def test_an_event_without_a_value_is_not_remembered() -> None:
    registers: Registers = {}
    memorize(registers, KEY, LAST, 0, None, KEEP_MS)
    assert registers == {}


def test_the_age_of_the_last_event() -> None:
    registers = remembering(AGE, (10, True), (30, True))
    assert [recall_age(registers, KEY, now, now) for now in (9, 25, 30, 100)] == [None, 15, 0, 70]
    assert recall_age(registers, KEY, 30, 29) == 20


def test_a_doubtful_event_makes_the_age_a_bound() -> None:
    registers = remembering(AGE, (10, True), (30, None))
    assert recall_age(registers, KEY, 100, 100) == AtLeast(70)


def test_of_doubts_alone_no_age_is_known() -> None:
    registers = remembering(AGE, (10, None), (20, None))
    assert runs(registers) == [(10, 20, None)]
    assert recall_age(registers, KEY, 30, 30) is None


def test_a_certain_event_among_doubts_is_found() -> None:
    registers = remembering(AGE, (10, None), (30, None), (20, True))
    assert runs(registers) == [(10, 19, None), (20, 20, True), (21, 30, None)]
    assert recall_age(registers, KEY, 20, 20) == 0


def test_a_doubt_within_others_splits_what_they_say() -> None:
    registers = remembering(LAST, (0, "DE"), (100, "DE"), (50, None))
    assert [recall_last(registers, KEY, until) for until in (49, 50, 99, 100)] == ["DE", None, None, "DE"]


def test_the_first_value_stays_until_a_silence() -> None:
    registers = remembering(FIRST, (0, "DE"), (900, "FR"), (1_800, "IT"), (2_900, "ES"))
    assert [recall_first(registers, KEY, now) for now in (0, 900, 2_800, 2_801, 2_900)] == [
        "DE",
        "DE",
        "DE",
        None,
        "ES",
    ]
    assert recall_first_age(registers, KEY, 2_000, 2_000) == 2_000


def test_an_earlier_event_that_arrives_later_is_the_first() -> None:
    registers = remembering(FIRST, (500, "FR"), (0, "DE"))
    assert recall_first(registers, KEY, 500) == "DE"


def test_what_is_new_has_not_been_there_within_the_time() -> None:
    registers = remembering(FIRST, (100, True))
    assert [recall_new(registers, KEY, until) for until in (99, 100, 1_100, 1_101)] == [True, False, False, True]


def test_whether_a_doubtful_event_was_one_is_not_known() -> None:
    registers = remembering(FIRST, (100, None))
    assert recall_new(registers, KEY, 200) is None
    memorize(registers, KEY, FIRST, 300, True, KEEP_MS)
    assert recall_new(registers, KEY, 300) is False
    assert recall_first_age(registers, KEY, 400, 400) == AtLeast(100)
    assert recall_first(registers, KEY, 400) is None


def test_what_was_certain_before_the_first_doubt_stays_so() -> None:
    registers = remembering(FIRST, (100, "DE"), (200, None), (300, "FR"))
    assert recall_first(registers, KEY, 300) == "DE"
    assert recall_first_age(registers, KEY, 300, 300) == 200


def test_a_begin_that_may_be_gone_is_a_bound() -> None:
    registers = remembering(FIRST, *((at * 1_500, "DE") for at in range(6)))
    assert [recall_new(registers, KEY, until) for until in (0, 1_500, 7_500)] == [None, None, False]
    assert recall_first_age(registers, KEY, 1_600, 1_600) is None
    memorize(registers, KEY, FIRST, 2_200, "FR", KEEP_MS)  # joins what is there to what is gone
    assert recall_first(registers, KEY, 3_000) is None
    assert recall_first_age(registers, KEY, 3_000, 3_000) == AtLeast(800)


def test_nothing_is_lost_by_what_nobody_asks_for_any_more() -> None:
    registers = remembering(LAST, (0, "DE"), (5_000, "FR"))
    registers[KEY].floor = 100
    assert trim_registers(registers, 3_000) == KEEP_MS
    assert registers[KEY].runs == [Run(5_000, 5_000, "FR")]
    assert recall_last(registers, KEY, 900) is None
    assert trim_registers(registers, 7_000) == 0
    assert registers == {}


def test_another_base_is_the_same_times() -> None:
    registers = remembering(FIRST, *((at * 1_500, "DE") for at in range(6)), (9_000, None))
    registers[KEY].shift(10_000)
    assert registers[KEY].runs[-1] == Run(-2_500, -2_500, "DE")
    assert registers[KEY].possible[-1] == Run(-1_000, -1_000, None)
    assert registers[KEY].floor == 3_000 - 10_000  # of what may be, one more is gone


def test_a_value_can_be_forgotten() -> None:
    register = Register(LAST, KEEP_MS)
    register.enter(0, "ann")
    register.enter(5, "ben")
    register.forget("ann")
    assert register.runs == [Run(0, 0, None), Run(5, 5, "ben")]


@pytest.mark.parametrize(
    ("value", "watched_ms", "known"),
    [
        (True, None, True), (True, 9, None), (True, 10, True), (False, 0, False), (None, 0, None),
        (3, None, 3), (3, 12, AtLeast(3)), (3, 13, 3), (AtLeast(3), 100, AtLeast(3)),
    ],
)  # fmt: skip
def test_nothing_is_new_before_others_are_watched(value: bool | None, watched_ms: int | None, known: object) -> None:
    found = warmed(value, watched_ms, 10)
    assert (type(found), found) == (type(known), known)


@pytest.mark.parametrize("seed", range(200))
def test_answers_are_those_of_a_recount_or_unknown(seed: int) -> None:
    """Of events in any order; exactly, where none with a later time has come before."""
    rng = random.Random(seed)
    keep_ms, values = rng.choice((5, 20, 1_000)), ("DE", "FR", "IT")[: rng.randint(1, 3)]
    registers, kept = dict[int, Registers](), list[tuple[int, str]]()
    newest = 0
    for _ in range(rng.randint(1, 120)):
        now = max(0, newest + rng.choice((0, 1, 2, 3, 8, -1, -5, -30, 30)))
        late = now < newest
        before = sorted((one for one in kept if one[0] <= now), key=lambda one: one[0])
        truth = before[-1][1] if before and now - before[-1][0] <= keep_ms else None
        by_kind = [registers.setdefault(kind, {}) for kind in (LAST, FIRST, AGE)]
        found = recall_last(by_kind[0], KEY, now)
        assert found == truth or (late and found is None)
        is_new = recall_new(by_kind[1], KEY, now)
        assert is_new == (truth is None) or (late and is_new is None)
        age = recall_age(by_kind[2], KEY, now, now)
        assert age == (now - before[-1][0] if truth is not None else None) or (late and age is None)
        value = rng.choice(values)
        for kind, one in zip((LAST, FIRST, AGE), by_kind, strict=True):
            memorize(one, KEY, kind, now, value if kind != AGE else True, keep_ms)
        kept.append((now, value))
        newest = max(newest, now)
