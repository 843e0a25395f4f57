"""An event is decided once more from what is on the topic of events."""

from typing import Any

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin import retracing
from engine.stream.admin.retracing import retrace
from engine.stream.control import lists
from tests.events import START_MS
from tests.unit.stream.signed import record

RULES = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  acts_1m: {count: any, by: user_id, over: 1m}
rules:
  flood: {event: post, when: [posts_1m > 2, event.size > 5], then: {limit: posting}}
  busy: {event: any, when: [acts_1m > 9], then: {flag: x}}
  other: {event: login, when: [posts_1m > 2], then: {flag: x}}
"""


def posted(offset: int, user: str = "ann", event_id: str | None = None, **fields: Any) -> Any:
    event = {"event_id": event_id or f"e{offset}", "type": "post", "user_id": user, "ts": START_MS + offset, **fields}
    return record("events", user.encode(), orjson.dumps(event), offset=offset, timestamp=START_MS + offset)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    def retraced(event_id: str, *records: Any) -> Any:
        monkeypatch.setattr(retracing, "read_all", lambda *_: iter(records))
        return retrace(Settings(), load_rulebook({"rules.yaml": RULES}), {}, event_id)

    return retraced


def test_each_clause_of_the_rules_for_its_type_is_told(told: Any) -> None:
    junk = record("events", b"ann", b"junk e2", offset=2)
    found = told("e3", posted(0), posted(1, "ben"), junk, posted(3, size=4), posted(4))
    assert (found.event.event_id, found.replayed) == ("e3", 1)
    clauses = {rule: [(one.text, one.values, one.result) for one in some] for rule, some in found.rules.items()}
    assert clauses == {
        "flood": [("posts_1m > 2", {"posts_1m": 2}, False), ("event.size > 5", {"event.size": 4}, False)],
        "busy": [("acts_1m > 9", {"acts_1m": 2}, False)],
    }


def test_the_newest_event_of_an_id_is_meant(told: Any) -> None:
    found = told("e", posted(0, "ann", "e"), posted(1, "ben", "e"))
    assert (found.event.user_id, found.replayed) == ("ben", 0)


def test_what_a_user_did_before_there_were_so_many_partitions_came_before(told: Any) -> None:
    elsewhere = [posted(7), posted(8), posted(99)]
    for one in elsewhere:
        one.partition = 1
    found = told("e10", posted(10, size=4), *elsewhere)
    assert (found.event.event_id, found.replayed) == ("e10", 2)


def test_what_is_not_on_the_topic_cannot_be_told(told: Any) -> None:
    assert told("e9", posted(0)) is None


LISTED = """
version: 1
lists: {bad: {values: [x.example], live: true}}
rules: {bad_domain: {event: post, when: [url_domain in lists.bad], then: {flag: x}}}
"""


def test_what_is_on_a_live_list_now_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = record("rulebooks", b"list/bad/win.example", b'{"author":"mo","note":"","ts":0,"until_ms":null}')
    monkeypatch.setattr(retracing, "read_all", lambda *_: iter([posted(0, text="see https://win.example")]))
    monkeypatch.setattr(lists, "accepted", lambda _: iter([entry]))
    found = retrace(Settings(), load_rulebook({"rules.yaml": LISTED}), {}, "e0")
    assert found is not None
    assert [one.result for one in found.rules["bad_domain"]] == [True]
