"""The compiled functions do what those in Python do, word for word."""

import struct
from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import kernel as chosen
from engine.core.series.counts import new_counts
from engine.core.series.distincts import new_distincts
from engine.core.values import hashing, identity
from engine.core.values.shapes import Usual
from tests.kernels import KERNELS

pytestmark = pytest.mark.skipif(
    len(KERNELS) < 2, reason="the compiled kernel has not been built: `make compiled` needs a C compiler"
)

moves = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(-900, 700), st.sampled_from((3, 8, 40)), st.sampled_from((1_000, 1_000, 2_500))
    ),
    max_size=80,
)
numbers = st.none() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=1_000, deadline=None)
@given(moves, st.integers(1, 2_000), st.sets(st.integers(0, 79)))
def test_both_leave_the_same_words_and_give_the_same_answers(
    made: list[tuple[int, int, int, int]], over_ms: int, trims: set[int]
) -> None:
    python, compiled = KERNELS
    ours, theirs, newest = new_counts(), new_counts(), 5_000
    for index, (key, step, cap, retention_ms) in enumerate(made):
        now = newest + step
        newest = max(newest, now)
        questions = array("q", [key, over_ms, 9 - key, 2 * over_ms])
        for kernel, words in ((python, ours), (compiled, theirs)):
            kernel.add_count(words, key, now, cap, retention_ms)
        assert ours == theirs
        for of in (key, 9 - key):
            within, times = (of, now - over_ms, now + over_ms), sorted({now - over_ms, now - 50, now, now + over_ms})
            assert python.count_entries(ours, *within) == compiled.count_entries(theirs, *within)
            assert python.count_lost_until(ours, of) == compiled.count_lost_until(theirs, of)
            assert python.read_count_at(ours, of, times, over_ms) == compiled.read_count_at(theirs, of, times, over_ms)
        assert python.times_between(ours, *within[1:]) == compiled.times_between(theirs, *within[1:])
        assert python.read_counts(ours, now, questions) == compiled.read_counts(theirs, now, questions)
        assert python.read_count(ours, key, now, over_ms) == compiled.read_count(theirs, key, now, over_ms)
        if index in trims:
            assert python.trim_counts(ours, newest - 800) == compiled.trim_counts(theirs, newest - 800)
            assert ours == theirs


@settings(max_examples=1_000, deadline=None)
@given(moves, st.integers(1, 2_000), st.sets(st.integers(0, 79)), st.lists(st.integers(0, 9), min_size=80, max_size=80))
def test_both_leave_the_same_distinct_values(
    made: list[tuple[int, int, int, int]], over_ms: int, trims: set[int], values: list[int]
) -> None:
    python, compiled = KERNELS
    ours, theirs, newest = new_distincts(), new_distincts(), 5_000
    for index, (key, step, cap, retention_ms) in enumerate(made):
        now, value = newest + step, values[index] * (2**60 + 1)
        newest = max(newest, now)
        for kernel, words in ((python, ours), (compiled, theirs)):
            kernel.add_distinct(words, key, now, value, cap, retention_ms)
        assert ours == theirs
        for of in (key, 9 - key):
            within, times = (of, now - over_ms, now + over_ms), sorted({now - over_ms, now - 50, now, now + over_ms})
            assert python.distinct_entries(ours, *within) == compiled.distinct_entries(theirs, *within)
            named = (of, value, now - over_ms, now + over_ms)
            assert python.first_time(ours, *named) == compiled.first_time(theirs, *named)
            assert python.distinct_lost_until(ours, of) == compiled.distinct_lost_until(theirs, of)
            read = python.read_distinct_at(ours, of, times, over_ms)
            assert read == compiled.read_distinct_at(theirs, of, times, over_ms)
        assert python.distinct_times_between(ours, *within[1:]) == compiled.distinct_times_between(theirs, *within[1:])
        for length in (over_ms, 2 * over_ms):
            asked = key, now, length
            assert python.read_distinct(ours, *asked) == compiled.read_distinct(theirs, *asked)
        if index in trims:
            assert python.trim_distincts(ours, newest - 800) == compiled.trim_distincts(theirs, newest - 800)
            assert ours == theirs


def test_busy_series_need_more_than_the_small_table() -> None:
    python, compiled = KERNELS
    ours, theirs = new_distincts(), new_distincts()
    for time in range(1_500):
        for kernel, words in ((python, ours), (compiled, theirs)):
            kernel.add_distinct(words, 7, time, time * 7919 % 1_201 << 40, 1_000, 10_000)
    assert ours == theirs
    assert python.read_distinct(ours, 7, 1_500, 900) == compiled.read_distinct(theirs, 7, 1_500, 900)
    times = list(range(0, 2_600, 7))
    assert python.read_distinct_at(ours, 7, times, 900) == compiled.read_distinct_at(theirs, 7, times, 900)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), max_size=60), st.integers(1, 6))
def test_both_remember_the_same_events(events: list[tuple[int, int]], limit: int) -> None:
    python, compiled = KERNELS
    ours, theirs = array("Q"), array("Q")
    for event in events:
        hashes = event[0] << 40 | 5, event[1]
        assert python.remember(ours, *hashes, limit) == compiled.remember(theirs, *hashes, limit)
        assert ours == theirs


def test_nothing_is_known_without_words() -> None:
    questions = array("q", [1, 2, 3, 4])
    for kernel in KERNELS:
        assert kernel.read_count(None, 1, 2, 3) is None
        assert list(kernel.read_counts(None, 1, questions)) == [None, None]


@given(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9))
def test_both_identify_alike(user_id: str, kind: str, event_id: str) -> None:
    assert chosen.identity_of(user_id, kind, event_id) == identity.identity_of(user_id, kind, event_id)


@given(st.text(max_size=300), st.text(max_size=20))
def test_both_hash_alike_with_and_without_a_key(text: str, secret: str) -> None:
    chosen.set_hash_key(secret)
    try:
        assert chosen.hash64(text) == hashing.hash64(text)
        assert chosen.hash_bytes(text.encode()) == hashing.hash_bytes(text.encode())
        if secret:
            keyed = chosen.hash64(text)
            chosen.set_hash_key("")
            assert chosen.hash64(text) != keyed
    finally:
        chosen.set_hash_key("")


texts = st.text(max_size=300)
names = st.sampled_from("abc")
types = st.dictionaries(names, st.frozensets(st.sampled_from((int, str, dict, type(None)))), max_size=3)
usual = st.recursive(
    st.builds(Usual, types, st.just({})),
    lambda inner: st.builds(Usual, types, st.dictionaries(names, inner, max_size=2)), max_leaves=4,
)  # fmt: skip
documents = st.recursive(
    st.dictionaries(names, st.sampled_from((1, "x", None, 1.5)), max_size=3),
    lambda inner: st.dictionaries(names, inner | st.just(1), max_size=3), max_leaves=5,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(documents, usual)
def test_both_find_the_same_usual(document: dict[str, Any], expected: Usual) -> None:
    python, compiled = KERNELS
    assert python.is_usual(document, expected) == compiled.is_usual(document, expected)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.tuples(*[texts] * 4))
def test_both_write_a_note_alike(time: int, partition: int, content: int, ids: tuple[str, str, str, str]) -> None:
    python, compiled = KERNELS
    assert python.pack_note(time, partition, content, ids) == compiled.pack_note(time, partition, content, ids)


@pytest.mark.parametrize(
    ("time", "partition", "ids"),
    [
        (2**32, 0, ("e", "t", "u", "x")),
        (-1, 0, ("e", "t", "u", "x")),
        (0, -1, ("e", "t", "u", "x")),
        (0, 0, ("e" * 65_536, "t", "u", "x")),
        (0, 0, ("e", "t", "\ud800", "x")),
    ],
)
def test_neither_writes_a_note_that_does_not_fit(time: int, partition: int, ids: tuple[str, str, str, str]) -> None:
    for kernel in KERNELS:
        with pytest.raises((struct.error, OverflowError, ValueError)):
            kernel.pack_note(time, partition, 0, ids)
