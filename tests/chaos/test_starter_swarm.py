"""The starter rules meet the simulated link swarm on two workers, both of which are killed in its middle."""

from pathlib import Path

import orjson

from engine.sim.world import simulate_day
from tests.system import Oracle, System

RULES = Path(__file__).parents[2] / "rules"
SWARM = "link_swarm"


def test_the_starter_rules_catch_the_swarm_though_both_workers_are_killed(tmp_path: Path) -> None:
    day = simulate_day(seed=5)
    first = next(index for index, one in enumerate(day) if one.attack == SWARM)
    last = max(index for index, one in enumerate(day) if one.attack == SWARM)
    before = min(first, 1_000)
    window = day[first - before : last + 3_000]
    events = [orjson.dumps(one.event) for one in window]
    with System(tmp_path, batch_max_events=20, commit_interval_ms=100) as system:
        system.push_rules(RULES)
        workers = [system.start_worker(name) for name in ("one", "two")]
        system.wait_until_ready()
        system.publish(events[:before])
        system.wait_until_decided()
        system.publish(events[before:])
        for victim, left in zip(workers, (0.8, 0.4), strict=True):
            system.wait_until_lag_below(int((len(events) - before) * left))
            victim.kill()
            assert system.lag() > 0, "the kill came too late to prove anything"
            victim.restart()
        system.wait_until_decided()
        oracle, actions = Oracle(RULES, system.settings, events), system.actions()
        assert {action["action_id"] for action in actions} == oracle.action_ids
        assert system.entities() == oracle.entities
        swarm = {one.event["user_id"] for one in window if one.attack == SWARM}
        caught = {action["user_id"] for action in actions}
        assert len(swarm & caught) >= 0.95 * len(swarm)
