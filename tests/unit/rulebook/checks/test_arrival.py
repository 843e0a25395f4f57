"""Which rules depend on the order between users; what is said to be independent of it is, in shuffled streams."""

from itertools import groupby
from random import Random

import orjson
import pytest

from engine.core.domain.rules import Rulebook
from engine.rulebook.checks.arrival import find_orders
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

RULES = """
version: 1
fields: {new: bool}
lists: {bad: {values: [x]}}
counters:
  own: {count: post, by: user_id, over: 1m}
  seen: {distinct: user_id, of: post, by: target_id, over: 1h}
  old: {count: post, by: target_id, over: 1h}
  paid: {count: post, by: user_id, over: 1h, where: profile.plan == "paid"}
tables: {profile: {topic: users, key: user_id, fields: {plan: text}}}
derived: {busy: seen > 3}
ladders: {up: {decay: 1d, steps: [{at: 1, flag: a}]}}
models:
  learns: {texts: [text], min_labels: 5}
  counts: {numbers: [old], min_labels: 5}
rules:
  alone: {event: post, when: [own > 2, user_id in lists.bad], then: {flag: a}, cooldown: {per: user_id, for: 1h}}
  shared: {event: post, when: [own > 2, busy], then: {flag: b}}
  scored: {event: post, when: [score.learns > 0.5], then: {flag: c}}
  counting: {event: post, when: [score.counts > 0.5], then: {flag: c}}
  back: {event: post, when: [seen >= 4, new], then: {flag: d, also: earlier, lookback: 1h}}
  rests_back:
    {event: post, when: [seen >= 4], then: {flag: d, also: earlier, lookback: 1h}, cooldown: {per: user_id, for: 1h}}
  sinks_back: {event: post, when: [seen >= 4, old < 9], then: {flag: d, also: earlier, lookback: 1h}}
  resting: {event: post, when: [seen >= 4], then: {flag: e}, cooldown: {per: target_id, for: 1h}}
  few: {event: post, when: [own > 2], then: {flag: f}, budget: {max: 1%, per: 1h, if_exceeded: shadow}}
  climbs: {event: post, when: [own > 2], then: {ladder: up}}
  climbs_too: {event: post, when: [seen > 3], then: {ladder: up}}
  planned: {event: post, when: ['profile.plan == "free"'], then: {flag: h}}
  paying: {event: post, when: [paid > 3], then: {flag: h}}
  like: {event: like, when: [event.n > 1], then: {flag: g}}
  like_allowed: {event: share, when: [event.n > 1], then: {flag: g}}
  shared_allow: {event: share, when: [seen > 3], then: allow}
"""
YES = {
    "shared": "yes: it counts by target_id",
    "scored": "yes: model learns learns from labels as they come",
    "counting": "yes: model counts learns from labels as they come; model counts counts by target_id",
    "rests_back": "yes: it counts by target_id",
    "sinks_back": "yes: it counts by target_id",
    "resting": "yes: it counts by target_id; it rests per target_id",
    "few": "yes: its budget is shared by all users",
    "climbs": "yes: rule climbs_too, on the same ladder, depends on the order",
    "climbs_too": "yes: it counts by target_id; rule climbs, on the same ladder, depends on the order",
    "planned": "yes: table profile changes while events come",
    "paying": "yes: table profile changes while events come",
    "like_allowed": "yes: allow rule shared_allow, which may overrule it, depends on the order",
    "shared_allow": "yes: it counts by target_id",
}
NO = "no: it reads of each user alone"
WANTED = {
    "alone": NO,
    "like": NO,
    **YES,
    "back": "not in the end, as it acts on earlier events too: it counts by target_id",
}


@pytest.mark.parametrize("rule", WANTED)
def test_each_rule_is_told_where_it_meets_other_users(rule: str) -> None:
    found = find_orders(load_rulebook({"r.yaml": RULES}))
    assert found.keys() == WANTED.keys()
    assert str(found[rule]) == WANTED[rule]


def test_what_is_said_to_be_independent_is() -> None:
    """Each user's events in their order, the users' in any."""
    text = """
version: 1
fields: {new: bool}
counters:
  own: {count: post, by: user_id, over: 1m}
  seen: {distinct: user_id, of: post, by: target_id, over: 1h}
rules:
  alone: {event: post, when: [own > 2], then: {flag: a}, cooldown: {per: user_id, for: 10s}}
  back: {event: post, when: [seen >= 4, new], then: {flag: d, also: earlier, lookback: 1h}}
  shared: {event: post, when: [seen >= 4], then: {flag: b}}
"""
    rulebook, rng = load_rulebook({"r.yaml": text}), Random(4)
    orders = find_orders(rulebook)
    events = [
        (f"u{rng.randrange(30)}", {"event_id": f"e{n}", "type": "post", "target_id": f"p{rng.randrange(20)}",
                                   "ts": START_MS + n * 1_000, "new": rng.random() < 0.7})
        for n in range(400)
    ]  # fmt: skip
    found = [_acted(rulebook, _shuffled(events, Random(seed))) for seed in range(4)]
    for rule, order in orders.items():
        ids = [{action for name, action in one if name == rule} for one in found]
        assert ids[0]
        assert all(one == ids[0] for one in ids) is (not order.matters or order.settles), rule


def _shuffled(events: list[tuple[str, dict[str, object]]], rng: Random) -> list[bytes]:
    """As partitions may come together: within minutes."""
    ordered = sorted(events, key=lambda one: one[0])
    queues = [[orjson.dumps({**event, "user_id": user}) for _, event in some]
              for user, some in groupby(ordered, key=lambda one: one[0])]  # fmt: skip
    made = []
    while queues:
        queue = rng.choice(queues)
        made.append(queue.pop(0))
        queues = [one for one in queues if one]
    return made


def _acted(rulebook: Rulebook, lines: list[bytes]) -> set[tuple[str, str]]:
    settings = Settings()
    messages = OfflineEngine(rulebook, settings).run(Arrival("event", 0, line) for line in lines)
    actions = [orjson.loads(message.value) for message in messages if message.topic == settings.topics.actions]
    return {(action["rule"], action["action_id"]) for action in actions}
