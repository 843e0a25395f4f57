"""Events wait for their labels only where the label's follow-up has somewhere to go."""

import pytest

from engine.core.domain.events import Event
from engine.core.evaluation.follow_ups import bounded
from engine.core.kernel import hash_all
from engine.rulebook.compiler import load_rulebook
from engine.state.memory import MemoryDatabase
from engine.state.scored import ScoredBlocks
from engine.state.store import PartitionState
from engine.stream.handlers.kept_events import keep_events, kept_events

AT_DOMAINS = "spam: {count: label.spam, by: url_domain, over: 30d}"
AT_USERS = "mine: {count: label.spam, by: user_id, over: 30d}"
HITS = "hits: {count: hit.r, by: device_id, over: 1d}"
EVENTS = [
    Event("linked", "post", "ann", 1, {"url": "https://a.example/x", "device_id": "d"}),
    Event("plain", "post", "ann", 2, {"device_id": "d"}),
]


def kept_ids(*counters: str, rule: str = "event: post, when: [len(text) > 1]") -> set[str]:
    declared = "".join(f"  {counter}\n" for counter in counters)
    rulebook = load_rulebook(
        {"rules.yaml": f"version: 1\ncounters:\n{declared}rules:\n  r: {{{rule}, then: {{flag: x}}}}\n"}
    )
    blocks, database = ScoredBlocks(), MemoryDatabase()
    database.apply(keep_events(blocks, rulebook.follow_ups, EVENTS))
    state = PartitionState(lambda: database, 10)
    found = [
        one
        for ids in state.scored.find(database, hash_all([event.event_id for event in EVENTS])).values()
        for one in ids
    ]
    return {event.event_id for event in kept_events(state, found).values()}


@pytest.mark.parametrize("counters", [(AT_DOMAINS,), (AT_DOMAINS, HITS)])
def test_an_event_that_names_nothing_that_is_asked_about_is_not_kept(counters: tuple[str, ...]) -> None:
    assert kept_ids(*counters) == {"linked"}


def test_where_users_are_asked_about_all_are_kept() -> None:
    assert kept_ids(AT_USERS) == {"linked", "plain"}
    assert kept_ids(AT_DOMAINS, AT_USERS) == {"linked", "plain"}
    assert kept_ids(AT_DOMAINS, rule="event: label.spam, when: [spam > 1]") == {"linked", "plain"}


def test_what_is_found_out_about_an_event_is_kept_for_its_label() -> None:
    rule = "event: label.spam, when: [known(clock_skew), len(invalid_fields) > 0]"
    rulebook = load_rulebook(
        {"rules.yaml": f"version: 1\nfields: {{amount: number}}\nrules:\n  r: {{{rule}, then: {{flag: x}}}}\n"}
    )
    blocks, database = ScoredBlocks(), MemoryDatabase()
    event = Event("e", "post", "ann", 1, {"amount": "many", "clock_skew": None})
    database.apply(keep_events(blocks, rulebook.follow_ups, [event]))
    state = PartitionState(lambda: database, 10)
    ((found,),) = state.scored.find(database, hash_all(["e"])).values()
    (kept,) = kept_events(state, [found]).values()
    assert kept.fields == {"clock_skew": None, "invalid_fields": ["amount"]}


def test_what_is_nested_is_kept_as_something_that_cannot_be_read() -> None:
    kept = bounded({"amount": {"value": 5}, "tags": ["red", {"a": 1}, ["b"], None], "title": "t" * 2_000})
    assert kept == {"amount": {}, "tags": ["red", {}, {}], "title": "t" * 1_024}


@pytest.mark.parametrize("counter", [AT_DOMAINS, AT_USERS])
def test_events_of_a_type_that_nothing_else_asks_about_are_kept_too(counter: str) -> None:
    """What moderators have said of a post counts where the rules are about logins."""
    rule = "r: {event: login, when: [len(text) > 1], then: {flag: x}}"
    rulebook = load_rulebook({"rules.yaml": f"version: 1\ncounters:\n  {counter}\nrules:\n  {rule}\n"})
    assert rulebook.program("post") is not None
    assert load_rulebook({"rules.yaml": f"version: 1\nrules:\n  {rule}\n"}).program("post") is None
