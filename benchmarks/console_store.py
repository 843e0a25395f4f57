"""A store of the console with made-up decisions, spread over the last five days."""

import random
import time
from typing import Any

import orjson
from rich.progress import track

from engine.console.following.rows import mentions
from engine.console.store.database import Store
from engine.console.store.followed import ACTIONS, CASES, DECISIONS, EVENTS, HITS, LABELS, MENTIONS
from engine.console.store.recording import record
from engine.core.domain.events import Event

_AT_ONCE = 2_000
_DAYS_MS = 5 * 24 * 3_600_000
_FAR = 1 << 40
"""Offsets of what is made here: none that a topic will have."""

_WORDS = [f"word{number}" for number in range(3_000)]


def fill(store: Store, decisions: int) -> None:
    """Put so many decisions into a store, each with its event; a tenth has hits, a twentieth an action."""
    rng, now_ms = random.Random(7), int(time.time() * 1000)
    for first in track(range(0, decisions, _AT_ONCE), f"{decisions:,} decisions"):
        rows: dict[Any, list[dict[str, Any]]] = {
            table: [] for table in (EVENTS, MENTIONS, DECISIONS, HITS, ACTIONS, LABELS, CASES)
        }
        for number in range(first, min(decisions, first + _AT_ONCE)):
            _add(rows, rng, number, now_ms - _DAYS_MS + number * _DAYS_MS // decisions)
        with store.write() as connection:
            record(connection, rows, {})


def _add(rows: dict[Any, list[dict[str, Any]]], rng: random.Random, number: int, ts: int) -> None:
    user = f"u{int(rng.paretovariate(0.3)) % 200_000}"  # a few of them do a lot
    key, known = (
        {"partition": number % 4, "offset": _FAR + number},
        {"event_id": f"e{number}", "user_id": user, "ts": ts},
    )
    fields = {
        **known, "type": "post", "device_id": f"d{int(user[1:]) % 50_000}", "ip": f"10.{number % 250}.{number % 199}.7",
        "text": " ".join(rng.choices(_WORDS, k=12)) + f" https://site{number % 5_000}.example/x",
    }  # fmt: skip
    rows[EVENTS].append({**key, **known, "type": "post", "document": orjson.dumps(fields)})
    named = mentions(Event(f"e{number}", "post", user, ts, fields, number))
    rows[MENTIONS] += [{**key, "kind": kind, "value": value, "ts": ts, "user_id": user} for kind, value in named]
    rule = f"rule_{number // 10 % 20}" if number % 10 == 0 else None
    clauses = [{"text": "posts_1m > 3", "value": 4, "result": True}] * 3
    hits = [{"rule": rule, "mode": "enforce", "effect": "acted", "clauses": clauses}] if rule else []
    outcome, score = "act" if number % 20 == 0 else "none", rng.random()
    decision = {
        **known, "type": "post", "outcome": outcome, "hits": hits, "scores": {"spam": score}, "rulebook": "r1",
        "models": {"spam": "m1"},
    }  # fmt: skip
    rows[DECISIONS].append({**key, **known, "type": "post", "outcome": outcome, "score": score, "rulebook": "r1",
                            "document": orjson.dumps(decision)})  # fmt: skip
    rows[HITS] += [{**key, "rule": hit["rule"], "mode": "enforce", "effect": "acted", "ts": ts} for hit in hits]
    if number % 20 == 0:
        target = {"type": "user", "id": user}
        action = {
            **known, "action_id": f"a{number}", "kind": "limit", "target": target, "rule": rule, "reason": "too fast",
            "explanation": "4 > 3", "rulebook": "r1",
        }  # fmt: skip
        rows[ACTIONS].append({
            "action_id": f"a{number}", "published_ms": ts, "kind": "limit", "target_type": "user", "target_id": user,
            "rule": rule, "area": "spam", "needs": None, **known, "document": orjson.dumps(action),
        })  # fmt: skip
    if number % 100 == 0:
        rows[LABELS].append({**key, "event_id": f"e{number}", "label": rng.choice(("spam", "ham")), "ts": ts,
                             "moderator": f"m{number % 20}", "policy": None, "propensity": 0.1})  # fmt: skip
    if number % 200 == 1:
        rows[CASES].append({
            "source": "review", "key": f"e{number}", **known, "type": "post", "area": "spam", "language": "en",
            "model": "spam", "score": score, "propensity": 0.2, "why": "uncertain", "value": score, "is_open": True,
        })  # fmt: skip
