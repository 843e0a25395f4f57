"""An entity's record as bytes."""

import struct

import pytest

from engine.core.kernel import add_count, add_distinct, remember
from engine.core.series.entity_series import add_amount
from engine.core.series.packing import HEADER
from engine.core.series.remembered import FIRST, LAST, doubt_memory, memorize
from engine.core.series.sketches import add_approx_amount, add_approx_distinct
from engine.core.state.clusters import ClusterLink
from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import MAX_LATENESS_MS, RECENT_IDS, EntityRecord
from engine.core.state.order import Order
from engine.core.state.records import VERSION, dump_record, load_record, stored_expiry_s
from engine.core.values.hashing import hash64
from engine.errors import StateError

DAY_MS = 86_400_000


def plain_record() -> EntityRecord:
    """One that has no more than every record has."""
    record = EntityRecord()
    record.relative(1_700_000_000_000)
    record.newest = 10 * DAY_MS
    record.offset, record.hops = 2**40, 7
    for key in (1, 2):
        add_count(record.series.counts, key, record.newest - key, 10, DAY_MS)
        add_distinct(record.series.distincts, key, record.newest - key, hash64("x"), 10, DAY_MS)
    remember(record.recent, 5 << 32, 6, RECENT_IDS)
    return record


def full_record() -> EntityRecord:
    """One with several of everything, of which the last one in the bytes is the order."""
    record = plain_record()
    now = record.newest
    for hit in (9, 4):
        record.meet(hit)
    for rule in (2, 1):
        record.cool(rule, now - rule, 1_000 + rule)
        notes = record.contributors[rule] = Contributors(DAY_MS)
        for at in (1, 2):
            notes.note(Contributor(now - at, f"e{at}", "post", "ann", "ben", 3, 2**63 + at))
        notes.cross(now)
        record.links[rule] = ClusterLink(rule + 5, now + rule, {"käthe": now - 2, "ann": now - rule})
    for step in (2, 1):
        add_amount(record.series.others, 8, now - step, step / 2, 10, DAY_MS)
        add_approx_amount(record.series.others, 7, now - step, 2.5, 1_000, DAY_MS)
        add_approx_distinct(record.series.others, 6, now - step, hash64(str(step)), 10, DAY_MS)
    record.series.others[8].floor = now - 9
    memorize(record.series.registers, 5, LAST, now, "DE", DAY_MS)
    memorize(record.series.registers, 4, FIRST, now - 400 * DAY_MS, "FR", 400 * DAY_MS)
    doubt_memory(record.series.registers, 4, FIRST, now, 400 * DAY_MS)
    record.order = Order(now - 3, 7, 70)
    return record


def test_all_of_a_record_survives_its_bytes() -> None:
    record = full_record()
    again = load_record(dump_record(record))
    for name in ("offset", "hops", "base_ms", "newest", "recent", "cooldowns", "links"):
        assert getattr(again, name) == getattr(record, name)
    assert list(again.acted) == [9, 4]  # in this order they are forgotten
    assert (again.series.counts, again.series.distincts) == (record.series.counts, record.series.distincts)
    for key, series in record.series.others.items():
        found = again.series.others[key]
        assert type(found) is type(series)
        assert {name: getattr(found, name) for name in ("times", "floor", "retention_ms")} == {
            name: getattr(series, name) for name in ("times", "floor", "retention_ms")
        }
        beside = "hashes" if key == 6 else "amounts"
        assert getattr(found, beside) == getattr(series, beside)
    for rule, notes in record.contributors.items():
        found_notes = again.contributors[rule]
        assert (found_notes.notes, found_notes.spans) == (notes.notes, notes.spans)
        assert found_notes.lookback_ms == notes.lookback_ms
    assert record.order is not None
    assert again.order is not None
    assert again.order.dump() == record.order.dump()
    for key, register in record.series.registers.items():
        found_register = again.series.registers[key]
        assert (found_register.runs, found_register.possible) == (register.runs, register.possible)
    assert dump_record(again) == dump_record(record)


@pytest.mark.parametrize("part", ["acted", "cooldowns", "contributors", "links", "order", "others", "registers"])
def test_a_record_with_one_more_thing_keeps_it(part: str) -> None:
    record, full = plain_record(), full_record()
    if part in ("others", "registers"):
        setattr(record.series, part, getattr(full.series, part))
    else:
        setattr(record, part, getattr(full, part))
    again = load_record(dump_record(record))
    kept = {
        "acted": again.acted, "cooldowns": again.cooldowns, "contributors": again.contributors,
        "links": again.links, "order": again.order, "others": again.series.others, "registers": again.series.registers,
    }  # fmt: skip
    assert [name for name, value in kept.items() if value] == [part]


def test_a_record_without_more_ends_with_its_recent_events() -> None:
    data = dump_record(plain_record())
    assert data[1] == 0
    assert data.endswith(struct.pack("<Q", 5 << 32 | 6))


def test_the_same_things_in_another_order_are_the_same_bytes() -> None:
    """Where the order means nothing: that of rests, series, notes and links by their keys."""
    record, other = full_record(), full_record()
    for name in ("cooldowns", "contributors", "links"):
        setattr(other, name, dict(reversed(getattr(other, name).items())))
    for name in ("others", "registers"):
        setattr(other.series, name, dict(reversed(getattr(other.series, name).items())))
    assert dump_record(other) == dump_record(record)


@pytest.mark.parametrize("record", [plain_record(), full_record()], ids=["plain", "full"])
def test_a_byte_too_few_or_too_many_is_refused(record: EntityRecord) -> None:
    data = dump_record(record)
    for damaged in (data[:-1], data + b"\0", data[: HEADER.size - 1], b""):
        with pytest.raises(StateError, match=f"record of {len(damaged)} bytes cannot be read"):
            load_record(damaged)


@pytest.mark.parametrize("version", [2, VERSION + 1])
def test_formats_that_are_too_old_or_too_new_are_refused(version: int) -> None:
    data = dump_record(plain_record())
    with pytest.raises(StateError, match=f"its format is version {version}, this engine reads versions 3 to 6"):
        load_record(bytes([version]) + data[1:])


def test_notes_of_the_version_before_have_no_hash_of_their_content() -> None:
    record = plain_record()
    note = Contributor(record.newest, "e1", "post", "ann", "ben", 3, 0)
    notes = record.contributors[1] = Contributors(DAY_MS)
    notes.note(note)
    data = dump_record(record)
    head = struct.pack("<II", record.newest, 3)
    assert data.count(head + bytes(8)) == 1
    before = bytes([3]) + data[1:-3].replace(head + bytes(8), head)
    assert load_record(before).contributors[1].notes == [note]
    with pytest.raises(StateError):
        load_record(bytes([VERSION]) + before[1:])


@pytest.mark.parametrize(
    ("expires_ms", "expires_s"),
    [
        (-2_000, 0),  # before 1970, as a producer's clock may have it
        (-1_001, 0),
        (-1_000, 0),
        (0, 1),
        (999, 1),
        (1_000, 2),
        (2**32 * 1_000 - 1_001, 2**32 - 1),
        (2**32 * 1_000 - 1_000, 2**32 - 1),
        (2**32 * 1_000, 2**32 - 1),
    ],
)
def test_the_bytes_tell_the_second_after_the_last_that_matters(expires_ms: int, expires_s: int) -> None:
    record = EntityRecord()
    record.base_ms = expires_ms - MAX_LATENESS_MS
    assert stored_expiry_s(dump_record(record)) == expires_s


def test_version_4_has_no_registers() -> None:
    record = plain_record()
    record.meet(9)
    data = dump_record(record)
    assert data.endswith(bytes(3))
    before = bytes([4]) + data[1:-3]
    again = load_record(before)
    assert (list(again.acted), again.series.registers) == ([9], {})
    assert dump_record(again) == data


def test_version_5_has_no_order() -> None:
    record = plain_record()
    record.meet(9)
    data = dump_record(record)
    again = load_record(bytes([5]) + data[1:-1])
    assert again.order is None
    assert dump_record(again) == data
