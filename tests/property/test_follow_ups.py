"""Counters of labels, hits and actions against a plain recount: every follow-up that has entered stands in one list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

HOUR_MS = 3_600_000
RULEBOOK = """
version: 1
counters:
  posts:         {count: post, by: user_id, over: 1h, cap: 1000}
  user_spam:     {count: label.spam, by: user_id, over: 24h, cap: 1000}
  domain_spam:   {count: label.spam, by: url_domain, over: 24h, cap: 1000}
  domain_guilty: {distinct: user_id, of: label.spam, by: url_domain, over: 24h, cap: 1000}
  pair_spam:     {count: label.spam, by: [user_id, device_id], over: 24h, cap: 1000}
  device_ham:    {count: label.ham, by: device_id, over: 24h, cap: 1000}
  spent_badly:   {sum: event.amount, of: label.spam, by: device_id, over: 24h}
  user_hits:     {count: hit.fast, by: user_id, over: 24h, cap: 1000}
  device_hits:   {count: hit.fast, by: device_id, over: 24h, cap: 1000}
  device_acted:  {count: action.any, by: device_id, over: 24h, cap: 1000}
  shadowed:      {count: shadow.seen, by: device_id, over: 24h, cap: 1000}
rules:
  fast: {event: post, when: [posts >= 3], then: {limit: posting}}
  seen: {event: post, when: [posts >= 2], then: {limit: posting}, mode: shadow}
  asks:
    event: post
    mode: shadow
    then: {flag: post}
    when:
      - user_spam >= 0
      - domain_spam >= 0
      - domain_guilty >= 0
      - pair_spam >= 0
      - device_ham >= 0
      - spent_badly >= 0
      - user_hits >= 0
      - device_hits >= 0
      - device_acted >= 0
      - shadowed >= 0
"""
ASKED = {
    "user_spam": ("label.spam", ("user_id",)), "domain_spam": ("label.spam", ("domain",)),
    "domain_guilty": ("label.spam", ("domain",)), "pair_spam": ("label.spam", ("user_id", "device_id")),
    "device_ham": ("label.ham", ("device_id",)), "spent_badly": ("label.spam", ("device_id",)),
    "user_hits": ("hit.fast", ("user_id",)), "device_hits": ("hit.fast", ("device_id",)),
    "device_acted": ("action", ("device_id",)), "shadowed": ("shadow.seen", ("device_id",)),
}  # fmt: skip


@dataclass
class Recount:
    """All that has happened so far, in one list: kind, time, and the event that it is about."""

    happened: list[tuple[str, int, Mapping[str, Any]]] = field(default_factory=list)
    posts: list[Mapping[str, Any]] = field(default_factory=list)
    verdicts: dict[str, tuple[str, int]] = field(default_factory=dict)

    def post(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What the counters say at an event, before what comes of it."""
        self.posts.append(event)
        said = {name: self._answer(name, event) for name in ASKED}
        count = sum(
            other["user_id"] == event["user_id"] and event["ts"] - HOUR_MS < other["ts"] <= event["ts"]
            for other in self.posts
        )
        if count >= 3:
            self.happened += [("hit.fast", event["ts"], event), ("action", event["ts"], event)]
        if count >= 2:
            self.happened.append(("shadow.seen", event["ts"], event))
        return said

    def label(self, event_id: str, verdict: str, ts_ms: int) -> None:
        """A verdict takes the place of the one before it."""
        event = next((post for post in self.posts if post["event_id"] == event_id), None)
        known = self.verdicts.get(event_id)
        if event is None or (known[0] == verdict if known else verdict == "retracted"):
            return
        if known is not None and known[0] != "retracted":
            self.happened.remove((f"label.{known[0]}", known[1], event))
        if verdict != "retracted":
            self.happened.append((f"label.{verdict}", ts_ms, event))
        self.verdicts[event_id] = (verdict, ts_ms)

    def _answer(self, name: str, event: Mapping[str, Any]) -> Any:
        kind, parts = ASKED[name]
        found = [
            about for what, ts_ms, about in self.happened
            if what == kind and event["ts"] - 24 * HOUR_MS < ts_ms <= event["ts"]
            and all(about[part] == event[part] for part in parts)
        ]  # fmt: skip
        if name == "domain_guilty":
            return len({about["user_id"] for about in found})
        return sum(about["amount"] for about in found) if name == "spent_badly" else len(found)


def arrivals() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Posts and labels, a bit out of order."""
    post = st.tuples(st.just("post"), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2), st.integers(-60, 60))
    label = st.tuples(st.just("label"), st.integers(0, 30), st.sampled_from(["spam", "ham", "retracted"]))
    return st.lists(st.one_of(post, post, label), min_size=1, max_size=60)


def lines(steps: list[tuple[Any, ...]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same as what arrives, some minutes apart."""
    now_ms, number = START_MS, 0
    for step in steps:
        now_ms += 7 * 60_000
        if step[0] == "label":
            yield "label", {"event_id": f"e{step[1]}", "label": step[2], "ts": now_ms, "moderator": "m"}
            continue
        _, user, device, domain, late_s = step
        yield "event", {
            "event_id": f"e{number}", "type": "post", "user_id": f"u{user}", "device_id": f"d{device}",
            "url": f"https://x{domain}.example/a", "domain": f"x{domain}.example", "amount": 5 * (user + 1),
            "ts": now_ms + 1_000 * late_s,
        }  # fmt: skip
        number += 1


def answers(engine: OfflineEngine, arrived: list[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """By event, what the engine says that its counters say."""
    messages = engine.run(Arrival(kind, line["ts"], orjson.dumps(line)) for kind, line in arrived)
    found: dict[str, dict[str, Any]] = {}
    for message in messages:
        if message.topic != "decisions":
            continue
        decision = orjson.loads(message.value)
        for hit in decision["hits"]:
            if hit["rule"] == "asks":
                found[decision["event_id"]] = {
                    clause["text"].removesuffix(" >= 0"): clause["value"] for clause in hit["clauses"]
                }
    return found


@settings(max_examples=60, deadline=None)
@given(arrivals())
def test_what_is_counted_of_hits_actions_and_labels_is_a_recount(steps: list[tuple[Any, ...]]) -> None:
    arrived, recount, right = list(lines(steps)), Recount(), {}
    for kind, line in arrived:
        if kind == "event":
            right[line["event_id"]] = recount.post(line)
        else:
            recount.label(line["event_id"], line["label"], line["ts"])
    engine = OfflineEngine(load_rulebook({"r.yaml": RULEBOOK}), Settings(decision_sample=1.0))
    assert answers(engine, arrived) == right


GUILT = """
version: 1
counters:
  confirmed: {count: label.spam, by: user_id, over: 24h, cap: 1000}
  guilty:    {distinct: user_id, of: post, where: confirmed >= 1, by: url_domain, over: 24h, cap: 1000}
rules:
  asks: {event: post, mode: shadow, then: {flag: post}, when: [guilty >= 0]}
"""


@settings(max_examples=30, deadline=None)
@given(arrivals())
def test_an_entity_counts_those_whose_own_counters_said_so_when_they_came(steps: list[tuple[Any, ...]]) -> None:
    arrived, recount, right = list(lines(steps)), Recount(), {}
    came: list[Mapping[str, Any]] = []
    for kind, line in arrived:
        if kind == "label":
            recount.label(line["event_id"], line["label"], line["ts"])
            continue
        if recount.post(line)["user_spam"]:
            came.append(line)
        alike = (
            other["user_id"] for other in came
            if other["domain"] == line["domain"] and line["ts"] - 24 * HOUR_MS < other["ts"] <= line["ts"]
        )  # fmt: skip
        right[line["event_id"]] = {"guilty": len(set(alike))}
    engine = OfflineEngine(load_rulebook({"r.yaml": GUILT}), Settings(decision_sample=1.0))
    assert answers(engine, arrived) == right
