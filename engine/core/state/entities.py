"""One entity's whole memory: all of its series in one compact binary record.

One record means one read, one write and one changelog message per entity and batch, however many
counters a rulebook declares. The record describes itself: it can be read, trimmed and expired without
the rulebook that wrote it, and series that the current rulebook does not know are kept until they
expire, so a rolled-back edit finds its counters as they were.

The bytes are in `records.py`.
"""

from array import array

from engine.core.kernel import trim_counts, trim_distincts
from engine.core.series.entity_series import EntitySeries, trim_others
from engine.core.series.remembered import trim_registers
from engine.core.state.clusters import ClusterLink
from engine.core.state.contributors import Contributors
from engine.core.state.order import Order

NEVER = -1
"""The offset of a record to which no message of that topic has been applied yet."""

MAX_WINDOW_MS = 30 * 86_400_000
MAX_KEEP_MS = 400 * 86_400_000
"""How long an entity may be silent, and what it remembers is kept."""
MAX_LATENESS_MS = 86_400_000
"""What an event later than this would need may have been dropped: its counters give lower bounds."""

RECENT_IDS = 64
"""How many events an entity remembers in order to recognise one that a producer sent twice."""

MAX_KEY_CHARS = 256
"""Longer keys of entities are hashed."""

_BASE_LEAD_MS = 2 * MAX_LATENESS_MS
_AHEAD_MS = 3 * MAX_LATENESS_MS
"""Room for times that lie ahead of an event: how long a cluster's links last."""
USUAL_RELATIVE_MS = 2**32 - 1 - _AHEAD_MS
"""Up to here a time needs no other base."""


class EntityRecord:
    """The mutable state of one entity. Times inside are milliseconds after `base_ms`.

    `offset` and `hops` are the last messages applied to it, of the events and of the hops topic.
    """

    __slots__ = (
        "acted", "base_ms", "contributors", "cooldowns", "hops", "is_provisional", "links", "newest", "offset", "order",
        "pending_writes", "recent", "series",
    )  # fmt: skip

    def __init__(self) -> None:
        self.offset = NEVER
        self.hops = NEVER
        self.base_ms = 0
        self.newest = 0
        self.order: Order | None = None  # of a user; None: events in the order of their times, and nothing later
        self.recent = array("Q")  # event id hashes, oldest first
        self.acted: dict[int, None] = {}  # hashes of events and rules, oldest first
        self.cooldowns: dict[int, tuple[int, int]] = {}
        self.series = EntitySeries()
        self.contributors: dict[int, Contributors] = {}  # by rule
        self.links: dict[int, ClusterLink] = {}  # by cluster
        self.is_provisional = True  # it may be: whether it is, the budget of entities knows
        self.pending_writes = 0  # batches computed on this record and not yet durable: do not evict

    def relative(self, ts_ms: int) -> int:
        """The event time on this record's own scale; the earliest there is when it lies before all that is kept."""
        if not self.base_ms:
            self.base_ms = ts_ms - _BASE_LEAD_MS
        now = ts_ms - self.base_ms
        if now > USUAL_RELATIVE_MS:
            self._rebase(ts_ms - MAX_WINDOW_MS - _BASE_LEAD_MS)
            now = ts_ms - self.base_ms
        return now if now > 0 else 0

    def meet(self, hit_hash: int) -> bool:
        """Enter an event that a rule with a lookback meets; False when it has been met, here or retroactively."""
        if hit_hash in self.acted:
            return False
        self.acted[hit_hash] = None
        if len(self.acted) > RECENT_IDS:
            del self.acted[next(iter(self.acted))]
        return True

    def cooling(self, rule: int, now: int) -> bool:
        """Whether `rule` acted on this entity so recently that it must rest."""
        last = self.cooldowns.get(rule)
        if last is None:
            return False
        time, lasts_ms = last
        if time + lasts_ms < self.newest - MAX_LATENESS_MS:
            return False  # over for so long that `trim` may have dropped it
        return -lasts_ms < now - time < lasts_ms

    def cool(self, rule: int, now: int, lasts_ms: int) -> None:
        """The rule has acted: it rests for `lasts_ms` of event time. A later rest is not cut short."""
        if rule not in self.cooldowns or now >= self.cooldowns[rule][0]:
            self.cooldowns[rule] = (now, lasts_ms)

    def forget(self, user_id: str) -> None:
        """Drop what names a user. Hashes of him stay in counters of distinct users until their windows have passed."""
        for contributors in self.contributors.values():
            contributors.forget(user_id)
        for link in self.links.values():
            link.users.pop(user_id, None)
        for register in self.series.registers.values():
            register.forget(user_id)

    def trim(self) -> int:
        """Drop whatever no later answer can depend on. Returns the event time, in epoch ms, after which nothing
        in this record can matter."""
        oldest, series = self.newest - MAX_LATENESS_MS, self.series
        longest = trim_counts(series.counts, oldest)
        if series.distincts[0]:
            longest = max(longest, trim_distincts(series.distincts, oldest))
        if series.others:
            longest = max(longest, trim_others(series.others, oldest))
        if series.registers:
            longest = max(longest, trim_registers(series.registers, oldest))
        if self.cooldowns:
            over: list[int] = []
            for rule, (time, lasts_ms) in self.cooldowns.items():
                if time + lasts_ms < oldest:
                    over.append(rule)
                elif lasts_ms > longest:
                    longest = lasts_ms
            for rule in over:
                del self.cooldowns[rule]
        if self.contributors:
            for rule, contributors in list(self.contributors.items()):
                contributors.trim(oldest - contributors.lookback_ms)
                if not contributors.notes and not contributors.spans:
                    del self.contributors[rule]
                elif contributors.lookback_ms > longest:
                    longest = contributors.lookback_ms
        if self.links:
            for cluster, link in list(self.links.items()):
                link.prune(oldest)
                if not link.users and link.until < oldest:
                    del self.links[cluster]
        return self.base_ms + self.newest + longest + MAX_LATENESS_MS

    def _rebase(self, base_ms: int) -> None:
        by_ms = base_ms - self.base_ms
        self.base_ms = base_ms
        self.newest = max(0, self.newest - by_ms)
        if self.order is not None:
            self.order.newest = max(0, self.order.newest - by_ms)
        self.series.shift(by_ms)
        for contributors in self.contributors.values():
            contributors.shift(by_ms)
        for link in self.links.values():
            link.shift(by_ms)
        self.cooldowns = {
            rule: (time - by_ms, lasts_ms) for rule, (time, lasts_ms) in self.cooldowns.items() if time >= by_ms
        }
