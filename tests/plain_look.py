"""A simulated day and a plain look at it: all that has happened stands in lists, and each signal of `RULES` is looked
up in them, as slowly as it is written."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import orjson

from engine.sim.world import SimulatedModerator, simulate_day
from engine.stream.offline.arrivals import Arrival

HOUR_MS = 3_600_000
SILENT_MS, TOLERANCE_MS = HOUR_MS, 120_000
RULES = """
version: 1
fields: {amount: number, urls: list}
sequences:
  guessed:  {steps: [{event: login_fail, times: 2}, login_ok], within: 12h, by: ip_prefix}
  restless: {steps: [like, follow, post], within: 6h, by: device_id, without: comment}
  silent:   {after: login_ok, none: [post, comment, like, follow, message], within: 1h, by: user_id}
values:
  idle:          {age: last, of: any, by: user_id, keep: 2d}
  last_amount:   {last: amount, of: payment, by: ip_prefix, keep: 2d}
  first_post:    {age: first, of: post, by: [user_id, device_id], keep: 2d, warm: 2h}
counters:
  posts_1h:      {count: post, by: user_id, over: 1h, cap: 1000}
  user_spam:     {count: label.spam, by: user_id, over: 12h, cap: 1000}
  network_spam:  {count: label.spam, by: ip_prefix, over: 6h, cap: 1000}
  guilty:        {distinct: user_id, of: label.spam, by: ip_prefix, over: 6h, cap: 1000}
  cleared:       {count: label.ham, by: [user_id, device_id], over: 12h, cap: 1000}
  young_here:     {count: hit.young, by: ip_prefix, over: 6h, cap: 1000}
  acted_here:    {count: action.any, by: [user_id, ip_prefix], over: 6h, cap: 1000}
  unheard:       {count: absent.silent, by: user_id, over: 6h, cap: 1000}
  received:      {count: [like, follow], by: target_id, over: 6h, read_by: user_id, cap: 1000}
  returned:      {count: [like, follow, message], by: [user_id, target_id], over: 1d, read_by: [target_id, user_id]}
  largest:       {max: amount, of: [payment, refund], by: ip_prefix, over: 6h, cap: 1000}
  usual:         {mean: amount, of: payment, by: user_id, over: 1d, before: true, cap: 1000}
  rhythm:        {stdev: gap, of: api_call, by: device_id, over: 1h, at_least: 3, cap: 1000}
  triers:        {distinct: user_id, of: login_fail, by: ip_prefix, over: 1h, having: {at_least: 2, at_most: 6}}
marks: {young: {by: device_id, for: 6h}}
derived: {is_young_here: marked.young}
rules:
  young:
    event: post
    when: [event.author.account_age_days < 10]
    then: [{limit: posting}, {mark: young}]
    mode: enforce
"""
Happened = tuple[int, Mapping[str, Any]]
Key = tuple[Any, ...]


def name_of(event: Mapping[str, Any], part: str) -> Any:
    """What an event names: the networks of the day are those of 256 addresses."""
    return event["ip"].rpartition(".")[0] if part == "ip_prefix" else event.get(part)


@dataclass
class PlainLook:
    """All that has happened so far, by kind and by whom it names."""

    happened: dict[Key, list[Happened]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    logins: list[Mapping[str, Any]] = field(default_factory=list)
    clock_ms: int = 0

    def enter(self, kind: str, ts_ms: int, event: Mapping[str, Any]) -> None:
        """Under all that any signal looks by."""
        for parts in (
            ("user_id",), ("device_id",), ("ip_prefix",), ("target_id",), ("user_id", "device_id"),
            ("user_id", "ip_prefix"), ("user_id", "target_id"),
        ):  # fmt: skip
            named = tuple(name_of(event, part) for part in parts)
            if None not in named:
                self.happened[kind, parts, named].append((ts_ms, event))

    def look(
        self, event: Mapping[str, Any], kinds: Sequence[str], by: Sequence[str], over_ms: int,
        read_by: Sequence[str] = (), is_before: bool = False,
    ) -> list[Happened] | None:  # fmt: skip
        """What lies in the window before an event, by time; None: the event does not name the entity."""
        named = tuple(name_of(event, part) for part in read_by or by)
        if None in named:
            return None
        ts_ms = event["ts"]
        found = [
            one for kind in kinds for one in self.happened.get((kind, tuple(by), named), ())
            if ts_ms - over_ms < one[0] <= ts_ms and not (is_before and one[1] is event)
        ]  # fmt: skip
        return sorted(found, key=lambda one: one[0])

    def end_waits(self) -> None:
        """Logins after which nothing was heard of their user in time, once it is late enough to know."""
        for login in list(self.logins):
            due_ms = login["ts"] + SILENT_MS
            if due_ms >= self.clock_ms - 2 * TOLERANCE_MS:
                continue
            self.logins.remove(login)
            heard = [
                ts_ms for kind in ("post", "comment", "like", "follow", "message")
                for ts_ms, _ in self.happened.get((kind, ("user_id",), (login["user_id"],)), ())
            ]  # fmt: skip
            if not any(login["ts"] < ts_ms <= due_ms for ts_ms in heard):
                self.enter("silent", due_ms, login)

    def arrive(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What is known at an event; then what comes of it."""
        is_late, self.clock_ms = event["ts"] < self.clock_ms, max(self.clock_ms, event["ts"])
        self.end_waits()
        known = self._remembered(event) | {"is_late": is_late}
        self.events[event["event_id"]] = event
        self.enter(event["type"], event["ts"], event)
        self.enter("any", event["ts"], event)
        if event["type"] == "login_ok":
            self.logins.append(event)
        known |= {name: signal(self, event) for name, signal in SIGNALS.items()}
        if event["type"] == "post" and event["author"]["account_age_days"] < 10:
            self.enter("young", event["ts"], event)
            for _ in ("limit", "mark"):
                self.enter("action", event["ts"], event)
        return known

    def label(self, label: Mapping[str, Any]) -> None:
        """A verdict enters at its own time."""
        self.enter(f"label.{label['label']}", label["ts"], self.events[label["event_id"]])

    def _remembered(self, event: Mapping[str, Any]) -> dict[str, Any]:
        ts_ms = event["ts"]
        own = self.look(event, ["any"], ["user_id"], 48 * HOUR_MS) or [(ts_ms, event)]
        posts = self.look(event, ["post"], ["user_id", "device_id"], 48 * HOUR_MS)
        paid = self.look(event, ["payment"], ["ip_prefix"], 48 * HOUR_MS)
        return {
            "idle": ts_ms - own[-1][0] if own[-1][1] is not event else None,
            "first_post": ts_ms - posts[0][0] if posts else None,
            "last_amount": paid[-1][1]["amount"] if paid else None,
        }


def counted(*kinds: str, by: Sequence[str], hours: int, read_by: Sequence[str] = ()) -> Callable[..., int | None]:
    """How many lie in the window."""

    def count(seen: PlainLook, event: Mapping[str, Any]) -> int | None:
        found = seen.look(event, kinds, by, hours * HOUR_MS, read_by)
        return None if found is None else len(found)

    return count


def guilty(seen: PlainLook, event: Mapping[str, Any]) -> int:
    found = seen.look(event, ["label.spam"], ["ip_prefix"], 6 * HOUR_MS) or []
    return len({about["user_id"] for _, about in found})


def largest(seen: PlainLook, event: Mapping[str, Any]) -> float | None:
    found = seen.look(event, ["payment", "refund"], ["ip_prefix"], 6 * HOUR_MS) or []
    return max((about["amount"] for _, about in found), default=None)


def usual(seen: PlainLook, event: Mapping[str, Any]) -> float | None:
    found = seen.look(event, ["payment"], ["user_id"], 24 * HOUR_MS, is_before=True) or []
    return statistics.fmean(about["amount"] for _, about in found) if found else None


def rhythm(seen: PlainLook, event: Mapping[str, Any]) -> float | None:
    found = seen.look(event, ["api_call"], ["device_id"], HOUR_MS) or []
    times = [ts_ms for ts_ms, _ in found]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return statistics.stdev(gaps) if len(gaps) >= 3 else None


def triers(seen: PlainLook, event: Mapping[str, Any]) -> int:
    found = seen.look(event, ["login_fail"], ["ip_prefix"], HOUR_MS) or []
    tried = [about["user_id"] for _, about in found]
    return sum(2 <= tried.count(user) <= 6 for user in set(tried))


def guessed(seen: PlainLook, event: Mapping[str, Any]) -> bool:
    fails = [ts_ms for ts_ms, _ in seen.look(event, ["login_fail"], ["ip_prefix"], 12 * HOUR_MS) or []]
    came_in = [ts_ms for ts_ms, _ in seen.look(event, ["login_ok"], ["ip_prefix"], 12 * HOUR_MS) or []]
    return any(sum(fail < login for fail in fails) >= 2 for login in came_in)


def restless(seen: PlainLook, event: Mapping[str, Any]) -> bool:
    likes, follows, posts, comments = (
        [ts_ms for ts_ms, _ in seen.look(event, [kind], ["device_id"], 6 * HOUR_MS) or []]
        for kind in ("like", "follow", "post", "comment")
    )
    return any(
        like < follow < post and not any(like <= comment <= post for comment in comments)
        for like in likes for follow in follows for post in posts
    )  # fmt: skip


def is_young_here(seen: PlainLook, event: Mapping[str, Any]) -> bool | None:
    found = seen.look(event, ["young"], ["device_id"], 6 * HOUR_MS)
    return None if found is None else bool(found)


SIGNALS: Mapping[str, Callable[[PlainLook, Mapping[str, Any]], Any]] = {
    "posts_1h": counted("post", by=["user_id"], hours=1),
    "user_spam": counted("label.spam", by=["user_id"], hours=12),
    "network_spam": counted("label.spam", by=["ip_prefix"], hours=6),
    "cleared": counted("label.ham", by=["user_id", "device_id"], hours=12),
    "young_here": counted("young", by=["ip_prefix"], hours=6),
    "acted_here": counted("action", by=["user_id", "ip_prefix"], hours=6),
    "unheard": counted("silent", by=["user_id"], hours=6),
    "received": counted("like", "follow", by=["target_id"], hours=6, read_by=["user_id"]),
    "returned": counted(
        "like", "follow", "message", by=["user_id", "target_id"], hours=24, read_by=["target_id", "user_id"]
    ),
    "guilty": guilty, "largest": largest, "usual": usual, "rhythm": rhythm, "triers": triers,
    "guessed": guessed, "restless": restless, "is_young_here": is_young_here,
}  # fmt: skip


REMEMBERED = "idle", "first_post", "last_amount"


def the_day(people: int, most_of_a_kind: int = 1 << 30) -> tuple[list[Arrival], list[Arrival]]:
    """Events as they arrive, some late, some twice; and what moderators say of each. `most_of_a_kind`: so many events
    of each attack and each crowd, the first ones."""
    seen, day = Counter[str | None](), []
    for simulated in simulate_day(people=people):
        kind = simulated.attack or simulated.lookalike
        seen[kind] += 1
        if seen[kind] <= most_of_a_kind:
            day.append(simulated)
    now_ms, events = 0, []
    for simulated in day:
        ts_ms = simulated.event["ts"]
        assert isinstance(ts_ms, int)
        now_ms = max(now_ms, ts_ms)
        events.append(Arrival("event", now_ms, orjson.dumps(simulated.event), now_ms))
    labels = SimulatedModerator(sees_spam=0.5, sees_ham=0.1).labels(day, Random(2))
    first = {one.label["event_id"]: one.label for one in reversed(labels)}
    return events, [Arrival("label", int(str(label["ts"])), orjson.dumps(label)) for label in first.values()]
