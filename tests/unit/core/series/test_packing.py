"""The start of a record as bytes, in Python and as it serves."""

from array import array
from types import ModuleType

import pytest

from engine.core import kernel
from engine.core.series import packing
from engine.core.series.counts import new_counts
from engine.core.series.distincts import new_distincts
from engine.core.series.packing import HEADER, from_bytes, to_bytes

MODULES = pytest.mark.parametrize("module", [packing, kernel], ids=["python", "as it serves"])


def parts() -> tuple["array[int]", "array[int]", "array[int]"]:
    counted, distinct = new_counts(), new_distincts()
    kernel.add_count(counted, 1, 100, 10, 1_000)
    kernel.add_distinct(distinct, 1, 100, 2**63, 10, 1_000)
    return counted, distinct, array("Q", [7, 2**64 - 1])


@MODULES
def test_it_reads_as_it_was_written(module: ModuleType) -> None:
    head = 4, 1, -1, 2**40, 1_700_000_000_000, 2**32 - 1
    data = module.pack_record(*head, 9, *parts())
    assert HEADER.unpack_from(data)[6] == 9
    assert module.unpack_record(data + b"more") == (*head, *parts(), len(data))
    with pytest.raises(ValueError, match="ends too early"):
        module.unpack_record(data[:-1])


@MODULES
def test_an_empty_record_is_its_header_and_the_numbers_of_its_series(module: ModuleType) -> None:
    data = module.pack_record(4, 0, 0, 0, 0, 0, 0, new_counts(), new_distincts(), array("Q"))
    assert len(data) == HEADER.size + 4 + 8
    assert module.unpack_record(data)[6:] == (new_counts(), new_distincts(), array("Q"), len(data))


@MODULES
def test_a_header_alone_has_no_series_and_is_refused(module: ModuleType) -> None:
    header = HEADER.pack(4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    for data in (header, header[:-1], b""):
        with pytest.raises(ValueError, match=r"ends too early|do not fill their room"):
            module.unpack_record(data)


@MODULES
@pytest.mark.parametrize("place", [0, 1])
def test_series_that_do_not_fill_their_room_are_refused(module: ModuleType, place: int) -> None:
    several = parts()
    several[place].append(5)
    data = module.pack_record(4, 0, 0, 0, 0, 0, 0, *several)
    with pytest.raises(ValueError, match="do not fill their room"):
        module.unpack_record(data)


def test_numbers_are_little_endian_and_end_where_the_next_begin() -> None:
    data = b"xx" + to_bytes(array("I", [1, 258]))
    assert data == b"xx\1\0\0\0\2\1\0\0"
    assert from_bytes("I", data, 2, 2) == (array("I", [1, 258]), len(data))
    with pytest.raises(ValueError, match="ends too early"):
        from_bytes("I", data, 2, 3)
    with pytest.raises(ValueError, match="ends too early"):
        from_bytes("I", data, 3, 2)
