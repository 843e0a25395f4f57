"""What a model learns of an event is the reputation that was known when the event came, and nothing that was found out
later: of users and of what they share, against a plain recount."""

import random
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.label_messages import decode_example
from engine.stream.handlers.messages import Message
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

RULES = """
version: 1
counters:
  user_spam:   {count: label.spam, by: user_id, over: 1d}
  device_spam: {count: label.spam, by: device_id, over: 1d}
  device_ham:  {count: label.ham, by: device_id, over: 1d}
  guilty:      {distinct: user_id, of: label.spam, by: device_id, over: 1d}
models:
  spam: {numbers: [user_spam, device_spam, device_ham, guilty]}
rules:
  sure: {event: post, when: [score.spam > 0.9], then: {flag: x}, mode: shadow}
"""
NUMBERS = ["user_spam", "device_spam", "device_ham", "guilty"]
Post = Mapping[str, Any]


def recount(post: Post, verdicts: Mapping[str, str], posts: Mapping[str, Post]) -> list[float]:
    """What the verdicts that stand say of a post's user and device."""
    spam = [posts[event_id] for event_id, verdict in verdicts.items() if verdict == "spam"]
    ham = [posts[event_id] for event_id, verdict in verdicts.items() if verdict == "ham"]
    here = [one for one in spam if one["device_id"] == post["device_id"]]
    return [
        sum(one["user_id"] == post["user_id"] for one in spam),
        len(here),
        sum(one["device_id"] == post["device_id"] for one in ham),
        len({one["user_id"] for one in here}),
    ]


def lines(rng: random.Random, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Posts, and verdicts on earlier ones, some of which are changed or taken back."""
    made: list[tuple[str, dict[str, Any]]] = []
    for at in range(count):
        known = [line["event_id"] for kind, line in made if kind == "event"]
        ts = START_MS + 1_000 * at
        if known and rng.random() < 0.5:
            verdict = rng.choice(("spam", "spam", "ham", "retracted"))
            made.append(("label", {"event_id": rng.choice(known), "label": verdict, "ts": ts, "moderator": "m"}))
        else:
            ids = {"event_id": f"e{at}", "user_id": f"u{rng.randrange(4)}", "device_id": f"d{rng.randrange(3)}"}
            made.append(("event", {**ids, "type": "post", "ts": ts}))
    return made


def test_a_model_learns_from_what_was_known_when_an_event_came(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[Message] = []
    engine = OfflineEngine(load_rulebook({"rules.yaml": RULES}), Settings(decision_sample=0.0))
    monkeypatch.setattr(engine, "_learn", learned.extend)
    posts, verdicts = dict[str, Post](), dict[str, str]()
    known, later, examples = dict[str, list[float]](), dict[str, list[float]](), 0
    for kind, line in lines(random.Random(21), 160):
        list(engine.run([Arrival(kind, line["ts"], orjson.dumps(line), line["ts"])]))
        if kind == "event":
            posts[line["event_id"]] = line
            known[line["event_id"]] = recount(line, verdicts, posts)
            continue
        for message in learned:
            example = decode_example(message.value)
            assert list(example.names.numbers) == NUMBERS
            assert list(example.inputs.numbers) == known[example.event_id], example.event_id
            later[example.event_id] = recount(posts[example.event_id], verdicts, posts)
            examples += 1
        learned.clear()
        verdicts[line["event_id"]] = line["label"]
    assert examples > 40
    assert sum(later[event_id] != known[event_id] for event_id in later) > 20, "else it could not leak"
