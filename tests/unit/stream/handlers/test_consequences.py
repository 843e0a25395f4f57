"""What has followed from an action goes with it when it is revoked."""

from typing import Any

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.scored import CONSEQUENCE
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.label_messages import encode_revocation
from engine.stream.offline.engine import Arrival, OfflineEngine
from tests.events import START_MS

RULES = """
version: 1
marks: {watched: {by: device_id, for: 7d}}
counters:
  hits:  {count: hit.bad, by: device_id, over: 1d}
  acted: {count: action.any, by: device_id, over: 1d}
  own:   {count: hit.bad, by: user_id, over: 1d}
rules:
  bad:  {event: post, when: [event.bad == 1], then: [{hide: content}, {mark: watched}]}
  asks: {event: post, when: [hits >= 0, acted >= 0, own >= 0], then: {flag: x}, mode: shadow}
  met:  {event: post, when: [marked.watched], then: {flag: x}, mode: shadow}
"""


class Bench:
    """An engine, and what its counters say."""

    def __init__(self) -> None:
        self.engine, self._number = OfflineEngine(load_rulebook({"r.yaml": RULES}), Settings()), 0

    def post(self, bad: int = 0) -> tuple[list[Any], list[str], list[str]]:
        """What the counters say at a post, the rules that it meets, and the ids of its actions."""
        self._number += 1
        ts = START_MS + 1_000 * self._number
        post = {"event_id": f"p{self._number}", "type": "post", "user_id": "u", "device_id": "d", "ts": ts, "bad": bad}
        values, rules, actions = list[Any](), list[str](), list[str]()
        for message in self.engine.run([Arrival("event", ts, orjson.dumps(post))]):
            document = orjson.loads(message.value)
            if message.topic == "actions":
                actions.append(document["action_id"])
            elif message.topic == "decisions":
                rules = [hit["rule"] for hit in document["hits"]]
                values = [
                    clause["value"] for hit in document["hits"] if hit["rule"] == "asks" for clause in hit["clauses"]
                ]
        return values, rules, actions

    def revoke(self, action_id: str) -> None:
        revocation = encode_revocation(Revocation(action_id, "u", START_MS + 1_000 * self._number))
        assert list(self.engine.run([Arrival("label", START_MS, revocation)])) == []

    def notes(self) -> int:
        return sum(bytes(key).startswith(CONSEQUENCE) for key, _ in self.engine.database.items(from_key=CONSEQUENCE))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_action_takes_its_own_along_and_the_first_the_hit(bench: Bench) -> None:
    _, _, (hidden, marked) = bench.post(bad=1)
    assert bench.post()[:2] == ([1, 2, 1], ["asks", "met"])
    bench.revoke(marked)
    assert bench.post()[:2] == ([1, 1, 1], ["asks", "met"])
    bench.revoke(hidden)
    assert bench.post()[:2] == ([0, 0, 0], ["asks"])
    assert bench.notes() == 0


def test_a_revocation_that_comes_again_takes_nothing_more(bench: Bench) -> None:
    first, second = bench.post(bad=1)[2][0], bench.post(bad=1)[2][0]
    assert first != second
    for _ in range(2):
        bench.revoke(first)
    assert bench.post()[0] == [1, 3, 1]


def test_an_unknown_action_takes_nothing_back(bench: Bench) -> None:
    bench.post(bad=1)
    bench.revoke("0" * 16)
    assert bench.post()[0] == [1, 2, 1]
