"""What rules add to live lists, offline: at the next event, for a while, and not more than they may."""

from typing import Any

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

T0, HOUR_MS = 1_772_452_800_000, 3_600_000
RULES = """
version: 1
lists: {bad: {live: true, values: [fixed.com]}}
rules:
  learns: {event: report, when: [event.sure == 1], then: {add: lists.bad, value: url_domain, for: 2h, max: 2}}
  uses: {event: post, when: [url_domain in lists.bad], then: {hide: content, target: event}}
"""


def report(domain: str, hour: float, **more: Any) -> dict[str, Any]:
    return {"type": "report", "sure": 1, "text": f"http://{domain}/", "ts": T0 + int(hour * HOUR_MS), **more}


def post(domain: str, hour: float) -> dict[str, Any]:
    return {"type": "post", "text": f"http://{domain}/", "ts": T0 + int(hour * HOUR_MS)}


def hidden(events: list[dict[str, Any]], rules: str = RULES) -> list[int]:
    """The places of the posts that are hidden."""
    arrivals = [
        Arrival("event", one["ts"], orjson.dumps({"event_id": str(n), "user_id": f"u{n}", **one}))
        for n, one in enumerate(events)
    ]
    engine = OfflineEngine(load_rulebook({"rules.yaml": rules}), Settings())
    actions = [orjson.loads(message.value) for message in engine.run(arrivals) if message.topic == "actions"]
    return [int(one["event_id"]) for one in actions if one["kind"] == "hide"]


def test_an_entry_is_there_at_the_next_event_until_it_is_over() -> None:
    events = [post("a.com", 0), report("a.com", 0), post("a.com", 0), post("a.com", 1.99), post("a.com", 2)]
    assert hidden(events) == [2, 3]


def test_a_rule_in_shadow_adds_nothing() -> None:
    shadow = RULES.replace("max: 2}}", "max: 2}, mode: shadow}")
    assert hidden([report("a.com", 0), post("a.com", 0)], shadow) == []


def test_a_rule_has_no_more_entries_than_it_may() -> None:
    events = [report(f"{name}.com", 0) for name in "abc"] + [post(f"{name}.com", 1) for name in "abc"]
    events += [report("c.com", 2), post("c.com", 2)]
    assert hidden(events) == [3, 4, 7]


def test_what_the_rulebook_has_itself_stays() -> None:
    assert hidden([report("fixed.com", 0), post("fixed.com", 1), post("fixed.com", 3)]) == [1, 2]


def test_the_same_events_give_the_same() -> None:
    events = [report(f"{n % 7}.com", n / 3) if n % 3 else post(f"{n % 5}.com", n / 3) for n in range(60)]
    assert hidden(events) == hidden(events) != []


@pytest.mark.parametrize(("value", "written"), [("host", "*.co.uk"), ("host", "0.0.0.0/0"), ("ip_prefix", "0.0.0.0/0")])
def test_nobody_writes_an_entry_that_means_others(value: str, written: str) -> None:
    rules = RULES.replace("value: url_domain", f"value: {value}").replace(", values: [fixed.com]", "")
    rules = rules.replace("lists:", "fields: {host: text}\nlists:", 1)
    rules += "  also: {event: post, when: [ip in lists.bad], then: {hide: content, target: event}}\n"
    bystander = {**post("shop.co.uk", 1), "ip": "192.0.2.7"}
    assert hidden([report("a.com", 0, **{value: written}), bystander], rules) == []
    own = {"host": "shop.co.uk", "ip_prefix": "192.0.2.0/24"}[value]
    assert hidden([report("a.com", 0, **{value: own}), bystander], rules) == [1]
