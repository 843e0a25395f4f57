"""A challenger among events and labels: it learns beside its model, and stands in its place once that is known."""

import random
from collections.abc import Iterator
from typing import Any

import orjson

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.messages import Message
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

RULES = """
version: 1
models:
  spam:  {categories: [event.country], challenger: spam2, promote: auto, min_labels: 20}
  spam2: {texts: [text], min_labels: 20}
rules:
  likely: {event: post, when: [score.spam > 0.5], then: {flag: likely}}
"""
EVENTS, LATE = 400, 20
SPAM, HAM = ("free money now", "win crypto today"), ("lunch at noon?", "my cat sleeps")


def arrivals() -> Iterator[Arrival]:
    """Events whose texts tell and whose countries hardly do. Labels come twenty events late."""
    rng, labels = random.Random(3), list[Arrival]()
    for at in range(EVENTS):
        spam = rng.random() < 0.4
        country = "a" if rng.random() < (0.6 if spam else 0.4) else "b"
        ts_ms = 1_760_000_000_000 + 60_000 * at
        event = {
            "event_id": f"e{at}", "type": "post", "user_id": "u", "ts": ts_ms,
            "text": rng.choice(SPAM if spam else HAM), "country": country,
        }  # fmt: skip
        yield Arrival("event", ts_ms, orjson.dumps(event))
        label = {"event_id": f"e{at}", "user_id": "u", "label": "spam" if spam else "ham", "ts": ts_ms}
        labels.append(Arrival("label", ts_ms, orjson.dumps(label)))
        if len(labels) == LATE:
            yield from labels
            labels = []


def run(rules: str = RULES) -> tuple[OfflineEngine, list[Message]]:
    settings = Settings(review_share=0.0, decision_sample=1.0, publish_scores=True)
    engine = OfflineEngine(load_rulebook({"r.yaml": rules}), settings)
    return engine, list(engine.run(arrivals()))


def said(messages: list[Message], topic: str) -> list[dict[str, Any]]:
    return [orjson.loads(message.value) for message in messages if message.topic == topic]


def test_it_stands_once_the_labels_tell_and_all_that_is_published_says_so() -> None:
    engine, messages = run()
    compared = engine.learned()["spam"].compared
    assert compared.promoted
    told = compared.describe()
    assert (told["challenger"], told["n"]) == ("spam2", 380)
    assert told["gain"]["low"] > 0
    assert told["challenged_by"]["roc_auc"] > 0.99 > told["model"]["roc_auc"]
    first, *_, last = said(messages, "decisions")
    assert first["scores"] == {}
    assert last["scores"]["spam"] == last["scores"]["spam2"]
    assert last["models"]["spam"] == last["models"]["spam2"] == "spam2-380"
    acted = [one for one in said(messages, "decisions") if one.get("contributions")][-1]["contributions"]
    assert acted["spam"] == acted["spam2"]
    scores = said(messages, "scores")[-2 * LATE :]
    assert {one["model"] for one in scores} == {"spam", "spam2"}
    assert {one["version"] for one in scores} == {"spam2-380"}


def test_it_only_watches_where_nobody_promotes_it() -> None:
    engine, messages = run(RULES.replace("promote: auto, ", ""))
    compared = engine.learned()["spam"].compared
    gain = compared.gain()
    assert gain is not None
    assert gain.low > 0
    assert not compared.promoted
    last = said(messages, "decisions")[-1]
    assert last["scores"]["spam"] != last["scores"]["spam2"]
    assert last["models"] == {"spam": "spam-380", "spam2": "spam2-380"}


def test_the_same_comes_of_the_same() -> None:
    rules = RULES.replace("texts: [text]", "texts: [text], river: HashedNgrams()")
    (one, messages), (other, again) = run(rules), run(rules)
    assert messages == again
    assert one.learned()["spam"].compared.dump() == other.learned()["spam"].compared.dump()


def test_one_with_a_seed_scores_from_the_first_event_on_and_is_compared_like_any_other() -> None:
    rules = RULES.replace("texts: [text]", "texts: [text], seed: comments")
    (engine, messages), (_, again) = run(rules), run(rules)
    assert messages == again
    first, *_, last = said(messages, "decisions")
    assert first["scores"].keys() == {"spam2"}
    compared = engine.learned()["spam"].compared
    assert (compared.promoted, len(compared)) == (True, 380)
    assert last["scores"]["spam"] == last["scores"]["spam2"]
