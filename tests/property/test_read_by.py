"""What is counted at one entity and read at another, and pairs without an order, against a plain recount of all events
that have come so far: late ones, ones that come twice, and ones that are aimed at their own user among them."""

from collections.abc import Iterator, Mapping
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
fields: {amount: number, cc: list}
lists:
  shops: {values: [u3]}
counters:
  came:       {sum: amount, of: transfer, by: target_id, over: 6h, read_by: user_id}
  came_often: {count: transfer, by: target_id, over: 6h, read_by: user_id, cap: 1000}
  aimed_at:   {count: transfer, by: target_id, over: 6h, cap: 1000}
  givers:     {distinct: user_id, of: transfer, by: target_id, over: 6h, read_by: user_id, cap: 1000}
  no_shops:   {count: transfer, by: target_id, over: 6h, read_by: user_id, except: lists.shops, cap: 1000}
  large:      {count: transfer, by: target_id, over: 6h, read_by: user_id, where: amount > 5, cap: 1000}
  theirs:     {count: [transfer, message], by: [user_id, target_id], over: 6h, read_by: [target_id, user_id], cap: 1000}
  mine:       {count: [transfer, message], by: [user_id, target_id], over: 6h, cap: 1000}
  pair:       {count: [transfer, message], by: {pair: [user_id, target_id]}, over: 6h, cap: 1000}
  target_did: {count: any, by: event.user_id, over: 6h, read_by: target_id, cap: 1000}
  named:      {count: message, by: cc, over: 6h, read_by: user_id, cap: 1000}
  spam:       {count: label.spam, by: target_id, over: 6h, read_by: user_id, cap: 1000}
rules:
  asks:
    event: any
    mode: shadow
    then: {flag: post}
    any: [ASKED]
"""
NAMES = (
    "came", "came_often", "aimed_at", "givers", "no_shops", "large", "theirs", "mine", "pair", "target_did", "named",
    "spam",
)  # fmt: skip


def rulebook() -> str:
    return RULEBOOK.replace("ASKED", ", ".join(f"{name} >= 0" for name in NAMES))


def answers(name: str, event: Mapping[str, Any], came: list[Mapping[str, Any]], spam: list[Mapping[str, Any]]) -> Any:
    """What a counter says at an event, of all that has come up to it."""
    user, target = event["user_id"], event["target_id"]
    seen = [other for other in came if event["ts"] - 6 * HOUR_MS < other["ts"] <= event["ts"]]
    transfers = [other for other in seen if other["type"] == "transfer"]
    to_user = [other for other in transfers if other["target_id"] == user]
    said: dict[str, Any] = {
        "came": sum(other["amount"] for other in to_user),
        "came_often": len(to_user),
        "aimed_at": sum(other["target_id"] == target for other in transfers),
        "givers": len({other["user_id"] for other in to_user}),
        "no_shops": len(to_user) if user != "u3" else None,
        "large": sum(other["amount"] > 5 for other in to_user),
        "theirs": sum((other["user_id"], other["target_id"]) == (target, user) for other in seen),
        "mine": sum((other["user_id"], other["target_id"]) == (user, target) for other in seen),
        "pair": sum({other["user_id"], other["target_id"]} == {user, target} for other in seen),
        "target_did": sum(other["user_id"] == target for other in seen),
        "named": sum(user in other["cc"] for other in seen if other["type"] == "message"),
        "spam": sum(
            other["target_id"] == user and event["ts"] - 6 * HOUR_MS < other["labelled"] <= event["ts"]
            for other in spam
        ),
    }
    return said[name]


def arrivals() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Events out of order, some of them twice, and labels of some."""
    user = st.integers(0, 3)
    event = st.tuples(
        st.sampled_from(["transfer", "message"]), user, user, st.sets(user, max_size=3), st.integers(1, 9),
        st.integers(-90, 90),
    )  # fmt: skip
    again = st.tuples(st.just("again"), st.integers(0, 30))
    label = st.tuples(st.just("label"), st.integers(0, 30))
    return st.lists(st.one_of(event, event, event, again, label), min_size=1, max_size=50)


def lines(steps: list[tuple[Any, ...]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same as what arrives, some minutes apart."""
    now_ms, sent = START_MS, list[dict[str, Any]]()
    for step in steps:
        now_ms += 17 * 60_000
        if step[0] == "label":
            yield "label", {"event_id": f"e{step[1]}", "label": "spam", "ts": now_ms, "moderator": "m"}
        elif step[0] == "again":
            if sent:
                yield "event", sent[step[1] % len(sent)]
        else:
            kind, user, target, cc, amount, late_min = step
            sent.append({
                "event_id": f"e{len(sent)}", "type": kind, "user_id": f"u{user}", "target_id": f"u{target}",
                "cc": [f"u{number}" for number in sorted(cc)], "amount": amount, "ts": now_ms + 60_000 * late_min,
            })  # fmt: skip
            yield "event", sent[-1]


@settings(max_examples=100, deadline=None)
@given(arrivals())
def test_what_is_read_elsewhere_is_a_recount(steps: list[tuple[Any, ...]]) -> None:
    arrived, right = list(lines(steps)), dict[str, dict[str, Any]]()
    came, spam = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    for kind, line in arrived:
        known = {event["event_id"]: event for event in came}
        if kind == "event" and line["event_id"] not in known:
            came.append(line)
            said = {name: answers(name, line, came, spam) for name in NAMES}
            right[line["event_id"]] = said
        elif kind == "label" and line["event_id"] in known.keys() - {event["event_id"] for event in spam}:
            spam.append({**known[line["event_id"]], "labelled": line["ts"]})
    engine = OfflineEngine(load_rulebook({"r.yaml": rulebook()}), Settings(decision_sample=1.0))
    found: dict[str, dict[str, Any]] = {}
    for message in engine.run(Arrival(kind, line["ts"], orjson.dumps(line)) for kind, line in arrived):
        if message.topic == "decisions":
            decision = orjson.loads(message.value)
            for hit in decision["hits"]:
                said = {clause["text"].removesuffix(" >= 0"): clause["value"] for clause in hit["clauses"]}
                found.setdefault(decision["event_id"], said)
    assert found == right
