"""The kill switch: a paused rule does nothing, on every worker."""

import subprocess
from pathlib import Path

import orjson
import pytest

from tests.events import random_events
from tests.system import RULEBOOKS, System, WorkerProcess, wait_until

FLOOD = RULEBOOKS / "flood"


def acted(system: System) -> set[str]:
    return {action["rule"] for action in system.actions()}


def paused(workers: list[WorkerProcess]) -> list[float]:
    return [worker.metric("floodgate_rules_paused") for worker in workers]


def effects(system: System, rule: str) -> set[str]:
    decisions = [orjson.loads(record.value) for record in system.read(system.settings.topics.decisions)]
    return {hit["effect"] for decision in decisions for hit in decision["hits"] if hit["rule"] == rule}


def test_a_paused_rule_goes_on_in_shadow_until_it_is_resumed(tmp_path: Path) -> None:
    with System(tmp_path, decision_sample=1.0) as system:
        system.push_rules(FLOOD)
        workers = [system.start_worker("one"), system.start_worker("two")]
        system.wait_until_ready()
        system.publish(random_events(2_000, seed=71))
        system.wait_until_decided()
        rule = sorted(acted(system))[0]
        before = [action for action in system.actions() if action["rule"] == rule]

        system.run("rules", "pause", rule, "--note", "a bad edit")
        wait_until(lambda: paused(workers) == [1, 1], "both have heard of it")
        told = system.run("status")
        assert f"paused rule: {rule}, by" in told
        assert "UTC: a bad edit" in told
        system.push_rules(FLOOD)  # a push does not end it
        system.publish(random_events(2_000, users=80, seed=72))
        system.wait_until_decided()
        assert [action for action in system.actions() if action["rule"] == rule] == before
        assert "shadow" in effects(system, rule)

        system.run("rules", "resume", rule, "--author", "ben", "--note", "the edit is mended")
        wait_until(lambda: paused(workers) == [0, 0], "both have heard of it")
        history = system.run("rules", "history")
        assert history.index(f"resumed rule {rule}") < history.index(f"paused rule {rule}")
        assert "ben" in history
        assert "the edit is mended" in history
        assert "a bad edit" in history


def test_only_rules_that_are_there_can_be_paused(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        with pytest.raises(subprocess.CalledProcessError) as unknown:
            system.run("rules", "pause", "no_such_rule")
        assert "has no rule 'no_such_rule'; it has" in unknown.value.stderr
        with pytest.raises(subprocess.CalledProcessError) as unpaused:
            system.run("rules", "resume", "no_such_rule")
        assert "is not paused" in unpaused.value.stderr
