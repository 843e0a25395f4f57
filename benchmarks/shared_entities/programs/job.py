"""What the peers in Python share: a way to count, the rules, and the metering.

They count as such programs usually do, in hops: a window is six of them, and an event reads the sum over the last six,
its own included. So they need to remember neither times nor order. In return a late event is counted with younger ones
of its hop, and windows begin up to a hop too late.
"""

import json
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

SHORT_HOP_MS = 100_000
LONG_HOP_MS = 600_000
SHORT_HOPS = 6
"""In ten minutes, and longer hops in an hour."""

HOUR_HOPS = 36
"""Entities have one kind of hop for both windows."""

RESULT = "result.json"
ACTIONS = "actions.jsonl"
_KEPT = 7
_TYPES = frozenset({"post", "comment", "message", "follow", "like"})
_FIELDS = (
    ("event_id", str), ("user_id", str), ("ts", int), ("type", str), ("ip", str), ("device_id", str),
    ("target_id", str), ("text", str), ("urls", list), ("account_age_days", int), ("followers", int),
    ("following", int),
)  # fmt: skip

Counts = list[int]
"""Of a user: posts and messages in ten minutes, talk and links in an hour. Each entity adds its users in ten minutes
and in an hour."""


class Task(NamedTuple):
    """What the program was asked for on its command line."""

    brokers: str
    events: int
    partitions: int
    directory: Path


def read_task() -> Task:
    """The command line's."""
    brokers, events, partitions, directory = sys.argv[1:5]
    return Task(brokers, int(events), int(partitions), Path(directory))


def is_valid(event: dict[str, Any]) -> bool:
    """Whether all fields are there and of their types."""
    fits = all(type(event.get(name)) is kind for name, kind in _FIELDS)
    return fits and event["ts"] > 0 and event["type"] in _TYPES


def new_user() -> list[list[int]]:
    """A user's record: for each window its hops, as number, first count, second count, one after the other."""
    return [[], []]


def count_user(record: list[list[int]], event: dict[str, Any]) -> Counts:
    """Enter an event and count."""
    kind = event["type"]
    short = _enter(record[0], event["ts"] // SHORT_HOP_MS, kind == "post", kind == "message")
    talks = kind in ("post", "comment", "message")
    return [*short, *_enter(record[1], event["ts"] // LONG_HOP_MS, talks, bool(event["urls"]))]


def _enter(hops: list[int], hop: int, first: int, second: int) -> tuple[int, int]:
    at = len(hops) - 3
    while at >= 0 and hops[at] > hop:
        at -= 3
    if at < 0 or hops[at] != hop:
        at += 3
        hops[at:at] = (hop, 0, 0)
    hops[at + 1] += first
    hops[at + 2] += second
    firsts = seconds = 0
    while at >= 0 and hops[at] > hop - SHORT_HOPS:
        firsts += hops[at + 1]
        seconds += hops[at + 2]
        at -= 3
    while hops[0] <= hops[-3] - _KEPT:
        del hops[:3]
    return firsts, seconds


def count_visitor(visitors: list[int], last: int | None, hop: int) -> tuple[int | None, int, int]:
    """Enter a user whose last event at an entity was in the hop `last`. `visitors` changes: hops, and for how many
    users each is the last one, in turn. Returns the user's last hop, if it is another now, and the users in ten minutes
    and in an hour. So no other user has to be looked at."""
    moved = last is None or last < hop
    if moved:
        _add(visitors, hop, 1)
        if last is not None:
            _add(visitors, last, -1)
    short = long = 0
    for at in range(0, len(visitors), 2):
        if hop - HOUR_HOPS < visitors[at] <= hop:
            long += visitors[at + 1]
            if visitors[at] > hop - SHORT_HOPS:
                short += visitors[at + 1]
    return hop if moved else None, short, long


def _add(visitors: list[int], hop: int, users: int) -> None:
    for at in range(len(visitors) - 2, -1, -2):
        if visitors[at] == hop:
            visitors[at + 1] += users
            return
    if users > 0:
        visitors += (hop, users)
        newest = max(visitors[::2])
        if min(visitors[::2]) <= newest - HOUR_HOPS - 1:
            kept = [(at, count) for at, count in zip(visitors[::2], visitors[1::2], strict=True)
                    if at > newest - HOUR_HOPS - 1]  # fmt: skip
            visitors[:] = [number for pair in kept for number in pair]


def held(counts: Counts, age_days: int) -> list[str]:
    """The rules that hold."""
    posts, messages, talk, links, device_10m, device_1h, ip_10m, ip_1h, target_10m, target_1h = counts
    rules = []
    if device_1h >= 3 and talk >= 3:
        rules.append("device_farm")
    if ip_1h >= 4 and links >= 1:
        rules.append("address_farm")
    if messages > 350 and device_10m <= 1 and ip_10m <= 1:
        rules.append("lone_flood")
    if target_10m >= 100 and age_days < 100 and posts >= 1:
        rules.append("new_in_crowd")
    if target_1h >= 150 and links >= 200:
        rules.append("links_in_crowd")
    if target_10m >= 120 and messages >= 200 and device_1h <= 2:
        rules.append("pile_on")
    if target_1h >= 100 and talk > 600 and ip_1h <= 1:
        rules.append("loud_in_crowd")
    if (device_10m >= 2 or target_10m >= 130) and posts >= 150:
        rules.append("posts_in_crowd")
    return rules


@dataclass(slots=True)
class Meter:
    """CPU of all threads from the first event on, until everything is decided, flushed and committed."""

    task: Task
    decided: int = 0
    _actions: list[tuple[str, list[str]]] = field(default_factory=list)
    _began: tuple[float, float] | None = None

    def begin(self) -> None:
        """An event is there; only the first one counts."""
        if self._began is None:
            self._began = now_s()

    def act(self, event_id: str, rules: list[str]) -> None:
        """Note an action, for the answers to be compared."""
        self._actions.append((event_id, rules))

    def is_over(self) -> bool:
        """Whether all events are decided."""
        return self.decided >= self.task.events

    def end(self) -> None:
        """Everything is done: write it down."""
        assert self._began is not None
        cpu_s, wall_s = (late - early for late, early in zip(now_s(), self._began, strict=True))
        with (self.task.directory / ACTIONS).open("w") as file:
            file.writelines(json.dumps({"event_id": event, "rules": rules}) + "\n" for event, rules in self._actions)
        write_result(self.task, cpu_s, wall_s)


def write_result(task: Task, cpu_s: float, wall_s: float) -> None:
    """What all events took."""
    (task.directory / RESULT).write_text(json.dumps({"events": task.events, "cpu_s": cpu_s, "wall_s": wall_s}))


def now_s() -> tuple[float, float]:
    """CPU time of this process and its children so far, and the time."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages), time.perf_counter()
