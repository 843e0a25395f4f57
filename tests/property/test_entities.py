"""Entity records survive being written and read, and cannot be read from anything else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.kernel import add_count, add_distinct, remember
from engine.core.series.entity_series import add_amount
from engine.core.series.sketches import add_approx_distinct
from engine.core.state.clusters import ClusterLink
from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import RECENT_IDS, EntityRecord
from engine.core.state.records import dump_record, load_record, stored_expiry_s
from engine.core.values.hashing import hash64
from engine.errors import StateError

HOUR_MS = 3_600_000
events = st.lists(st.tuples(st.integers(0, 72 * HOUR_MS), st.integers(0, 6), st.integers(0, 9)), max_size=50)


def build(moves: list[tuple[int, int, int]]) -> EntityRecord:
    record = EntityRecord()
    for index, (ahead_ms, key, value) in enumerate(moves):
        now = record.relative(1_700_000_000_000 + ahead_ms)
        record.newest = max(record.newest, now)
        record.offset = index
        remember(record.recent, index * 7919 << 32, index, RECENT_IDS)
        if key == 0:
            add_count(record.series.counts, 10, now, 8, 2 * HOUR_MS)
        elif key == 1:
            add_distinct(record.series.distincts, 11, now, value, 8, 2 * HOUR_MS)
        elif key == 2:
            add_amount(record.series.others, 12, now, value / 4, 8, 2 * HOUR_MS)
        elif key == 3:
            record.cool(99, now, HOUR_MS)
        elif key == 4:
            add_approx_distinct(record.series.others, 13, now, hash64(str(value)), 4, 2 * HOUR_MS)
        elif key == 5:
            notes = record.contributors.setdefault(77, Contributors(HOUR_MS))
            notes.note(Contributor(now, f"e{index}", "post", f"user-{value}", "ziel-ß", value, index))
            if value == 9:
                notes.cross(now)
        else:
            link = record.links.setdefault(55, ClusterLink())
            link.label, link.until = value + 1, now + HOUR_MS
            link.see({f"user-{value}": now})
    return record


@settings(max_examples=1_000, deadline=None)
@given(events)
def test_a_record_reads_back_as_it_was_written(moves: list[tuple[int, int, int]]) -> None:
    data = dump_record(build(moves))
    again = load_record(data)
    assert dump_record(again) == data
    assert (again.offset, again.newest, again.base_ms) == (build(moves).offset, again.newest, again.base_ms)
    if moves:
        assert stored_expiry_s(data) * 1000 > again.base_ms + again.newest


@settings(max_examples=300, deadline=None)
@given(events)
def test_a_record_lives_on_when_its_scale_of_time_ends(moves: list[tuple[int, int, int]]) -> None:
    """Times are kept in 32 bits: after seven weeks they move to a later base."""
    record = build(moves)
    for day in range(40, 60):
        now = record.relative(1_700_000_000_000 + day * 24 * HOUR_MS)
        assert now is not None
        record.newest = max(record.newest, now)
        record.links.setdefault(55, ClusterLink()).until = now + 48 * HOUR_MS
        add_count(record.series.counts, 10, now, 8, 2 * HOUR_MS)
        again = load_record(dump_record(record))
        assert again.base_ms + again.newest == 1_700_000_000_000 + day * 24 * HOUR_MS


@settings(max_examples=1_000, deadline=None)
@given(events, st.data())
def test_damaged_bytes_raise_a_state_error_and_nothing_else(
    moves: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    written = bytearray(dump_record(build(moves)))
    cut = data.draw(st.integers(0, len(written)))
    flip = data.draw(st.integers(0, len(written) - 1))
    written[flip] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(written[:cut]), bytes(written), b"", b"\x00" * 7):
        try:
            load_record(damaged)
        except StateError as error:
            assert "cannot be read" in str(error)  # readable bytes are fine too
