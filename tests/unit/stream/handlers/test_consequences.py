"""What has followed from an action or a label goes with it when it is taken back: that, and nothing else."""

from typing import Any

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.scored import CONSEQUENCE
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.label_messages import encode_revocation
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
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

    def post(self, bad: int = 0, **fields: Any) -> tuple[list[Any], list[str], list[str]]:
        """What the counters say at a post, the rules that it meets, and the ids of its actions."""
        self._number += 1
        ts = START_MS + 1_000 * self._number
        post = {"event_id": f"p{self._number}", "type": "post", "user_id": "u", "device_id": "d", "ts": ts, "bad": bad}
        post |= fields
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


def test_actions_on_events_of_one_id_are_revoked_one_by_one(bench: Bench) -> None:
    (hidden, _), (again, _) = bench.post(bad=1, event_id="p")[2], bench.post(bad=1, event_id="p", device_id="d2")[2]
    assert hidden != again
    assert bench.post()[0] == [1, 2, 2]
    bench.revoke(hidden)
    assert bench.post()[0] == [0, 1, 1]
    assert bench.post(device_id="d2")[0] == [1, 2, 1]


def test_an_unknown_action_takes_nothing_back(bench: Bench) -> None:
    bench.post(bad=1)
    bench.revoke("0" * 16)
    assert bench.post()[0] == [1, 2, 1]


LABEL_RULES = """
version: 1
fields: {amount: number}
counters:
  posts:   {count: post, by: user_id, over: 1d}
  device:  {count: label.spam, by: device_id, over: 1d}
  cleared: {count: label.ham, by: device_id, over: 1d}
  own:     {count: label.spam, by: user_id, over: 1d}
  paid:    {sum: amount, of: label.spam, by: user_id, over: 1d}
  busy:    {count: label.spam, by: user_id, over: 1d, where: posts >= 2}
  theirs:  {count: label.spam, by: device_id, over: 1d, where: posts >= 2}
  large:   {distinct: user_id, of: label.spam, by: device_id, over: 1d, where: amount > 4}
  again:   {count: label.spam, by: user_id, over: 1d, where: own >= 2}
  relapse: {count: label.spam, by: device_id, over: 1d, where: own >= 2}
rules:
  asks:
    event: look
    when: [device >= 0, cleared >= 0, own >= 0, paid >= 0, busy >= 0, theirs >= 0, large >= 0, again >= 0,
           relapse >= 0]
    then: {flag: x}
    mode: shadow
"""
NOTHING = [0] * 9


class LabelBench:
    """An engine, and what its counters say."""

    def __init__(self) -> None:
        self.engine, self._now = OfflineEngine(load_rulebook({"r.yaml": LABEL_RULES}), Settings()), START_MS

    def send(self, event_id: str, device: str, kind: str = "post", ago: int = 0, **fields: Any) -> list[Any]:
        """What the counters say at an event, if it looks."""
        return self._run([self._event(event_id, device, kind, ago, **fields)])

    def send_all(self, *events: tuple[str, str]) -> None:
        """In one batch."""
        self._run([self._event(event_id, device) for event_id, device in events])

    def _event(self, event_id: str, device: str, kind: str = "post", ago: int = 0, **fields: Any) -> Arrival:
        self._now += 1_000
        event = {"event_id": event_id, "type": kind, "user_id": "u", "device_id": device, "ts": self._now - ago}
        event |= {"amount": 1} | fields
        return Arrival("event", self._now, orjson.dumps(event), self._now)

    def _run(self, arrivals: list[Arrival]) -> list[Any]:
        for message in self.engine.run(arrivals):
            if message.topic == "decisions":
                return [clause["value"] for hit in orjson.loads(message.value)["hits"] for clause in hit["clauses"]]
        return []

    def look(self, device: str) -> list[Any]:
        return self.send(f"look{self._now}", device, "look")

    def label(self, event_id: str, verdict: str, ts: int | None = None, **fields: Any) -> None:
        assert list(self.engine.run([self._label(event_id, verdict, ts, **fields)])) == []

    def label_all(self, *labels: tuple[str, str]) -> None:
        """In one batch."""
        assert list(self.engine.run([self._label(event_id, verdict) for event_id, verdict in labels])) == []

    def _label(self, event_id: str, verdict: str, ts: int | None = None, **fields: Any) -> Arrival:
        self._now += 1_000
        label = {"event_id": event_id, "user_id": "u", "type": "post", "label": verdict, "ts": ts or self._now} | fields
        return Arrival("label", self._now, orjson.dumps(label))


@pytest.fixture
def labelled() -> LabelBench:
    return LabelBench()


@pytest.mark.parametrize("verdict", ["retracted", "ham"])
def test_a_label_is_taken_back_where_it_entered_though_another_event_has_the_id_by_now(
    labelled: LabelBench, verdict: str
) -> None:
    labelled.send("e", "d1", amount=5)
    labelled.label("e", "spam")
    labelled.send("e", "d2", amount=3)
    assert labelled.look("d1") == [1, 0, 1, 5, 0, 0, 1, 0, 0]
    labelled.label("e", verdict)
    assert labelled.look("d1") == NOTHING
    cleared = int(verdict == "ham")
    assert labelled.look("d2") == [0, cleared, *[0] * 7]
    labelled.label("e", "spam")
    assert labelled.look("d2") == [1, 0, 1, 3, 1, 1, 0, 0, 0]
    labelled.label("e", "retracted")
    assert (labelled.look("d1"), labelled.look("d2")) == (NOTHING, NOTHING)


def test_labels_that_come_together_are_each_about_the_newest_event_of_their_id(labelled: LabelBench) -> None:
    """Though the older one lies beside another event that is looked up."""
    labelled.send_all(("e", "d1"), ("f", "d1"))
    labelled.send("e", "d2", amount=3)
    labelled.label_all(("e", "spam"), ("f", "spam"))
    assert (labelled.look("d1")[0], labelled.look("d2")[0]) == (1, 1)


def test_a_duplicate_does_not_make_a_label_be_about_the_older_event(labelled: LabelBench) -> None:
    first: dict[str, Any] = {"ts": START_MS + 500, "amount": 5}
    labelled.send("e", "d1", **first)
    labelled.send("e", "d2", amount=3)
    labelled.send("e", "d1", **first)
    labelled.label("e", "spam")
    assert (labelled.look("d1")[:4], labelled.look("d2")[:4]) == ([0, 0, 1, 3], [1, 0, 1, 3])


def test_verdicts_under_policies_of_their_own_are_taken_back_one_by_one(labelled: LabelBench) -> None:
    labelled.send("e", "d1", amount=5)
    for policy in ("scam", "ads"):
        labelled.label("e", "spam", policy=policy)
    labelled.send("e", "d2", amount=3)
    labelled.label("e", "retracted", policy="ads")
    assert (labelled.look("d1")[:4], labelled.look("d2")[:4]) == ([1, 0, 1, 5], [0, 0, 1, 5])


def test_what_the_users_counters_said_when_a_label_entered_is_what_counts_when_it_goes(labelled: LabelBench) -> None:
    """A late post changes what they say of that time; two labels of one time cannot be told apart by it."""
    ts = START_MS + 1_500
    labelled.send("e0", "d1")
    labelled.label("e0", "spam", ts)  # one post: it is not counted by `busy` and `theirs`
    labelled.send("e1", "d1", ago=1_700)
    labelled.label("e1", "spam", ts)
    assert labelled.look("d1")[4:6] == [1, 1]
    labelled.label("e0", "retracted")
    assert labelled.look("d1")[4:6] == [1, 1]
    labelled.label("e1", "retracted")
    assert labelled.look("d1") == NOTHING


def test_what_was_counted_by_a_condition_goes_though_it_would_not_hold_now(labelled: LabelBench) -> None:
    for event_id in ("e0", "e1"):
        labelled.send(event_id, "d1")
        labelled.label(event_id, "spam")
    assert labelled.look("d1") == [2, 0, 2, 2, 1, 1, 0, 1, 1]
    labelled.label("e0", "retracted")
    assert labelled.look("d1") == [1, 0, 1, 1, 1, 1, 0, 1, 1]
    labelled.label("e1", "retracted")
    assert labelled.look("d1") == NOTHING


def test_a_verdict_that_is_given_again_for_the_same_time_counts_again(labelled: LabelBench) -> None:
    labelled.send("e", "d1", amount=5)
    for verdict in ("spam", "retracted", "spam"):
        labelled.label("e", verdict, START_MS + 1_500)
    assert labelled.look("d1")[:4] == [1, 0, 1, 5]
