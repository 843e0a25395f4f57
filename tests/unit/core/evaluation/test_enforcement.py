"""What comes of rules that hold: ladders, budgets, plans."""

from random import Random
from typing import Any

import orjson
import pytest

from engine.core.domain.events import FieldMapping
from engine.core.domain.rules import changed_rules
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_760_000_000_000 // DAY * DAY

LADDER = """
version: 1
ladders:
  spam:
    decay: 10d
    steps:
      - {at: 2, challenge: captcha}
      - {at: 3, limit: posting, for: 24h}
      - {at: 4, suspend: account, needs: review}
"""
STRIKE = """
rules:
  bad:
    event: post
    when: [event.bad is_true]
    then: {ladder: spam}
    meta: {reason: bad_post, tell: Please be kind.}
""".replace("event.bad is_true", "event.bad == 1")


def run(rules: str, events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Decisions with hits, and actions."""
    arrivals = [
        Arrival("event", one["ts"], orjson.dumps({"event_id": f"e{n}", "type": "post", "user_id": "ann", **one}))
        for n, one in enumerate(events)
    ]
    engine = OfflineEngine(load_rulebook({"rules.yaml": rules}), Settings(decision_sample=0.0))
    told: dict[str, list[dict[str, Any]]] = {"decisions": [], "actions": []}
    for message in engine.run(arrivals):
        told[message.topic].append(orjson.loads(message.value))
    return told["decisions"], told["actions"]


def bad(*days: float) -> list[dict[str, Any]]:
    return [{"ts": T0 + int(day * DAY), "bad": 1} for day in days]


def effects(decisions: list[dict[str, Any]]) -> list[str]:
    return [hit["effect"] for one in decisions for hit in one["hits"]]


def test_a_late_event_is_not_the_first_strike() -> None:
    _, actions = run(LADDER + STRIKE, [*bad(0, 1, 2, 3), {"ts": T0 + 3 * DAY - 10, "bad": 1}])
    assert [one["kind"] for one in actions] == ["challenge", "limit", "suspend", "suspend"]


def test_who_is_met_again_and_again_climbs() -> None:
    decisions, actions = run(LADDER + STRIKE, bad(0, 1, 2, 3, 4))
    assert effects(decisions) == ["strike", "acted", "acted", "acted", "acted"]
    assert decisions[0]["outcome"] == "strike"
    assert [(one["kind"], one.get("for_ms"), one.get("needs")) for one in actions] == [
        ("challenge", None, None),
        ("limit", DAY, None),
        ("suspend", None, "review"),
        ("suspend", None, "review"),
    ]
    assert all(one["tell"] == "Please be kind." and one["reason"] == "bad_post" for one in actions)
    assert actions[0]["explanation"] == "event.bad = 1 == 1, 2nd strike on ladder spam"


def test_strikes_are_forgotten() -> None:
    _, actions = run(LADDER + STRIKE, bad(0, 1, 11.5, 12, 12.1))
    assert [one["kind"] for one in actions] == ["challenge", "challenge", "limit"]


def test_two_rules_on_one_event_are_one_strike() -> None:
    twin = STRIKE.replace("rules:", "").replace("bad:", "twin:")
    _, actions = run(LADDER + STRIKE + twin, bad(0, 1))
    assert [(one["rule"], one["kind"]) for one in actions] == [("bad", "challenge"), ("twin", "challenge")]


def test_a_rule_in_shadow_has_strikes_of_its_own() -> None:
    shadow = (
        STRIKE.replace("rules:", "").replace("bad:", "trial:").replace("event: post", "event: post\n    mode: shadow")
    )
    decisions, actions = run(LADDER + STRIKE + shadow, bad(0, 1, 2))
    assert [(one["rule"], one["kind"]) for one in actions] == [("bad", "challenge"), ("bad", "limit")]
    trial = [hit["clauses"][-1]["value"] for one in decisions for hit in one["hits"] if hit["rule"] == "trial"]
    assert trial == [1, 2, 3]


def test_an_event_that_is_sent_twice_strikes_once() -> None:
    _, actions = run(LADDER + STRIKE, [*bad(0), {"ts": T0, "bad": 1, "event_id": "e0"}, *bad(1)])
    assert [one["kind"] for one in actions] == ["challenge"]


BUDGET = """
version: 1
rules:
  careful:
    event: post
    when: [event.n >= {limit}]
    then: {{limit: posting}}
    budget: {{max: 10%, per: 1h, if_exceeded: {then}}}
"""


def crowd(minutes: range, n: int = 5) -> list[dict[str, Any]]:
    """A hundred users, each a post in every minute."""
    return [
        {"ts": T0 + minute * MINUTE + user, "user_id": f"u{user}", "n": user % n}
        for minute in minutes
        for user in range(100)
    ]


def test_a_rule_that_would_act_on_too_many_stops_by_itself_and_comes_back() -> None:
    rules = BUDGET.format(limit=1, then="shadow")
    decisions, actions = run(rules, crowd(range(10)))
    assert len({one["user_id"] for one in actions}) <= 11
    assert "budget" in effects(decisions)
    calm = [{"ts": T0 + 3 * HOUR + user, "user_id": f"u{user}", "n": int(user == 70)} for user in range(100)]
    _, again = run(rules, crowd(range(10)) + calm)
    assert [one["user_id"] for one in again[len(actions) :]] == ["u70"]


@pytest.mark.parametrize("few", [False, True], ids=["too many", "few enough"])
def test_a_budget_does_not_depend_on_the_order_of_arrival(few: bool) -> None:
    events = [{**one, "n": int(not few or one["user_id"].endswith("4"))} for one in crowd(range(10))]
    jittered = sorted(events, key=lambda one: one["ts"] + Random(str(one)).randrange(3_000))
    ahead = [{**events[0], "ts": T0 + 20 * HOUR, "n": 1}, *events]
    for stream in (events, jittered, ahead):
        _, actions = run(BUDGET.format(limit=1, then="shadow").replace("10%", "25%"), stream)
        users = {one["user_id"] for one in actions}
        assert len(users) >= 10 if few else len(users) <= 26


def test_within_its_budget_it_acts_on_the_same_users_again_and_again() -> None:
    decisions, actions = run(BUDGET.format(limit=1, then="shadow"), crowd(range(5), n=1) + [
        {"ts": T0 + 6 * MINUTE + n, "user_id": "u1", "n": 3} for n in range(20)
    ])  # fmt: skip
    assert len(actions) == 20
    assert set(effects(decisions)) == {"acted"}


@pytest.mark.parametrize(("before", "stopped"), [(9, True), (2, False)], ids=["a bad edit", "a surge"])
def test_what_the_rule_would_have_done_before_its_last_change_tells_an_edit_from_a_surge(
    before: int, stopped: bool
) -> None:
    old, new = (
        load_rulebook({"rules.yaml": BUDGET.format(limit=limit, then="shadow unless before")}) for limit in (before, 1)
    )
    engine = OfflineEngine(new, Settings(decision_sample=0.0), before=old)
    arrivals = [
        Arrival("event", 0, orjson.dumps({"event_id": f"e{n}", "type": "post", **one}))
        for n, one in enumerate(crowd(range(10)))
    ]
    acted = {orjson.loads(one.value)["user_id"] for one in engine.run(arrivals) if one.topic == "actions"}
    assert len(acted) <= 11 if stopped else len(acted) == 80


def test_promoting_a_rule_is_no_change_of_it() -> None:
    bad, shadow = (BUDGET.format(limit=limit, then="shadow unless before") for limit in (1, 9))
    first = load_rulebook({"rules.yaml": shadow})
    second = load_rulebook({"rules.yaml": bad.replace("event: post", "event: post\n    mode: shadow")})
    third = load_rulebook({"rules.yaml": bad.replace("limit: posting", "hide: it")})
    before = changed_rules(first, second, {})
    assert changed_rules(second, third, before) == {"careful": first}


def test_a_budget_has_its_own_window() -> None:
    budget = "budget: {max: 1%, per: 7d, if_exceeded: shadow}"
    others = f"  long: {{event: post, when: [event.n > 99], then: {{flag: x}}, {budget}}}\n"
    few = [{**one, "n": int(one["user_id"].endswith("4"))} for one in crowd(range(90))]
    for more in ("", others):
        _, actions = run(BUDGET.format(limit=1, then="shadow").replace("10%", "25%") + more, few)
        assert len({one["user_id"] for one in actions}) == 10


def test_one_event_from_the_future_does_not_stop_the_clock() -> None:
    events = [{**one, "n": int(one["user_id"].endswith("4"))} for one in crowd(range(240))]
    for stream in (events, [{**events[0], "ts": T0 + 20 * HOUR, "event_id": "ahead"}, *events]):
        _, actions = run(BUDGET.format(limit=1, then="shadow").replace("10%", "25%"), stream)
        assert len(actions) >= 0.9 * 10 * 240


def test_the_rule_of_before_asks_no_model_anew() -> None:
    model = "models: {spam: {texts: [text], numbers: [event.n], min_labels: 0}}\nrules:"
    rules = BUDGET.format(limit=1, then="shadow unless before").replace("rules:", model)
    old, new = rules.replace("event.n >= 1", "score.spam > 0.1"), rules.replace("[event.n]", "[event.n, event.m]")
    other = "  other: {event: post, when: [score.spam > 0.99, event.n > 100], then: {flag: x}}\n"
    engine = OfflineEngine(load_rulebook({"r.yaml": new + other}), Settings(), before=load_rulebook({"r.yaml": old}))
    arrivals = [
        Arrival("event", 0, orjson.dumps({"event_id": f"e{n}", "type": "post", "text": "hello", **one}))
        for n, one in enumerate(crowd(range(2)))
    ]
    assert "dead-letters" not in {message.topic for message in engine.run(arrivals)}


def test_the_version_before_is_the_one_in_which_the_rule_was_different() -> None:
    first, second, third = (
        load_rulebook({"rules.yaml": BUDGET.format(limit=limit, then="shadow") + f"# {n}\n"})
        for n, limit in enumerate((5, 1, 1))
    )
    before = changed_rules(first, second, {})
    assert before == {"careful": first}
    assert changed_rules(second, third, before) == {"careful": first}
    assert changed_rules(second, second, {}) == {}


PLAN = """
version: 1
rules:
  planned:
    event: post
    when: [event.n >= 0]
    then: {limit: posting}
    plan: {from: "2025-10-09T00:00", shadow: 24h, canary: 30%, canary_for: 24h}
"""


def test_a_plan_rolls_a_rule_out_by_the_clock() -> None:
    start = 1_759_968_000_000  # 2025-10-09
    for hours, low, high in ((-1, 0, 0), (1, 0, 0), (25, 15, 45), (49, 100, 100)):
        events = [{"ts": start + hours * HOUR + user, "user_id": f"u{user}", "n": 1} for user in range(100)]
        decisions, actions = run(PLAN, events)
        assert low <= len(actions) <= high
        assert {hit["mode"] for one in decisions for hit in one["hits"]} == {
            {-1: "shadow", 1: "shadow", 25: "canary", 49: "enforce"}[hours]
        }


def test_a_pause_is_stronger_than_a_plan() -> None:
    rulebook = load_rulebook({"rules.yaml": PLAN}).pausing({"planned"})
    assert rulebook.rules[0].plan == ()
    assert rulebook.rules[0].mode == "shadow"


RESTING = """
version: 1
counters:
  posts: {count: post, by: user_id, over: 1m}
rules:
  flood: {event: post, when: [posts > 3], then: {limit: posting}, cooldown: {per: user_id, for: 1h}MODE}
"""


def test_what_did_not_act_finds_nobody_resting_once_it_acts() -> None:
    """From shadow to enforce and back: each has a cooldown of its own."""
    record, effects = EntityRecord(), []
    for number in range(20):
        mode = ", mode: shadow" if number < 10 else ""
        book = load_rulebook({"r.yaml": RESTING.replace("MODE", mode)})
        program = book.program("post")
        assert program is not None
        event = FieldMapping().read(
            {"event_id": f"e{number}", "type": "post", "user_id": "u", "ts": 1_760_000_000_000 + number}, content=number
        )
        decision = Evaluator(book, {}).evaluate(event, program, record).decision
        effects.append(decision.hits[0].effect if decision is not None else None)
    assert effects == [None] * 3 + ["shadow"] + ["cooldown"] * 6 + ["acted"] + ["cooldown"] * 9


SEVERAL = """
version: 1
fields: {owner: text}
rules:
  reported:
    event: report
    when: [event.n >= 3]
    then: [{remove: post, target: target_id, for: 1h}, {review: post}, {warn: owner, target: owner}]
    cooldown: {per: user_id, for: 1h}
"""


def reports(*ns: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"ts": T0 + n, "type": "report", "n": n, "target_id": "p1", **fields} for n in ns]


def test_a_rule_does_several_things_on_one_hit() -> None:
    decisions, actions = run(SEVERAL, reports(1, 3, 4, owner="bob"))
    assert effects(decisions) == ["acted", "cooldown"]
    assert [(one["kind"], one["target"]["type"], one["target"]["id"], one.get("for_ms")) for one in actions] == [
        ("remove", "target_id", "p1", HOUR), ("review", "user", "ann", None), ("warn", "owner", "bob", None)
    ]  # fmt: skip
    assert len({one["action_id"] for one in actions}) == 3


def test_the_first_of_several_actions_has_the_id_of_the_only_one() -> None:
    alone = SEVERAL.replace("then: [", "then: ").replace(", {review: post}, {warn: owner, target: owner}]", "")
    assert run(SEVERAL, reports(3))[1][0]["action_id"] == run(alone, reports(3))[1][0]["action_id"]


def test_what_the_event_does_not_name_is_left_out_beside_the_first_action() -> None:
    _, actions = run(SEVERAL, reports(3))
    assert [one["kind"] for one in actions] == ["remove", "review"]
    decisions, actions = run(SEVERAL, reports(3, target_id=None))
    assert (effects(decisions), actions) == (["no_target"], [])


def test_all_actions_meet_those_who_came_before() -> None:
    rules = """
version: 1
counters: {users: {distinct: user_id, of: post, by: ip, over: 1h}}
rules:
  swarm:
    event: post
    when: [users >= 3]
    then: [{hide: content, target: event, also: earlier, lookback: 1h}, {limit: posting}]
"""
    _, actions = run(rules, [{"ts": T0 + n, "user_id": f"u{n}", "ip": "192.0.2.1"} for n in range(3)])
    done = [(one["user_id"], one["kind"], one["target"]["id"]) for one in actions]
    assert sorted(done) == sorted(
        [*((f"u{n}", "hide", f"e{n}") for n in range(3)), *((f"u{n}", "limit", f"u{n}") for n in range(3))]
    )


TOLD = """
version: 1
fields: {nick: text}
counters:
  posts: {count: post, by: user_id, over: 1h}
  on_device: {distinct: user_id, of: post, by: device_id, over: 1h}
rules:
  busy:
    event: post
    when: [on_device >= 2]
    then: [{limit: posting, also: earlier, lookback: 1h}, {warn: user, tell: "{nick|you}: {device_id}"}]
    meta: {tell: "{posts} posts, {on_device|several} on a device"}
"""


def test_users_are_told_what_the_decision_saw() -> None:
    one = {"device_id": "d", "nick": "Ann"}
    _, actions = run(TOLD, [{**one, "ts": T0, "user_id": "bob"}, {**one, "ts": T0 + 1}])
    told = {(action["user_id"], action["kind"]): action["tell"] for action in actions}
    assert told == {
        ("ann", "limit"): "1 posts, 2 on a device", ("ann", "warn"): "Ann: d",
        ("bob", "limit"): "? posts, several on a device", ("bob", "warn"): "you: ?",
    }  # fmt: skip


DOMAINS = """
version: 1
counters: {users: {distinct: user_id, of: post, by: url_domain, over: 1h}}
rules:
  swarm: {event: post, when: [users >= 2], then: {flag: domain, target: url_domain}}
  listed: {event: post, when: [event.bad == 1], then: [{flag: user}, {flag: net, target: ip_prefix}]}
  linked: {event: post, when: [event.bad == 1], then: {hide: link, target: url_domain}}
"""


def test_a_rule_acts_on_the_domains_at_which_it_holds() -> None:
    links = ["http://a.com http://b.com http://c.com", "http://x.com http://c.com http://b.com"]
    _, actions = run(DOMAINS, [{"ts": T0 + n, "user_id": f"u{n}", "text": text} for n, text in enumerate(links)])
    assert [(one["rule"], one["target"]["type"], one["target"]["id"]) for one in actions] == [
        ("swarm", "url_domain", "c.com"), ("swarm", "url_domain", "b.com")
    ]  # fmt: skip
    assert len({one["action_id"] for one in actions}) == 2


def test_a_rule_that_does_not_count_by_them_acts_on_all_that_the_event_names() -> None:
    text = " ".join(f"http://site{n}.com" for n in range(20))
    decisions, actions = run(DOMAINS, [{"ts": T0, "bad": 1, "ip": "192.0.2.7", "text": text}, {"ts": T0 + 1, "bad": 1}])
    done = [(one["rule"], one["kind"], one["target"]["id"]) for one in actions]
    assert done[:2] == [("listed", "flag", "ann"), ("listed", "flag", "192.0.2.0/24")]
    assert len({target for rule, _, target in done if rule == "linked"}) == 16
    assert done[18:] == [("listed", "flag", "ann")]
    assert sorted(effects(decisions)) == ["acted", "acted", "acted", "no_target"]
