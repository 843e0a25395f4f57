"""What does not come is noticed in partitions to which nothing comes any more, also by a worker that was killed."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from tests.system import System, wait_until

RULES = """
version: 1
sequences: {unopened: {after: install, none: open, within: 3s, by: user_id}}
counters: {unopened_1h: {count: absent.unopened, by: user_id, over: 1h}}
rules:
  never_opened:
    event: absent.unopened
    when: [unopened_1h >= 1]
    then: {flag: unpaid, target: event}
"""
USERS = 120


def test_what_does_not_come_is_acted_on_once(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    with System(tmp_path, events={"clock_tolerance_ms": 300}, commit_interval_ms=100) as system:
        system.push_rules(rules)
        worker = system.start_worker("one")
        wait_until(worker.ready, "the worker is ready")
        now_ms = int(time.time() * 1_000)
        events = list[dict[str, Any]]()
        for n in range(USERS):  # what comes of one stands behind it: a worker that is late does not read one alone
            events.append({"event_id": f"i{n}", "type": "install", "user_id": f"u{n}", "ts": now_ms})
            if n % 2 == 0:
                events.append({"event_id": f"o{n}", "type": "open", "user_id": f"u{n}", "ts": now_ms + 1})
        system.publish(map(orjson.dumps, events))
        wait_until(lambda: worker.metric("floodgate_absences_begun_total") == USERS, "all are waited for")
        worker.kill()
        worker.restart()
        wait_until(lambda: len(system.actions()) >= 1, "the first is acted on")
        worker.kill()
        worker.restart()
        expected = {f"i{n}" for n in range(1, USERS, 2)}
        wait_until(lambda: {action["event_id"] for action in system.actions()} >= expected, "all are acted on")
        acted = {action["action_id"]: action["event_id"] for action in system.actions()}
        assert Counter(acted.values()) == dict.fromkeys(expected, 1)
        decisions = [orjson.loads(record.value) for record in system.read(system.settings.topics.decisions)]
        counted = [orjson.dumps(hit["clauses"]) for each in decisions for hit in each["hits"]]
        assert len(set(counted)) == 1, set(counted)  # always the first of its user
