"""What events of a type go through: a routed event where it is needed, with all that is read on it."""

import pytest

from engine.core.domain.events import Event
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage, FixedScorer

RULES = """
version: 1
fields: {amount: number}
clusters:
  ring: {of: comment, share: [device_id], within: 1h}
counters:
  posts: {count: post, by: user_id, over: 1h}
  COUNTER
models:
  spam: {texts: [text]}
  wide: {numbers: [MODEL]}
rules:
  r: {event: EVENT, when: ['CLAUSE'], then: {flag: x}}
"""
USERS = "users: {distinct: user_id, of: post, by: ip, over: 1h}"
MEMBERS = "members: {distinct: user_id, by: ring, over: 1h}"


def written(clause: str, counter: str, event: str = "post", model: str = "posts") -> str:
    places = {"CLAUSE": clause, "COUNTER": counter, "EVENT": event, "MODEL": model}
    text = RULES
    for place, part in places.items():
        text = text.replace(place, part)
    return text


def fires(text: str, *documents: dict[str, object], kind: str = "post") -> bool:
    """Whether the rule holds at the last of these events."""
    book = load_rulebook({"rules.yaml": text})
    stage = ExampleStage(book, {name: FixedScorer(0.9) for name in book.models})
    found = False
    for place, document in enumerate(documents):
        fields = {"user_id": f"u{place}", "ip": "10.0.0.1", "device_id": "d", **document}
        event = Event(f"e{place}", kind, f"u{place}", 1_760_000_000_000 + place, fields, place)
        found = any(one.event_id == event.event_id and one.hits for one in stage.send(event))
    return found


def test_events_that_need_nothing_but_their_user_go_nowhere() -> None:
    program = load_rulebook({"rules.yaml": written("posts > 3", "")}).program("post")
    assert program is not None
    assert program.routing is None


def test_a_cluster_that_no_counter_asks_for_is_not_visited() -> None:
    text = written("posts > 3", "here: {count: comment, by: ip, over: 1h}", "comment")
    program = load_rulebook({"rules.yaml": text}).program("comment")
    assert program is not None
    assert program.routing is not None
    assert set(program.routing.entities) == {"ip"}
    assert not program.routing.clusters


def test_a_cluster_is_visited_by_the_events_that_it_links() -> None:
    book = load_rulebook({"rules.yaml": written("members > 1", MEMBERS, "any")})
    comment, other = book.program("comment"), book.program("other")
    assert comment is not None
    assert comment.routing is not None
    assert set(comment.routing.clusters) == {"ring"}
    assert other is not None
    assert other.routing is not None  # the rule is decided after it, and what it asks for is unknown
    assert not other.routing.clusters


@pytest.mark.parametrize(
    "clause",
    [
        "users > 1 and score.spam > 0.5",
        "users > 1 and score.wide > 0.5",
        "users > 1 and score.spam > 0.5 and score.wide > 0.5",
        "users > 1 and posts > 0",
        "users > 1 and amount > 1",
        "users > 1 and event.a.b > 1",
        'users > 1 and "a.com" in url_domain',
        'users > 1 and "odd" in invalid_fields',
    ],
)
@pytest.mark.parametrize("model", ["posts", "users", "amount"])
def test_what_a_rule_asks_for_is_there_when_events_are_back(clause: str, model: str) -> None:
    text = written(clause, USERS, model=model).replace("{amount: number}", "{amount: number, odd: number}")
    full: dict[str, object] = {"amount": 5, "a": {"b": 5}, "text": "see https://a.com", "odd": "x"}
    assert fires(text, full, full)
    assert not fires(text, full)  # of one user alone


@pytest.mark.parametrize(
    ("counter", "documents", "count"),
    [
        ("{distinct: url_domain, of: post, by: ip, over: 1h}",
         [{"text": "https://a.com"}, {"text": "https://b.com"}, {"text": "https://b.com"}], 2),
        ("{distinct: event.x.y, of: post, by: ip, over: 1h}", [{"x": {"y": "a"}}, {"x": {"y": "b"}}], 2),
        ("{sum: amount, of: post, by: ip, over: 1h}", [{"amount": 2}, {"amount": 3}], 5),
        ("{count: post, by: ip, over: 1h}", [{"ip": "10.0.0.2"}, {"ip": "::ffff:10.0.0.2"}], 2),
        ("{count: post, by: device_id, over: 1h}", [{"device_id": "10.0.0.2"}, {"device_id": "::ffff:10.0.0.2"}], 1),
        ("{count: post, by: [ip, device_id], over: 1h}", [{}, {"device_id": "other"}, {}], 2),
        ("{count: post, by: ip, over: 1h, where: amount > 1}", [{"amount": 2}, {"amount": 1}, {"amount": 3}], 2),
        ("{count: post, by: event.x.y, over: 1h}", [{"x": {"y": "a"}}, {"x": {"y": "a"}}], 2),
    ],
)  # fmt: skip
def test_counters_of_other_entities_count_what_events_bring_along(
    counter: str, documents: list[dict[str, object]], count: int
) -> None:
    assert fires(written(f"c == {count}", f"c: {counter}"), *documents)


def test_a_hit_at_an_entity_takes_along_what_counters_of_the_user_read() -> None:
    """The rule is decided after the device; what its hits add to the user's own counters reads the post."""
    text = """
version: 1
fields: {amount: number}
counters:
  users: {distinct: user_id, of: post, by: ip, over: 1h}
  spent: {sum: amount, of: hit.crowd, by: user_id, over: 1h}
  loud: {count: hit.crowd, where: '"buy" in text', by: user_id, over: 1h}
rules:
  crowd: {event: post, when: [users >= 1], then: {flag: x}}
  again: {event: post, when: [spent >= 5 and loud >= 1], then: {flag: x}}
"""
    program = load_rulebook({"rules.yaml": text}).program("post")
    assert program is not None
    assert program.routing is not None
    assert {"amount", "text"} <= set(program.routing.carried)
    stage, hits = ExampleStage(load_rulebook({"rules.yaml": text}), {}), []
    for place in range(2):
        fields = {"user_id": "u", "ip": "10.0.0.1", "amount": 5, "text": "buy it"}
        event = Event(f"e{place}", "post", "u", 1_760_000_000_000 + place, fields, place)
        hits.append({hit.rule for one in stage.send(event) for hit in one.hits})
    assert hits == [{"crowd"}, {"crowd", "again"}]


FURTHER = """
version: 1
fields: {amount: number}
counters:
  of_second: {sum: amount, of: hit.second, by: COUNTED_BY, over: 1h}
  of_actions: {count: action.limit, where: amount > 1, by: COUNTED_BY, over: 1h}
  seen: {count: hit.first, by: ip, over: 1h}
rules:
  first: {event: post, when: [amount > 0], then: {flag: x}}
  second: {event: hit.first, when: ['CLAUSE'], then: {limit: x}}
  r: {event: comment, when: ['READS'], then: {flag: x}}
"""


@pytest.mark.parametrize("reads", ["of_second == 10", "of_actions == 2"])
@pytest.mark.parametrize("clause", ["known(user_id)", "seen > 0"])
@pytest.mark.parametrize("counted_by", ["user_id", "device_id"])
def test_what_follows_from_a_follow_up_has_the_fields_of_its_event(reads: str, clause: str, counted_by: str) -> None:
    text = FURTHER.replace("READS", reads).replace("CLAUSE", clause).replace("COUNTED_BY", counted_by)
    stage = ExampleStage(load_rulebook({"rules.yaml": text}), {})
    for place, kind in enumerate(("post", "post", "comment")):
        fields = {"user_id": "u", "ip": "10.0.0.1", "device_id": "d", "amount": 5}
        made = stage.send(Event(f"e{place}", kind, "u", 1_760_000_000_000 + place, fields, place))
    assert [hit.rule for decision in made for hit in decision.hits] == ["r"]


@pytest.mark.parametrize(
    ("clause", "fields"),
    [
        ('"amount" in invalid_fields', {"amount": "many"}),
        ("not known(clock_skew)", {"clock_skew": None}),
        ("clock_skew < 5s", {}),
    ],
)
@pytest.mark.parametrize("beside", ["known(user_id)", "seen >= 0"])
def test_a_rule_about_a_follow_up_reads_what_is_found_out_about_its_event(
    clause: str, fields: dict[str, object], beside: str
) -> None:
    text = FURTHER.replace("amount > 0", "known(type)").replace("CLAUSE", f"{beside} and ({clause})")
    text = text.replace("READS", "known(event.never)").replace("COUNTED_BY", "user_id")
    stage = ExampleStage(load_rulebook({"rules.yaml": text}), {})
    made = stage.send(
        Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", "type": "post", "ip": "10.0.0.1", **fields})
    )
    assert [hit.rule for decision in made for hit in decision.hits] == ["second", "first"]


@pytest.mark.parametrize("device", [None, "d"])
def test_a_rule_about_a_follow_up_that_names_no_entity_holds_by_its_other_clauses(device: str | None) -> None:
    text = written("known(user_id)", "here: {count: post, by: device_id, over: 1h}", "label.spam")
    text = text.replace("when: ['known(user_id)']", "any: [here >= 3, known(user_id)]")
    assert fires(text, {"device_id": device}, kind="label.spam")


LEAVING_OUT = """
version: 1
lists: {shared: {values: [d]}}
counters:
  seen: {count: hit.first, by: device_id, over: 1h}
  loud: {count: hit.second, by: device_id, over: 1h, except: lists.shared}
rules:
  first: {event: post, when: [known(user_id)], then: {flag: x}}
  second: {event: post, when: [known(user_id)], then: {flag: x}}
  r: {event: comment, when: ['CLAUSE'], then: {flag: x}}
"""


@pytest.mark.parametrize(("clause", "holds"), [("seen == 1", True), ("known(loud)", False)])
@pytest.mark.parametrize("turned", [False, True])
def test_an_entity_that_one_counter_of_follow_ups_leaves_out_is_there_for_another(
    clause: str, holds: bool, turned: bool
) -> None:
    """Whichever type of follow-ups comes first."""
    text = LEAVING_OUT.replace("CLAUSE", clause)
    if turned:
        text = text.replace("hit.first", "hit.?").replace("hit.second", "hit.first").replace("hit.?", "hit.second")
    stage = ExampleStage(load_rulebook({"rules.yaml": text}), {})
    for place, kind in enumerate(("post", "comment")):
        fields = {"user_id": "u", "device_id": "d"}
        made = stage.send(Event(f"e{place}", kind, "u", 1_760_000_000_000 + place, fields, place))
    assert [hit.rule for decision in made for hit in decision.hits] == ["r"] * holds
