"""The reference answer of workload 2, the plain way: everything that has happened, in sorted lists.

An event at time t counts what has arrived by then, itself included, and lies in (t - over, t]. So a late event is
entered where it belongs and counts what is known of its own time; what was decided before it came stays as it is.
Nothing is forgotten and nothing is rounded, so no answer is a bound.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import orjson

from benchmarks.recount import Check

WINDOWS_MS = {"10m": 600_000, "1h": 3_600_000}
ENTITIES = {"device": "device_id", "ip": "ip", "target": "target_id"}
_TALK = ("post", "comment", "message")

Actions = dict[str, tuple[str, ...]]
"""By event, the rules that held."""


def recount(stream: Iterable[bytes]) -> Actions:
    """The events on which some rule held, in their order of arrival."""
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    visitors: dict[tuple[str, str], Visitors] = defaultdict(Visitors)
    actions: Actions = {}
    for value in stream:
        event = orjson.loads(value)
        counts = _counts_of_user(times, event)
        for name, field in ENTITIES.items():
            entity = visitors[name, event[field]]
            entity.enter(event["ts"], event["user_id"])
            for window, over_ms in WINDOWS_MS.items():
                counts[f"{name}_users_{window}"] = entity.distinct(event["ts"], over_ms)
        rules = held(counts, event["account_age_days"])
        if rules:
            actions[event["event_id"]] = rules
    return actions


def checksum(actions: Actions) -> str:
    """The sum over actions, in any order."""
    check = Check()
    for event_id, rules in actions.items():
        check.add(event_id, rules)
    return str(check)


class Visitors:
    """Who was at an entity, and when."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, str]] = []
        self._last: dict[str, int] = {}
        self._last_times: list[int] = []  # of all users, sorted

    def enter(self, time: int, user_id: str) -> None:
        """One event."""
        insort(self._entries, (time, user_id))
        last = self._last.get(user_id)
        if last is not None and last >= time:
            return
        if last is not None:
            del self._last_times[bisect_left(self._last_times, last)]
        insort(self._last_times, time)
        self._last[user_id] = time

    def distinct(self, time: int, over_ms: int) -> int:
        """How many users in (time - over_ms, time]."""
        if time == self._entries[-1][0]:  # nothing is younger: a user is in the window if his last event is
            return len(self._last_times) - bisect_right(self._last_times, time - over_ms)
        begin, end = (bisect_left(self._entries, (at + 1,)) for at in (time - over_ms, time))
        return len({user_id for _, user_id in self._entries[begin:end]})


def _counts_of_user(times: dict[tuple[str, str], list[int]], event: dict[str, Any]) -> dict[str, int]:
    user_id, kind, now = event["user_id"], event["type"], event["ts"]
    series = [kind, *(["talk"] if kind in _TALK else []), *(["links"] if event["urls"] else [])]
    for name in series:
        insort(times[user_id, name], now)

    def count(name: str, window: str) -> int:
        entries = times[user_id, name]
        return bisect_right(entries, now) - bisect_right(entries, now - WINDOWS_MS[window])

    return {
        "posts_10m": count("post", "10m"),
        "messages_10m": count("message", "10m"),
        "talk_1h": count("talk", "1h"),
        "links_1h": count("links", "1h"),
    }


def held(c: dict[str, int], age_days: int) -> tuple[str, ...]:
    """The rules that hold, as rules.yaml has them. `c`: all counters."""
    rules = {
        "device_farm": c["device_users_1h"] >= 3 and c["talk_1h"] >= 3,
        "address_farm": c["ip_users_1h"] >= 4 and c["links_1h"] >= 1,
        "lone_flood": c["messages_10m"] > 350 and c["device_users_10m"] <= 1 and c["ip_users_10m"] <= 1,
        "new_in_crowd": c["target_users_10m"] >= 100 and age_days < 100 and c["posts_10m"] >= 1,
        "links_in_crowd": c["target_users_1h"] >= 150 and c["links_1h"] >= 200,
        "pile_on": c["target_users_10m"] >= 120 and c["messages_10m"] >= 200 and c["device_users_1h"] <= 2,
        "loud_in_crowd": c["target_users_1h"] >= 100 and c["talk_1h"] > 600 and c["ip_users_1h"] <= 1,
        "posts_in_crowd": (c["device_users_10m"] >= 2 or c["target_users_10m"] >= 130) and c["posts_10m"] >= 150,
    }
    return tuple(name for name, holds in rules.items() if holds)
