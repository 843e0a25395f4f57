"""One entity's whole memory: all of its series in one compact binary record.

One record means one read, one write and one changelog message per entity and batch, however many
counters a rulebook declares. The record describes itself: it can be read, trimmed and expired without
the rulebook that wrote it, and series that the current rulebook does not know are kept until they
expire, so a rolled-back edit finds its counters as they were.

Layout, little endian:

    header      version u8 | reserved u8 | offset i64 | hops i64 | base_ms i64 | newest u32 | expires_s u32
                | n_recent u16 | n_cooldowns u16 | n_series u16 | n_contributors u16 | n_links u16 | n_acted u16
    recent      n_recent x u64              hashes of the last event ids, oldest first
    acted       n_acted x u64               hashes of the last events and rules that look back, oldest first
    cooldowns   n_cooldowns x (u32 rule, u32 time, u32 lasts_ms)
    series      n_series x (u32 key | u8 kind | u16 n | u32 floor | u32 exact_from | u32 retention_ms
                | n x u32 times [| n x u64 hashes] [| n x f64 amounts])
    contributors    n_contributors x (u32 rule | as `contributors.py` writes them)
    links           n_links x (u32 cluster | as `clusters.py` writes them)
"""

import struct
import sys
from array import array
from collections.abc import Sized

from engine.core.clusters import Link, load_link
from engine.core.contributors import Contributors, load_contributors
from engine.core.windows import SERIES_TYPES, CountSeries, DistinctSeries, SeriesByKey, SumSeries
from engine.errors import StateError

VERSION = 2
NEVER = -1
"""The offset of a record to which no message of that topic has been applied yet."""

MAX_WINDOW_MS = 30 * 86_400_000
MAX_LATENESS_MS = 86_400_000
"""An event later than this changes nothing: what it would need may have been dropped."""

RECENT_IDS = 64
"""How many event ids an entity remembers in order to recognise an event that a producer sent twice."""

MAX_KEY_CHARS = 256
"""Longer keys of entities are hashed."""

_BASE_LEAD_MS = 2 * MAX_LATENESS_MS
_MAX_RELATIVE_MS = 2**32 - 1
_AHEAD_MS = 3 * MAX_LATENESS_MS
"""Room for times that lie ahead of an event: how long a cluster's links last."""

_HEADER = struct.Struct("<BBqqqIIHHHHHH")
_KEY = struct.Struct("<I")
_COOLDOWN = struct.Struct("<III")
_SERIES = struct.Struct("<IBHIII")
_BIG_ENDIAN = sys.byteorder == "big"


class EntityRecord:
    """The mutable state of one entity. Times inside are milliseconds after `base_ms`.

    `offset` and `hops` are the last messages applied to it, of the events and of the hops topic.
    """

    __slots__ = (
        "acted", "base_ms", "contributors", "cooldowns", "hops", "links", "newest", "offset", "pending_writes",
        "recent", "series",
    )  # fmt: skip

    def __init__(self) -> None:
        self.offset = NEVER
        self.hops = NEVER
        self.base_ms = 0
        self.newest = 0
        self.recent: dict[int, None] = {}  # event id hashes, oldest first
        self.acted: dict[int, None] = {}  # hashes of events and rules, oldest first
        self.cooldowns: dict[int, tuple[int, int]] = {}
        self.series: SeriesByKey = {}
        self.contributors: dict[int, Contributors] = {}  # by rule
        self.links: dict[int, Link] = {}  # by cluster
        self.pending_writes = 0  # batches computed on this record and not yet durable: do not evict

    def relative(self, ts_ms: int) -> int | None:
        """The event time on this record's own scale; None when it lies before all that is kept."""
        if not self.base_ms:
            self.base_ms = ts_ms - _BASE_LEAD_MS
        now = ts_ms - self.base_ms
        if now > _MAX_RELATIVE_MS - _AHEAD_MS:
            self._rebase(ts_ms - MAX_WINDOW_MS - _BASE_LEAD_MS)
            now = ts_ms - self.base_ms
        return now if now >= 0 else None

    def remember(self, event_hash: int) -> bool:
        """Enter an event id; False when it is there already, so that the event counts once."""
        return _enter(self.recent, event_hash)

    def meet(self, hit_hash: int) -> bool:
        """Enter an event that a rule with a lookback meets; False when it has been met, here or at a recall."""
        return _enter(self.acted, hit_hash)

    def cooling(self, rule: int, now: int) -> bool:
        """Whether `rule` acted on this entity so recently that it must rest."""
        last = self.cooldowns.get(rule)
        if last is None or sum(last) < self.newest - MAX_LATENESS_MS:
            return False  # over for so long that `trim` may have dropped it
        return abs(now - last[0]) < last[1]

    def cool(self, rule: int, now: int, lasts_ms: int) -> None:
        """The rule has acted: it rests for `lasts_ms` of event time. A later rest is not cut short."""
        if rule not in self.cooldowns or now >= self.cooldowns[rule][0]:
            self.cooldowns[rule] = (now, lasts_ms)

    def trim(self) -> None:
        """Drop whatever no later answer can depend on."""
        oldest = self.newest - MAX_LATENESS_MS
        for key, series in list(self.series.items()):
            series.trim()
            if not series.times or series.times[-1] + series.retention_ms < oldest:
                del self.series[key]
        if self.cooldowns:
            self.cooldowns = {
                rule: (time, lasts_ms) for rule, (time, lasts_ms) in self.cooldowns.items() if time + lasts_ms >= oldest
            }
        for rule, contributors in list(self.contributors.items()):
            contributors.trim(oldest - contributors.lookback_ms)
            if not contributors.notes and not contributors.spans:
                del self.contributors[rule]
        for cluster, link in list(self.links.items()):
            link.prune(oldest)
            if not link.users and link.until < oldest:
                del self.links[cluster]

    def expires_at_ms(self) -> int:
        """The event time after which nothing in this record can matter."""
        longest = max([series.retention_ms for series in self.series.values()], default=0)
        resting = max([lasts_ms for _, lasts_ms in self.cooldowns.values()], default=0)
        looking_back = max([one.lookback_ms for one in self.contributors.values()], default=0)
        return self.base_ms + self.newest + max(longest, resting, looking_back) + MAX_LATENESS_MS

    def _rebase(self, base_ms: int) -> None:
        by_ms = base_ms - self.base_ms
        self.base_ms = base_ms
        self.newest = max(0, self.newest - by_ms)
        for series in self.series.values():
            series.shift(by_ms)
        for contributors in self.contributors.values():
            contributors.shift(by_ms)
        for link in self.links.values():
            link.shift(by_ms)
        self.cooldowns = {
            rule: (time - by_ms, lasts_ms) for rule, (time, lasts_ms) in self.cooldowns.items() if time >= by_ms
        }


def _enter(known: dict[int, None], one: int) -> bool:
    if one in known:
        return False
    known[one] = None
    if len(known) > RECENT_IDS:
        del known[next(iter(known))]
    return True


def dump_record(record: EntityRecord) -> bytes:
    """The record as bytes. Equal histories give equal bytes, however they were batched."""
    record.trim()
    recent, cooldowns, all_series = record.recent, record.cooldowns, record.series
    expires_s = min(max(record.expires_at_ms() // 1000 + 1, 0), 2**32 - 1)
    many: tuple[Sized, ...] = (recent, cooldowns, all_series, record.contributors, record.links, record.acted)
    parts = [
        _HEADER.pack(VERSION, 0, record.offset, record.hops, record.base_ms, record.newest, expires_s, *map(len, many)),
        _to_bytes(array("Q", recent)),
        _to_bytes(array("Q", record.acted)),
    ]
    if cooldowns:
        parts += [_COOLDOWN.pack(rule, *cooldowns[rule]) for rule in sorted(cooldowns)]
    for key in sorted(all_series):
        series = all_series[key]
        head = _SERIES.pack(key, series.kind, len(series.times), series.floor, series.exact_from, series.retention_ms)
        parts += (head, _to_bytes(series.times))
        if isinstance(series, DistinctSeries):
            parts.append(_to_bytes(series.hashes))
        elif isinstance(series, SumSeries):
            parts.append(_to_bytes(series.amounts))
    for rule in sorted(record.contributors):
        parts += (_KEY.pack(rule), record.contributors[rule].dump())
    for cluster in sorted(record.links):
        parts += (_KEY.pack(cluster), record.links[cluster].dump())
    return b"".join(parts)


def load_record(data: bytes) -> EntityRecord:
    """The record that `dump_record` wrote. Raises StateError when the bytes are not such a record."""
    try:
        return _load(data)
    except (struct.error, KeyError, ValueError, IndexError) as error:
        raise StateError(f"a stored entity record of {len(data)} bytes cannot be read: {error}") from error


def stored_expiry_s(data: bytes) -> int:
    """When a stored record expires, in epoch seconds of event time, without decoding the rest."""
    return int(_HEADER.unpack_from(data)[6])


def _load(data: bytes) -> EntityRecord:
    record = EntityRecord()
    version, _, record.offset, record.hops, record.base_ms, record.newest, _, *counts = _HEADER.unpack_from(data)
    n_recent, n_cooldowns, n_series, n_contributors, n_links, n_acted = counts
    if version != VERSION:
        raise ValueError(f"its format is version {version}, this engine reads version {VERSION}")
    at = _HEADER.size
    recent, at = _from_bytes("Q", data, at, n_recent)
    record.recent = dict.fromkeys(recent)
    acted, at = _from_bytes("Q", data, at, n_acted)
    record.acted = dict.fromkeys(acted)
    for _ in range(n_cooldowns):
        rule, time, lasts_ms = _COOLDOWN.unpack_from(data, at)
        record.cooldowns[rule] = (time, lasts_ms)
        at += _COOLDOWN.size
    for _ in range(n_series):
        key, kind, length, floor, exact_from, retention_ms = _SERIES.unpack_from(data, at)
        at += _SERIES.size
        series: CountSeries = SERIES_TYPES[kind](retention_ms)
        series.floor, series.exact_from = floor, exact_from
        series.times, at = _from_bytes("I", data, at, length)
        if isinstance(series, DistinctSeries):
            series.hashes, at = _from_bytes("Q", data, at, length)
        elif isinstance(series, SumSeries):
            amounts, at = _from_bytes("d", data, at, length)
            series.amounts = array("d", amounts)
        record.series[key] = series
    for _ in range(n_contributors):
        (rule,) = _KEY.unpack_from(data, at)
        record.contributors[rule], at = load_contributors(data, at + _KEY.size)
    for _ in range(n_links):
        (cluster,) = _KEY.unpack_from(data, at)
        record.links[cluster], at = load_link(data, at + _KEY.size)
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes are left over")
    return record


def _to_bytes(values: "array[int] | array[float]") -> bytes:
    if _BIG_ENDIAN:
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _from_bytes(code: str, data: bytes, at: int, length: int) -> "tuple[array[int], int]":
    values: array[int] = array(code)
    end = at + length * values.itemsize
    if end > len(data):
        raise ValueError("it ends too early")
    values.frombytes(data[at:end])
    if _BIG_ENDIAN:
        values.byteswap()
    return values, end
