"""The share of a domain's users who are confirmed or marked: users, their labels, marks and domains lie on different
partitions, and the same comes out as of plain sets."""

import random
from pathlib import Path
from typing import Any

import orjson

from engine.settings import Settings
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
marks: {suspect: {by: user_id, for: 30d}}
counters:
  confirmed_30d: {count: label.spam, by: user_id, over: 30d}
  fails_1h: {count: login_fail, by: user_id, over: 1h}
  guilty_7d: {distinct: user_id, of: post, where: confirmed_30d >= 1 or marked.suspect, by: url_domain, over: 7d}
  users_7d:  {distinct: user_id, of: post, by: url_domain, over: 7d}
derived: {spread: {ratio: [guilty_7d, users_7d], at_least: 2}}
rules:
  guessed: {event: login_fail, when: [fails_1h >= 3], then: {mark: suspect}}
  asks:
    event: probe
    when: [guilty_7d >= 0, users_7d >= 0, spread >= 0]
    then: {flag: x}
    mode: shadow
"""
Sent = list[tuple[str, str, dict[str, Any]]]
"""Types, users, and further fields of events."""

CONFIRMED, CLEARED, MARKED, OTHERS = ({f"{kind}{at}" for at in range(12)} for kind in "abcd")
DOMAINS = [f"x{at}.example" for at in range(6)]


def test_the_share_of_guilty_users_is_that_of_plain_sets(tmp_path: Path) -> None:
    rng, everybody = random.Random(21), sorted(CONFIRMED | CLEARED | MARKED | OTHERS)
    users = {domain: set(rng.sample(everybody, rng.randint(4, 30))) for domain in DOMAINS}
    said: Sent = [("event", user, {}) for user in sorted(CONFIRMED | CLEARED)]
    failed: Sent = [("login_fail", user, {}) for user in sorted(MARKED) for _ in range(3)]
    failed += [("login_fail", user, {}) for user in sorted(OTHERS) for _ in range(2)]
    posted = [("post", user, {"url": f"https://{domain}/a"}) for domain in DOMAINS for user in sorted(users[domain])]
    asked = [("probe", f"new{at}", {"url": f"https://{domain}/a"}) for at, domain in enumerate(DOMAINS)]
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, batch_max_events=20, commit_interval_ms=100) as system:
        system.push_rules(tmp_path / "rules.yaml")
        for name in ("one", "two"):
            system.start_worker(name)
        system.wait_until_ready()
        send(system, 1, said + failed)
        label(system, 2, CONFIRMED | CLEARED, "spam")
        label(system, 3, CLEARED, "retracted")
        system.wait_until_decided()
        send(system, 4, posted)
        send(system, 5, asked)
        answered = answers(system)
    guilty = CONFIRMED | MARKED
    right = {
        f"probe new{at}": [
            len(users[domain] & guilty),
            len(users[domain]),
            len(users[domain] & guilty) / len(users[domain]),
        ]
        for at, domain in enumerate(DOMAINS)
    }
    assert answered == right


def send(system: System, hour: int, events: Sent) -> None:
    """Send events, and wait until all of them count."""
    system.publish(
        orjson.dumps({"event_id": f"{kind} {user}" if kind != "login_fail" else f"{user} {at}", "type": kind,
                      "user_id": user, "ts": START_MS + 3_600_000 * hour + at, **fields})
        for at, (kind, user, fields) in enumerate(events)
    )  # fmt: skip
    system.wait_until_decided()


def label(system: System, hour: int, users: set[str], verdict: str) -> None:
    """A verdict on an event of each of these users."""
    ts = START_MS + 3_600_000 * hour
    labels = [{"event_id": f"event {user}", "user_id": user, "label": verdict, "ts": ts} for user in sorted(users)]
    system.publish([], map(orjson.dumps, labels))
    wait_until(lambda: system.labels_left() == 0, "all labels are joined")


def answers(system: System) -> dict[str, list[float]]:
    decisions = [orjson.loads(record.value) for record in system.read(Settings().topics.decisions)]
    return {
        one["event_id"]: [clause["value"] for hit in one["hits"] for clause in hit["clauses"]]
        for one in decisions
        if one["type"] == "probe"
    }
