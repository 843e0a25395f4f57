"""Rules over addresses and networks on real streams fire exactly where a recount of everything says.

The streams lie beside the project; without them these tests skip."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.cli.recordings import read_lines
from engine.core.evaluation.choice import chosen, most_of
from engine.keys.network import ip_prefixes
from engine.keys.text import fingerprints
from engine.keys.urls import url_domains
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

DATA = Path(__file__).parents[3] / "shared" / "data"
MINUTE_MS = 60_000

RULES = """
version: 1
counters:
  uses:     {count: any, by: ip, over: 10m, cap: 1000}
  users:    {distinct: user_id, of: any, by: ip_prefix, over: 1h, cap: 1000}
  senders:  {distinct: user_id, of: any, by: url_domain, over: 1d, cap: 1000}
  copies:   {count: any, by: text, over: 1d, cap: 1000}
rules:
  busy_address:  {event: any, when: [uses >= 5], then: {flag: x}}
  many_users:    {event: any, when: [users >= 3], then: {flag: x}}
  shared_domain: {event: any, when: [senders >= 4], then: {flag: x}}
  copied_text:   {event: any, when: [copies >= 3], then: {flag: x}}
"""

Keys = Callable[[dict[str, Any]], tuple[str, ...]]
QUESTIONS: dict[str, tuple[Keys, int, int, bool]] = {
    "busy_address": (lambda event: (event["ip"],) if event.get("ip") else (), 10 * MINUTE_MS, 5, False),
    "many_users": (ip_prefixes, 60 * MINUTE_MS, 3, True),
    "shared_domain": (lambda event: chosen(url_domains(event), most_of("url_domain")), 1_440 * MINUTE_MS, 4, True),
    "copied_text": (fingerprints, 1_440 * MINUTE_MS, 3, False),
}


def recount(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Which rule holds for which event, from plain lists of everything that there was."""
    expected = set()
    for rule, (keys, over_ms, threshold, distinct) in QUESTIONS.items():
        seen: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for event in events:
            for key in keys(event):
                seen[key].append((event["ts"], event["user_id"]))
                inside = [user for ts, user in seen[key] if event["ts"] - over_ms < ts <= event["ts"]]
                if len(set(inside) if distinct else inside) >= threshold:
                    expected.add((rule, event["event_id"]))
    return expected


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("elastic_ssh_auth", {"busy_address", "many_users"}),
        ("spamassassin", {"busy_address", "many_users", "shared_domain", "copied_text"}),
        ("youtube", {"copied_text", "shared_domain"}),
    ],
)
def test_rules_over_entities_fire_where_a_recount_says(name: str, rules: set[str]) -> None:
    path = DATA / name / "events.jsonl.gz"
    if not path.exists():
        pytest.skip(f"the real event stream {name} is not here")
    lines = list(read_lines(path))
    engine, settings = OfflineEngine(load_rulebook({"rules.yaml": RULES}), Settings()), Settings()
    found, refused = set(), set()
    for message in engine.run(Arrival("event", 0, line) for line in lines):
        document = orjson.loads(message.value)
        if message.topic == settings.topics.actions:
            found.add((document["rule"], document["event_id"]))
        elif message.topic == settings.topics.dead_letters:  # a mail with more text than a field may have
            refused.add(document["event_id"])
    events = [orjson.loads(line) for line in lines]
    expected = recount([event for event in events if event["event_id"] not in refused])
    assert found == expected
    assert {rule for rule, _ in expected} >= rules
    assert len(refused) <= 1
