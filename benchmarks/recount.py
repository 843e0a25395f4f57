"""The benchmark's answers, worked out again the plain way: sorted lists of everything that has happened.

The peers count in six hops for each window and take the user's last sixteen events for distinct targets; the
engine counts exactly over sliding windows. So its answers are checked against these, with the peers' way of
adding actions up: for each event on which some rule held, a hash of its id and the rules, summed.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf, nan
from typing import Any
from zlib import crc32

import orjson

from engine.core.domain.rules import MAX_CAP, ModelSpec
from engine.learning.features import Inputs, featurizer, names_of
from engine.learning.linear import sigmoid
from engine.learning.models import LearnedModel

_MINUTE_MS = 60_000
_TARGETS_MS = 30_000
_WINDOWS = {"1m": _MINUTE_MS, "1h": 60 * _MINUTE_MS, "24h": 1_440 * _MINUTE_MS}


class Check:
    """Adds up answers in any order; prints as `count:sum`."""

    def __init__(self) -> None:
        self._count = self._sum = 0

    def add(self, event_id: str, rules: Iterable[str]) -> None:
        """One event on which rules held."""
        self._count += 1
        self._sum = (self._sum + crc32(f"{event_id}|{','.join(rules)}".encode())) & 0xFFFFFFFFFFFF

    def __str__(self) -> str:
        return f"{self._count}:{self._sum:x}"


def recount(stream: Sequence[bytes], spec: ModelSpec, model: LearnedModel) -> str:
    """The checksum over all answers for these events, in their order of arrival."""
    check, names = Check(), names_of(spec)
    histories: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    events = [orjson.loads(value) for value in stream]
    for event in events:
        history, now = histories[event["user_id"]], event["ts"]
        insort(history[event["type"]], now)
        insort(history["target"], (now, event["target_id"]))
        if event["urls"]:
            insort(history["url"], now)
        least, most = _counts(history, now)
        profile = {name: event[name] for name in ("account_age_days", "followers", "following")}
        known = {name: count if count == most[name] else nan for name, count in least.items()} | profile
        inputs = Inputs((event["text"],), (), tuple(known[name] for name in spec.numbers))
        score = sigmoid(model.ngrams.logit(featurizer(names).vector(inputs)))
        rules = _held(least | profile, most, len(event["urls"]), score)
        if rules:
            check.add(event["event_id"], rules)
    return str(check)


def _counts(history: dict[str, list[Any]], now: int) -> tuple[dict[str, float], dict[str, float]]:
    """All counters after an event, at least and at most: a full series does not know a late event's windows."""
    least: dict[str, float] = {}
    most: dict[str, float] = {}
    for kind in ("post", "comment", "message", "url"):
        times = history[kind]
        kept, lost_until = times[-MAX_CAP:], times[-MAX_CAP - 1] if len(times) > MAX_CAP else 0
        for window, over_ms in _WINDOWS.items():
            found = bisect_right(kept, now) - bisect_right(kept, now - over_ms)
            least[f"{kind}_{window}"] = found
            most[f"{kind}_{window}"] = found if now - over_ms >= lost_until else inf
    targets = history["target"]
    recent = targets[bisect_right(targets, (now - _TARGETS_MS + 1,)) : bisect_right(targets, (now + 1,))]
    targeted = {"distinct_targets": len({target for _, target in recent})}
    return least | targeted, most | targeted


def _held(c: dict[str, float], most: dict[str, float], urls: int, score: float) -> list[str]:
    """The rules that hold for certain. `c`: counters at least, and the profile."""
    age, followers, following = c["account_age_days"], c["followers"], c["following"]
    day, day_at_most = (sum(counts[f"{kind}_24h"] for kind in ("post", "comment", "message")) for counts in (c, most))
    held = {
        "msg_flood_1m": c["message_1m"] > 70,
        "comment_flood_1m": c["comment_1m"] > 60 and age < 900,
        "post_flood_1h": c["post_1h"] > 120,
        "url_spam_1m": c["url_1m"] > 25 and age < 400,
        "url_new_account": urls >= 1 and age < 3 and c["url_1h"] > 3,
        "dm_fanout": c["message_1h"] > 40 and c["distinct_targets"] >= 15 and followers < 30,
        "low_trust_burst": c["post_1m"] + c["comment_1m"] + c["message_1m"] > 60 and followers * 10 < following,
        "day_volume": day > 900,
        "url_ratio_day": c["url_24h"] > 40 and c["url_24h"] * 2 > day_at_most + 1,
        "model_and_velocity": score > 0.93 and (c["message_1h"] > 10 or c["comment_1h"] > 10),
    }
    return [name for name, holds in held.items() if holds]
