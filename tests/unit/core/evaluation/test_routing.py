"""Counting over entities that no user owns: several values, allow rules, those who came before, clusters."""

from typing import Any

import pytest

from engine.core.domain.decisions import Action, Decision
from engine.core.domain.events import FieldMapping
from engine.core.domain.programs import ModelNumbers
from engine.core.evaluation.routing import MAX_COMBINATIONS
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage, FixedScorer
from tests.events import routed_event

START_MS = 1_760_000_000_000

DOMAIN = """
counters:
  users: {distinct: user_id, of: post, by: url_domain, over: 10m}
"""


class Platform:
    """All entities in one place; events sent by the test."""

    def __init__(self, rules: str, score: float | None = None) -> None:
        rulebook = load_rulebook({"rules.yaml": "version: 1\n" + rules})
        self.stage = ExampleStage(rulebook, {name: FixedScorer(score) for name in rulebook.models}, sample=1.0)
        self.sent = 0

    def send(self, user: str, at_s: float, **fields: Any) -> list[Decision]:
        self.sent += 1
        document = {"event_id": f"e{self.sent}", "type": "post", "user_id": user, "ts": START_MS + int(at_s * 1000)}
        return self.stage.send(FieldMapping().read({**document, **fields}))

    def actions(self, user: str, at_s: float, **fields: Any) -> list[Action]:
        return [action for decision in self.send(user, at_s, **fields) for action in decision.actions]


def told(actions: list[Action]) -> list[tuple[str, str]]:
    return [(action.event_id, action.rule) for action in actions]


def test_many_users_of_one_domain_are_counted_together() -> None:
    platform = Platform(DOMAIN + "rules: {swarm: {event: post, when: [users >= 3], then: {flag: x}}}")
    acted = [told(platform.actions(f"u{index}", index, text=f"https://a.com/{index}")) for index in range(4)]
    assert acted == [[], [], [("e3", "swarm")], [("e4", "swarm")]]


def test_a_rule_holds_when_it_holds_for_one_of_an_events_domains() -> None:
    """A popular link beside the bad one is no disguise, for ratios either."""
    rules = """
counters:
  users: {distinct: user_id, of: post, by: url_domain, over: 10m}
  posts: {count: post, by: url_domain, over: 10m}
derived:
  per_user: posts / users
rules:
  busy: {event: post, when: [per_user >= 3], then: {flag: x}}
"""
    platform = Platform(rules)
    for index in range(9):
        platform.send(f"u{index}", index, text="https://popular.com")
    assert [told(platform.actions("evil", 10 + index, text="bad.com popular.com")) for index in range(3)] == [
        [], [], [("e12", "busy")]
    ]  # fmt: skip


def test_fifteen_decoys_hide_no_domain() -> None:
    platform = Platform(DOMAIN + "rules: {r: {event: post, when: [users >= 3], then: {hide: content}}}\n")
    sent = [
        platform.actions(
            f"u{user}", user, urls=["https://evil.com", *(f"https://d{user}x{at}.com" for at in range(15))]
        )
        for user in range(3)
    ]
    assert [len(actions) for actions in sent] == [0, 0, 1]


def test_an_event_without_the_entity_knows_nothing_of_it() -> None:
    rules = "rules: {swarm: {event: post, when: ['users < 5'], then: {flag: x}}}"
    assert Platform(DOMAIN + rules).actions("u", 0, text="no link") == []


def test_keys_on_the_exception_list_are_not_counted() -> None:
    rules = """
lists: {famous: {values: [youtube.com]}}
counters:
  users: {distinct: user_id, of: post, by: url_domain, over: 10m, except: lists.famous}
rules: {any_use: {event: post, when: [users >= 1], then: {flag: x}}}
"""
    platform = Platform(rules)
    assert platform.actions("u", 0, text="https://youtube.com/x") == []
    assert platform.stage.entities == {}
    assert told(platform.actions("u", 1, text="https://youtube.com/x and a.com")) == [("e2", "any_use")]


def test_a_pair_is_an_entity_of_its_own() -> None:
    rules = """
counters: {notes: {count: message, by: [user_id, target_id], over: 1h}}
rules: {stalker: {event: message, when: [notes >= 3], then: {flag: x}}}
"""
    platform = Platform(rules)
    for target in ("a", "b", "a", "b"):
        assert platform.actions("u", platform.sent, type="message", target_id=target) == []
    assert told(platform.actions("u", 9, type="message", target_id="a")) == [("e5", "stalker")]


RETRO = (
    DOMAIN
    + """
fields: {age: number}
rules:
  swarm:
    event: post
    when: [users >= 3, age < 3]
    unless: [user_id == "staff"]
    then: {hide: content, target: event, also: earlier, lookback: 5m}
"""
)


def test_those_who_came_before_the_threshold_are_acted_on_when_it_is_crossed() -> None:
    platform = Platform(RETRO)
    for user, age in (("a", 1), ("old", 900)):
        assert platform.actions(user, platform.sent, age=age, text="a.com") == []
    actions = platform.actions("d", 9, age=2, text="a.com")
    assert told(actions) == [("e1", "swarm"), ("e3", "swarm")]
    assert [action.earlier for action in actions] == [True, False]
    assert actions[0].explanation == "1st of 3 accounts with url_domain a.com within 10m"
    assert (actions[0].target_id, actions[0].ts_ms) == ("e1", START_MS)
    assert told(platform.actions("f", 20, age=1, text="a.com")) == [("e4", "swarm")]
    assert platform.actions("staff", 21, age=1, text="a.com") == []


def test_an_account_keeps_its_place_in_all_of_its_events() -> None:
    platform = Platform(RETRO)
    for user in ("a", "b", "b", "a"):
        platform.send(user, platform.sent, age=1, text="a.com")
    actions = platform.actions("c", 9, age=1, text="a.com")
    assert [action.explanation.split(" accounts")[0] for action in actions[:4]] == [
        "1st of 3", "2nd of 3", "2nd of 3", "1st of 3"
    ]  # fmt: skip


def test_an_event_is_met_once_though_two_of_its_entities_cross() -> None:
    platform = Platform(RETRO)
    for user in ("a", "b"):
        platform.send(user, platform.sent, age=1, text="a.com b.com")
    first = platform.actions("c", 9, age=1, text="a.com")
    assert told(first) == [("e1", "swarm"), ("e2", "swarm"), ("e3", "swarm")]
    assert told(platform.actions("d", 10, age=1, text="b.com")) == [("e4", "swarm")]


def test_a_text_is_told_without_its_key() -> None:
    copied = RETRO.replace("url_domain", "text")
    platform = Platform(copied)
    for user in ("a", "b"):
        platform.send(user, platform.sent, age=1, text="earn money from user_partition, ask me how i did it")
    first, *_ = platform.actions("c", 9, age=1, text="EARN money from user_partition: ask me how I did it!")
    assert first.explanation == "1st of 3 accounts with the same text within 10m"


def test_the_lookback_is_how_far_back_it_reaches() -> None:
    platform = Platform(RETRO)
    for user, at_s in (("a", 0), ("b", 100), ("c", 300)):
        actions = platform.actions(user, at_s, age=1, text="a.com")
    assert told(actions) == [("e2", "swarm"), ("e3", "swarm")]


def test_a_late_event_that_was_missing_brings_the_others_in() -> None:
    platform = Platform(RETRO)
    for user, at_s in (("a", 0), ("c", 20)):
        assert platform.actions(user, at_s, age=1, text="a.com") == []
    assert sorted(told(platform.actions("b", 10, age=1, text="a.com"))) == [
        ("e1", "swarm"), ("e2", "swarm"), ("e3", "swarm")
    ]  # fmt: skip


def test_an_action_on_an_earlier_event_has_the_id_that_it_would_have_had_at_once() -> None:
    at_once, later = Platform(RETRO), Platform(RETRO)
    for user, at_s in (("a", 0), ("b", 1)):
        at_once.send(user, at_s, age=900, text="a.com")
        later.send(user, at_s + 2, age=900, text="a.com")
    first = at_once.actions("x", 5, age=1, text="a.com")
    assert told(first) == [("e3", "swarm")]
    later = Platform(RETRO)
    later.send("x", 5, event_id="e3", age=1, text="a.com")
    later.send("a", 6, age=900, text="a.com")
    (second,) = later.actions("b", 7, age=900, text="a.com")
    assert second.action_id == first[0].action_id


def test_a_cooldown_holds_for_earlier_events_too() -> None:
    cooled = RETRO.replace("target: event, ", "").replace(
        "lookback: 5m}", "lookback: 5m}\n    cooldown: {per: user_id, for: 1h}"
    )
    platform = Platform(cooled)
    for user in ("a", "a", "b"):
        platform.send(user, platform.sent, age=1, text="a.com")
    assert told(platform.actions("c", 9, age=1, text="a.com")) == [("e1", "swarm"), ("e3", "swarm"), ("e4", "swarm")]


def test_a_shadow_rule_that_looks_back_only_tells() -> None:
    platform = Platform(RETRO.replace("    unless:", "    mode: shadow\n    unless:"))
    for user in ("a", "b"):
        platform.send(user, platform.sent, age=1, text="a.com")
    decisions = platform.send("c", 9, age=1, text="a.com")
    assert [decision.outcome for decision in decisions] == ["shadow"] * 3
    assert not any(decision.actions for decision in decisions)


def test_an_allow_rule_beats_rules_that_are_decided_after_its_entities() -> None:
    allowed = RETRO + "  trusted: {event: post, when: [event.trusted], then: allow}\n"
    platform = Platform(allowed)
    for user in ("a", "b", "c"):
        assert platform.actions(user, platform.sent, age=1, trusted=True, text="a.com") == []
    assert told(platform.actions("d", 9, age=1, text="a.com")) == [("e4", "swarm")]


def test_an_allow_rule_that_needs_entities_is_waited_for() -> None:
    rules = (
        DOMAIN
        + """
  posts: {count: post, by: user_id, over: 1m}
rules:
  flood: {event: post, when: [posts > 1], then: {limit: posting}}
  shared: {event: post, when: [users >= 2], then: allow}
"""
    )
    platform = Platform(rules)
    platform.send("a", 0, text="a.com")
    platform.send("b", 1, text="a.com")
    (decision,) = platform.send("b", 2, text="a.com")
    assert decision.outcome == "allow"
    assert decision.actions == ()
    assert told(platform.actions("b", 3, text="c.com")) == [("e4", "flood")]


def test_rules_of_the_user_act_at_once_and_are_told_with_the_others() -> None:
    rules = (
        DOMAIN
        + """
  posts: {count: post, by: user_id, over: 1m}
rules:
  flood: {event: post, when: [posts > 1], then: {limit: posting}}
  swarm: {event: post, when: [users >= 2, posts > 1], then: {flag: x}}
"""
    )
    platform = Platform(rules)
    platform.send("a", 0, text="a.com")
    platform.send("b", 1, text="a.com")
    (decision,) = platform.send("b", 2, text="a.com")
    assert [hit.rule for hit in decision.hits] == ["flood", "swarm"]
    assert sorted(action.rule for action in decision.actions) == ["flood", "swarm"]
    assert {name: value for clause in decision.hits[1].clauses for name, value in clause.values.items()} == {
        "users": 2, "posts": 2
    }  # fmt: skip


def test_a_model_may_read_other_entities_counters() -> None:
    rules = (
        DOMAIN
        + """
models: {spam: {numbers: [users]}}
rules: {sure: {event: post, when: [score.spam > 0.5], then: {flag: x}}}
"""
    )
    platform = Platform(rules, score=0.9)
    assert told(platform.actions("a", 0, text="a.com")) == [("e1", "sure")]
    assert told(platform.actions("a", 1, text="no link")) == [("e2", "sure")]


class Reading(FixedScorer):
    """A model that notes the numbers it is given."""

    def __init__(self) -> None:
        super().__init__(0.9)
        self.read: list[ModelNumbers] = []

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        self.read.append(numbers)
        return super().score(place, key, numbers)


def test_each_model_is_given_its_numbers_at_the_user_or_after_its_entities() -> None:
    """No rule names them: the event brings what its models read."""
    rules = """
counters:
  users: {distinct: user_id, of: post, by: url_domain, over: 10m}
  posts: {count: post, by: user_id, over: 10m}
models: {away: {numbers: [posts, users]}, home: {numbers: [posts]}}
rules:
  sure: {event: post, when: [score.away > 0.5], then: {flag: x}}
  mine: {event: post, when: [score.home > 0.5], then: {flag: x}}
"""
    platform = Platform(rules)
    away, home = Reading(), Reading()
    platform.stage = ExampleStage(platform.stage.evaluator.rulebook, {"away": away, "home": home}, sample=1.0)
    for index, user in enumerate(("a", "b", "b")):
        assert told(platform.actions(user, index, text="a.com")) == [
            (f"e{index + 1}", rule) for rule in ("mine", "sure")
        ]
    assert away.read == [(1.0, 1.0), (1.0, 2.0), (2.0, 2.0)]
    assert home.read == [(1.0,), (1.0,), (2.0,)]


RING = """
clusters:
  ring: {of: [post, comment], share: [device_id, ip], within: 1h, max_shared: 4}
counters:
  ring_users: {distinct: user_id, by: ring, over: 1h}
rules:
  big: {event: post, when: [ring_users >= 4], then: {review: ring}}
"""


def test_users_who_share_entities_are_one_cluster_across_its_links() -> None:
    platform = Platform(RING)
    for user, shares in (("a", {"device_id": "d1"}), ("b", {"device_id": "d1"}), ("c", {"ip": "1.1.1.1"}),
                         ("d", {"ip": "1.1.1.1"})):  # fmt: skip
        assert platform.actions(user, platform.sent, **shares) == []
    (decision,) = platform.send("b", 10, device_id="d1", ip="1.1.1.1")
    assert decision.outcome == "act"
    assert sorted(decision.members["ring"]) == ["a", "b", "c", "d"]
    assert told(platform.actions("a", 11, device_id="d1")) == [("e6", "big")]


def test_what_too_many_share_links_nobody() -> None:
    platform = Platform(RING)
    for index in range(20):
        assert platform.actions(f"u{index}", index, ip="1.1.1.1", device_id=f"d{index}") == [] or index < 5


def test_a_cluster_forgets_those_who_are_gone() -> None:
    platform = Platform(RING)
    for user in ("a", "b", "c", "d"):
        actions = platform.actions(user, platform.sent, device_id="d1")
    assert told(actions) == [("e4", "big")]
    assert platform.actions("d", 3 * 3600, device_id="d1") == []


def test_clusters_that_were_one_long_ago_are_not_one_for_ever() -> None:
    platform = Platform(RING.replace(">= 4", ">= 5"))
    for user in ("a", "b"):
        platform.send(user, platform.sent, device_id="d1")
    platform.send("c", 3, ip="1.1.1.1")
    platform.send("b", 4, device_id="d1", ip="1.1.1.1")
    month = 30 * 86_400
    for index, user in enumerate(("a", "p", "q")):
        assert platform.actions(user, month + index, device_id="d2") == []
    for index, user in enumerate(("b", "x", "y", "c")):
        assert platform.actions(user, month + 10 + index, device_id="d3") == []


def test_readings_combine_what_several_entities_answer() -> None:
    entity_keys, answers = [("k", "1"), ("k", "2"), ("m", "3")], [{"n": 5}, {"n": 6}, {"o": 7}]
    routed = routed_event(entity_keys=entity_keys, values={"own": 1}, answers=answers)
    assert routed.readings() == [{"own": 1, "n": 5, "o": 7}, {"own": 1, "n": 6, "o": 7}]
    assert routed.next_entity() is None


def test_no_order_keeps_two_entities_apart_that_an_event_names() -> None:
    entity_keys = [(kind, str(at)) for kind in "dkm" for at in range(16 if kind == "d" else 8)]
    answers = [{kind: int(key)} for kind, key in entity_keys]
    readings = routed_event(entity_keys=entity_keys, answers=answers).readings()
    assert len(readings) <= MAX_COMBINATIONS
    for one, other in ("dk", "dm", "km"):
        assert len({(reading[one], reading[other]) for reading in readings}) == (128 if one == "d" else 64)


@pytest.mark.parametrize(("domain", "friend"), [(0, 0), (15, 3), (7, 7)])
def test_a_rule_about_two_kinds_finds_them_among_decoys(domain: int, friend: int) -> None:
    rules = """
fields: {friends: list}
counters:
  users: {distinct: user_id, of: post, by: url_domain, over: 10m}
  named: {distinct: user_id, of: post, by: friends, over: 10m}
rules: {both: {event: post, when: [users >= 3, named >= 3], then: {flag: x}}}
"""
    platform, acted = Platform(rules), []
    for user in range(3):
        urls, friends = [f"d{user}x{at}.com" for at in range(15)], [f"f{user}x{at}" for at in range(7)]
        urls.insert(domain, "bad.com")
        friends.insert(friend, "victim")
        acted.append(told(platform.actions(f"u{user}", user, urls=urls, friends=friends)))
    assert acted == [[], [], [("e3", "both")]]


USUAL = """
fields: {paid: number}
counters:
  usual: {median: paid, of: post, by: target_id, over: 7d, before: true, at_least: 5}
rules: {far: {event: post, when: [paid > 10 * usual], then: {flag: x}}}
"""


@pytest.mark.parametrize("unreadable", ["x", True, 1e16, [1]])
def test_an_amount_that_cannot_be_read_silences_no_statistic_of_others(unreadable: object) -> None:
    platform = Platform(USUAL)
    for index in range(5):
        platform.send(f"u{index}", index, target_id="shop", paid=20)
    platform.send("evil", 10, target_id="shop", paid=unreadable)
    assert len(platform.actions("friend", 11, target_id="shop", paid=900)) == 1


def test_who_is_faster_than_a_counter_keeps_is_no_less_even() -> None:
    rules = """
counters: {rhythm: {stdev: gap, of: post, by: user_id, over: 1h, at_least: 10, cap: 30}}
rules: {clockwork: {event: post, when: [rhythm < 2s], then: {flag: x}}}
"""
    platform = Platform(rules)
    acted = [len(platform.actions("bot", 5 * index)) for index in range(60)]
    assert acted == [0] * 10 + [1] * 50


@pytest.mark.parametrize(
    ("position", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")]
)
def test_ordinals(position: int, text: str) -> None:
    from engine.core.domain.decisions import ordinal

    assert ordinal(position) == text
