"""Rules decide the same of people with pseudonyms, and only actions name them."""

from typing import Any

import msgspec
import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.handlers.messages import Message
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

OPEN = Settings(decision_sample=1.0)
HIDDEN_FIELDS = frozenset(("user_id", "target_id", "ip", "friends"))
HIDDEN = msgspec.structs.replace(
    OPEN, privacy=PrivacySettings(key="k" * 40, fields=frozenset(("user_id", "target_id", "ip", "friends")))
)

RULES = """
version: 1
fields: {friends: list}
lists:
  offices: {values: ["203.0.113.0/24"]}
  partners: {values: [partner]}
counters:
  posts_1h: {count: post, by: user_id, over: 1h}
  users_by_ip: {distinct: user_id, of: post, by: ip, over: 1h}
  users_by_network: {distinct: user_id, of: post, by: ip_prefix, over: 1h, except: lists.offices}
  posts_to_one: {count: post, by: [user_id, target_id], over: 1h}
rules:
  flood:
    event: post
    when: [posts_1h > 3]
    unless: [user_id in lists.partners, user_id == "chief"]
    then: {limit: posting, for: 1h}
  not_the_boss:
    event: post
    when: [user_id != "chief", posts_1h == 2, '"chief" != user_id']
    then: {flag: twice}
  crowd:
    event: post
    when: [users_by_network >= 4]
    then: {challenge: captcha, also: earlier, lookback: 1h}
  one_machine:
    event: post
    when: [users_by_ip >= 3]
    then: {review: machine, target: ip}
  named:
    event: post
    when: ['"ben" in friends', '"nobody" not in friends']
    then: {flag: named}
  pestering:
    event: post
    when: [posts_to_one >= 3]
    then: {review: pair, target: target_id}
"""


def posts() -> list[dict[str, Any]]:
    made = []
    for user in ("ann", "ben", "cat", "dan", "partner", "chief"):
        for n in range(5):
            office = user in ("ann", "ben")
            ip = "203.0.113.9" if office else "198.51.100.9"
            made.append({"user_id": user, "ip": ip, "target_id": f"wall-{n // 3}", "friends": ["ann", user]})
    return [{"event_id": f"e{n}", "type": "post", "ts": START_MS + 1_000 * n, **one} for n, one in enumerate(made)]


def run(settings: Settings) -> list[Message]:
    arrivals = [Arrival("event", one["ts"], orjson.dumps(one)) for one in posts()]
    return list(OfflineEngine(load_rulebook({"rules.yaml": RULES}), settings).run(arrivals))


def actions(messages: list[Message]) -> list[tuple[Any, ...]]:
    read = [(message.key, orjson.loads(message.value)) for message in messages if message.topic == "actions"]
    return sorted(
        (key, *(one[k] for k in ("event_id", "rule", "user_id", "kind")), one["target"]["id"]) for key, one in read
    )


def test_the_same_is_done_to_the_same_people() -> None:
    found = actions(run(OPEN))
    assert {rule for _, _, rule, *_ in found} == {"flood", "not_the_boss", "crowd", "one_machine", "pestering", "named"}
    assert actions(run(HIDDEN)) == found


@pytest.mark.parametrize("settings", [OPEN, HIDDEN], ids=["open", "hidden"])
def test_only_actions_name_people(settings: Settings) -> None:
    arrivals = [Arrival("event", one["ts"], orjson.dumps(one)) for one in posts()]
    engine = OfflineEngine(load_rulebook({"rules.yaml": RULES}), settings)
    told = b"".join(
        message.value + (message.key or b"") for message in engine.run(arrivals) if message.topic != "actions"
    )
    kept = b"".join(key + value for key, value in engine.database.values.items())
    names = {one[name] for one in posts() for name in ("user_id", "ip", "target_id")}
    names -= {"partner", "chief", "ben"}  # whom the rules name, and decisions quote
    seen = {name for name in names for data in (told, kept) if name.encode() in data}
    assert seen == (names if settings is OPEN else set())


def test_the_rulebook_of_before_knows_pseudonyms_too() -> None:
    rules = """
version: 1
rules:
  r:
    event: post
    when: [user_id != "nobody", event.n >= {n}]
    then: {{flag: x}}
    budget: {{max: 1%, per: 1h, if_exceeded: shadow unless before}}
"""
    old, new = (load_rulebook({"rules.yaml": rules.format(n=n)}) for n in (1, 0))
    events = [{"event_id": f"e{n}", "type": "post", "user_id": f"u{n}", "ts": START_MS + n, "n": 1} for n in range(40)]
    for settings in (OPEN, HIDDEN):
        engine = OfflineEngine(new, settings, before=old)
        messages = engine.run(Arrival("event", 0, orjson.dumps(one)) for one in events)
        assert sum(message.topic == "actions" for message in messages) == 40
