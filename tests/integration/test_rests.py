"""A cooldown per target, with several partitions, and workers that are killed: one action for each target."""

from collections import Counter
from pathlib import Path

import orjson

from tests.events import START_MS
from tests.system import System

RULES = """
version: 1
counters: {reports: {distinct: user_id, of: report, by: target_id, over: 1d}}
rules:
  reported:
    event: report
    when: [reports >= 5]
    then: {review: content, target: target_id}
    cooldown: {per: target_id, for: 12h}
"""


def test_each_target_is_acted_on_once(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    events = [
        orjson.dumps(
            {"event_id": f"r{n}", "type": "report", "user_id": f"u{n}", "target_id": f"p{n % 40}", "ts": START_MS + n}
        )
        for n in range(6_000)
    ]
    with System(tmp_path, batch_max_events=20, commit_interval_ms=100) as system:
        system.push_rules(rules)
        workers = [system.start_worker(name) for name in ("one", "two")]
        system.wait_until_ready()
        system.publish(events)
        system.wait_until_lag_below(4_500)
        workers[0].kill()
        assert system.lag() > 0, "the kill came too late to prove anything"
        workers[0].restart()
        system.wait_until_decided()
        acted = {action["action_id"]: action["target"]["id"] for action in system.actions()}
        assert Counter(acted.values()) == {f"p{n}": 1 for n in range(40)}
