"""Keys and numbers come back as they went, and what is too much, cut off or of no known kind is refused."""

import struct
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.learning import packed
from engine.learning.packed import (
    Room,
    array_of,
    distinct,
    ends_of,
    items_of,
    keys_in,
    keys_out,
    measure,
    numbers_in,
    numbers_out,
)


def lengths(*sizes: int) -> bytes:
    return struct.pack(f"<{len(sizes)}I", *sizes)


def test_there_is_room_for_the_last_entry_and_none_for_another() -> None:
    room = Room(3)
    room.take(1)
    room.take(2)
    with pytest.raises(ValueError, match="too many"):
        room.take(1)


@pytest.mark.parametrize(
    "keys",
    [
        [], ["a"], ["a", "", "ü", "\ud800"], [0, -7, 10**29], [True, False], [0.5, -1e300], [None],
        [("a",), ("a", "b"), ("x",) * 247], ["a", 1, True, 1.5, None, ("b", "c"), ""],
    ],
    ids=range(9),
)  # fmt: skip
def test_keys_come_back_with_their_types(keys: list[Any]) -> None:
    found = keys_in(keys_out(keys), Room(1_000))
    assert found == keys
    assert list(map(type, found)) == list(map(type, keys))


def test_keys_that_are_all_texts_need_no_types() -> None:
    assert keys_out(["a", "bc"]) == [b"", lengths(1, 2), b"abc"]
    assert keys_out(["a", 7]) == [b"\0\1", lengths(1, 1), b"a7"]
    assert keys_out([("a", "bc")]) == [b"\x0a", lengths(1, 2), b"abc"]


@pytest.mark.parametrize("key", [(), ("x",) * 248, ("a", 1), b"a", ["a"]], ids=range(5))
def test_another_kind_of_key_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="no name of a feature"):
        keys_out([key])


@pytest.mark.parametrize(
    "data",
    [
        ["", lengths(1), b"a"],
        [b"", lengths(1), "a"],
        [b"", lengths(2), b"a"],
        [b"", lengths(1), b"ab"],
        [b"\0", lengths(1, 1), b"ab"],
        [b"\0\0", lengths(1), b"a"],
        [b"\x0a", lengths(1), b"a"],
        [b"\1", lengths(2), b"01"],
        [b"\1", lengths(4), b"True"],
        [b"\2", lengths(1), b"1"],
        [b"\3", lengths(1), b"1"],
        [b"\4", lengths(4), b"True"],
        [b"\1", lengths(31), b"1" * 31],
        [b"", lengths(1)],
        [b"\0", lengths(1), b"a"],
        *([bytes([kind]), lengths(4), b"None"] for kind in (5, 6, 7, 8)),
    ],
    ids=range(19),
)
def test_keys_that_were_not_written_so_are_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        keys_in(data, Room(1_000))


def test_a_number_may_have_thirty_digits_and_a_text_more() -> None:
    assert keys_in([b"\1", lengths(30), b"1" * 30], Room(9)) == [int("1" * 30)]
    assert keys_in(keys_out(["a" * 31, 1]), Room(9)) == ["a" * 31, 1]


@pytest.mark.parametrize(("keys", "needed"), [(["a", "b"], 3), ([1, 2], 5)])
def test_keys_and_their_types_take_room(keys: list[Any], needed: int) -> None:
    assert keys_in(keys_out(keys), Room(needed)) == keys
    with pytest.raises(ValueError, match="too many"):
        keys_in(keys_out(keys), Room(needed - 1))


@pytest.mark.parametrize(
    ("numbers", "code"),
    [([], "q"), ([1, -2], "q"), ([1, 0.5], "d"), ([np.int64(3)], "q"), ([np.float64(0.5)], "d"), ([2.0], "d")],
)
def test_numbers_are_whole_only_when_all_of_them_are(numbers: list[Any], code: str) -> None:
    data = numbers_out(numbers)
    assert data[0] == code
    assert numbers_in(data, Room(len(numbers))) == numbers


def test_numbers_take_room_and_may_be_the_least_one() -> None:
    data = numbers_out([0, 1], 0)
    assert numbers_in(data, Room(2), 0) == [0, 1]
    with pytest.raises(ValueError, match="too many"):
        numbers_in(data, Room(1), 0)
    with pytest.raises(ValueError, match="no learner has"):
        numbers_in(data, Room(2), 1)


@pytest.mark.parametrize("numbers", [["1"], [1, None], [float("nan")], [1.0, float("inf")], [-1], [-1e-9]])
def test_what_is_no_number_of_a_learner_is_not_written(numbers: list[Any]) -> None:
    with pytest.raises(ValueError):
        numbers_out(numbers, 0)


def test_numbers_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="no known kind"):
        numbers_in(["i", b"\0" * 8], Room(9))


_WHOLE: list[Any] = [
    None, True, False, 0, 127, 128, 255, 256, 65_536, 2**32, 2**64 - 1, -1, -32, -33, -129, -40_000, -(2**40), 0.5,
    "", "a" * 15, "a" * 16, "a" * 31, "a" * 32, "a" * 256, "a" * 65_536, b"", b"a" * 255, b"a" * 256, b"a" * 65_536,
    [], [0] * 15, [0] * 16, [0] * 65_536, {}, {1: 2}, dict.fromkeys(range(15), 0), dict.fromkeys(range(16), 0),
    dict.fromkeys(range(65536), 0), [[1, "a"], {"b": [2, b"c"]}, [], 3],
]  # fmt: skip


@pytest.mark.parametrize("value", _WHOLE, ids=range(len(_WHOLE)))
def test_the_outline_of_a_value_is_seen_to_its_end(value: Any) -> None:
    data = msgspec.msgpack.encode(value)
    measure(data)
    for wrong in (data + b"\0", *(data[:end] for end in {*range(min(9, len(data))), len(data) - 1})):
        with pytest.raises(ValueError):
            measure(wrong)


def test_a_short_float_is_measured_too() -> None:
    measure(b"\xca" + b"\0" * 4)
    with pytest.raises(ValueError):
        measure(b"\xca" + b"\0" * 3)


@pytest.mark.parametrize("tag", [0xC1, 0xC7, 0xC8, 0xC9, 0xD4, 0xD5, 0xD8])
def test_values_of_an_unknown_kind_are_refused(tag: int) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        measure(bytes([tag]) + b"\0" * 20)


def test_nesting_ends_at_its_limit() -> None:
    measure(b"\x91" * (packed.MAX_NESTING - 1) + b"\xc0")
    with pytest.raises(ValueError, match="nested too deeply"):
        measure(b"\x91" * packed.MAX_NESTING + b"\xc0")


def test_bytes_and_entries_end_at_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_ENTRIES", 4)
    measure(b"\x93\0\0\0")
    with pytest.raises(ValueError, match="too many entries"):
        measure(b"\x94\0\0\0\0")
    monkeypatch.setattr(packed, "MAX_BYTES", 4)
    measure(b"\xa3abc")
    with pytest.raises(ValueError, match="the limit is 4"):
        measure(b"\xa4abcd")


def test_small_parts_are_what_they_say() -> None:
    assert distinct(["a", "b"]) == ["a", "b"]
    assert items_of([1, 2], 2) == [1, 2]
    assert array_of(b"\1\0\0\0", "<u4").tolist() == [1]
    assert ends_of(lengths(2, 0, 3)) == [0, 2, 2, 5]


def test_small_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        distinct(["a", "a"])
    for wrong in ((1, 2), [1], [1, 2, 3]):
        with pytest.raises(ValueError, match="no list of 2"):
            items_of(wrong, 2)
    with pytest.raises(ValueError, match="not bytes"):
        array_of([1], "<u4")
