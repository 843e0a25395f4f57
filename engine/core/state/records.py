"""An entity's record as bytes, little endian:

header      version u8 | more u8 | offset i64 | hops i64 | base_ms i64 | newest u32 | expires_s u32
            | n_recent u16 | n_counts u32 | n_distincts u32
counts      n_counts x u32, as `counts.py` has them
distincts   n_distincts x u64, as `distincts.py` has them
recent      n_recent x u64          hashes of the last event ids, oldest first
if more:
numbers     n_acted u16 | n_cooldowns u16 | n_series u16 | n_contributors u16 | n_links u16
acted       n_acted x u64           hashes of the last events and rules that look back, oldest first
cooldowns   n_cooldowns x (u32 rule, u32 time, u32 lasts_ms)
series      n_series x (u32 key | u8 kind | u32 n | u32 floor | u32 retention_ms
            | n x u32 times | n x u64 hashes or n x f64 amounts)
contributors    n_contributors x (u32 rule | as `contributors.py` writes them)
links           n_links x (u32 cluster | as `clusters.py` writes them)
n_registers u16
registers       n_registers x (u32 key | as `registers.py` writes them)
has_order u8
order           as `order.py` writes it, if there is one
"""

import struct
from array import array
from collections.abc import Sized

from engine.core.kernel import pack_record, unpack_record
from engine.core.series.occurrences import OccurrenceSeries
from engine.core.series.packing import HEADER, from_bytes, to_bytes
from engine.core.series.sketches import SampledSeries
from engine.core.series.windows import SERIES_TYPES, Series, SumSeries
from engine.core.state.clusters import load_link
from engine.core.state.contributors import load_contributors
from engine.core.state.entities import NEVER, EntityRecord
from engine.core.state.order import load_order
from engine.core.state.registers import dump_register, load_register
from engine.errors import StateError

VERSION = 6
_READ = (3, 4, 5, 6)
"""Version 3 has notes without the hashes of their events' content, version 4 has no registers, version 5 no order."""
_CONTENT_SINCE, _REGISTERS_SINCE, _ORDER_SINCE = 4, 5, 6

_MORE = struct.Struct("<HHHHH")
_KEY = struct.Struct("<I")
_MANY = struct.Struct("<H")
_COOLDOWN = struct.Struct("<III")
_SERIES = struct.Struct("<IBIII")
_WITH_HASHES = (SampledSeries, OccurrenceSeries)


def dump_record(record: EntityRecord) -> bytes:
    """The record as bytes. Equal histories give equal bytes, however they were batched."""
    expires_s = record.trim() // 1000 + 1
    if not 0 <= expires_s < 2**32:
        expires_s = 0 if expires_s < 0 else 2**32 - 1
    series = record.series
    more = bool(
        series.others or series.registers or record.acted or record.cooldowns or record.contributors or record.links
        or record.order is not None
    )  # fmt: skip
    start = pack_record(
        VERSION, more, record.offset, record.hops, record.base_ms, record.newest, expires_s,
        series.counts, series.distincts, record.recent,
    )  # fmt: skip
    return b"".join((start, *_dump_more(record))) if more else start


def _dump_more(record: EntityRecord) -> list[bytes]:
    many: tuple[Sized, ...] = (record.acted, record.cooldowns, record.series.others, record.contributors, record.links)
    parts = [_MORE.pack(*map(len, many)), to_bytes(array("Q", record.acted))]
    for rule in sorted(record.cooldowns):
        parts.append(_COOLDOWN.pack(rule, *record.cooldowns[rule]))
    for key in sorted(record.series.others):
        series = record.series.others[key]
        length = len(series.times)
        parts.append(_SERIES.pack(key, series.kind, length, series.floor, series.retention_ms))
        parts.append(to_bytes(array("I", series.times)))
        if isinstance(series, _WITH_HASHES):
            parts.append(to_bytes(series.hashes))
        elif isinstance(series, SumSeries):
            parts.append(to_bytes(series.amounts))
    for rule in sorted(record.contributors):
        parts += (_KEY.pack(rule), record.contributors[rule].dump())
    for cluster in sorted(record.links):
        parts += (_KEY.pack(cluster), record.links[cluster].dump())
    registers = record.series.registers
    parts.append(_MANY.pack(len(registers)))
    for key in sorted(registers):
        parts += (_KEY.pack(key), dump_register(registers[key]))
    parts.append(b"\0" if record.order is None else b"\1" + record.order.dump())
    return parts


def load_record(data: bytes) -> EntityRecord:
    """The record that `dump_record` wrote. Raises StateError when the bytes are not such a record."""
    try:
        return _load(data)
    except (struct.error, KeyError, ValueError, IndexError) as error:
        raise StateError(f"a stored entity record of {len(data)} bytes cannot be read: {error}") from error


def stored_expiry_s(data: bytes) -> int:
    """When a stored record expires, in epoch seconds of event time, without decoding the rest."""
    return int(HEADER.unpack_from(data)[6])


def _load(data: bytes) -> EntityRecord:
    if data[0] not in _READ:
        raise ValueError(f"its format is version {data[0]}, this engine reads versions {_READ[0]} to {VERSION}")
    record = EntityRecord()
    (
        _, more, record.offset, record.hops, record.base_ms, record.newest,
        record.series.counts, record.series.distincts, record.recent, at,
    ) = unpack_record(data)  # fmt: skip
    if more:
        at = _load_more(record, data, at)
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes are left over")
    return record


def _load_more(record: EntityRecord, data: bytes, at: int) -> int:
    n_acted, n_cooldowns, n_series, n_contributors, n_links = _MORE.unpack_from(data, at)
    acted, at = from_bytes("Q", data, at + _MORE.size, n_acted)
    record.acted = dict.fromkeys(acted)
    for _ in range(n_cooldowns):
        rule, time, lasts_ms = _COOLDOWN.unpack_from(data, at)
        record.cooldowns[rule] = (time, lasts_ms)
        at += _COOLDOWN.size
    for _ in range(n_series):
        key, kind, length, floor, retention_ms = _SERIES.unpack_from(data, at)
        series: Series = SERIES_TYPES[kind](retention_ms)
        series.floor = floor
        times, at = from_bytes("I", data, at + _SERIES.size, length)
        series.times = times.tolist()
        if isinstance(series, _WITH_HASHES):
            series.hashes, at = from_bytes("Q", data, at, length)
        elif isinstance(series, SumSeries):
            series.amounts, at = from_bytes("d", data, at, length)
        record.series.others[key] = series
    for _ in range(n_contributors):
        (rule,) = _KEY.unpack_from(data, at)
        record.contributors[rule], at = load_contributors(data, at + _KEY.size, data[0] >= _CONTENT_SINCE)
    for _ in range(n_links):
        (cluster,) = _KEY.unpack_from(data, at)
        record.links[cluster], at = load_link(data, at + _KEY.size)
    if data[0] < _REGISTERS_SINCE:
        return at
    (n_registers,) = _MANY.unpack_from(data, at)
    at += _MANY.size
    for _ in range(n_registers):
        (key,) = _KEY.unpack_from(data, at)
        record.series.registers[key], at = load_register(data, at + _KEY.size)
    if data[0] < _ORDER_SINCE:
        return at
    if data[at]:
        record.order, at = load_order(data, at + 1)
        return at
    return at + 1


def unapplied(data: bytes) -> bytes:
    """A stored record, to which no message of its partition has been applied yet. Raises StateError."""
    if len(data) < HEADER.size:
        raise StateError(f"a stored entity record of {len(data)} bytes cannot be read: it ends too early")
    fields = list(HEADER.unpack_from(data))
    fields[2:4] = NEVER, NEVER
    return HEADER.pack(*fields) + data[HEADER.size :]
