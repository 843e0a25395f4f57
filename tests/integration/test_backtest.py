"""A backtest over what is on the topics, compared with what the workers did."""

import subprocess
from pathlib import Path

import orjson
import pytest

from tests.events import random_events
from tests.system import RULEBOOKS, System

FLOOD = RULEBOOKS / "flood"


def test_a_backtest_over_the_topics_gives_what_the_workers_gave(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        system.start_worker("one")
        system.publish(random_events(3_000, seed=81))
        system.wait_until_decided()
        report = tmp_path / "report.html"
        told = system.run(
            "rules", "backtest", str(FLOOD), "--against", "in-use", "--from-topic", "--json", "--html", str(report)
        )
        found = orjson.loads(told)
        actions = {action["action_id"]: action["rule"] for action in system.actions()}
        for rule in found["rules"]:
            assert rule["acted"] == list(actions.values()).count(rule["rule"])
        assert found["concerned"][0]["newly_count"] == found["concerned"][0]["no_longer_count"] == 0
        assert report.read_text("utf-8").startswith("<!doctype html>")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"")
    with System(tmp_path) as system:
        for arguments, said in (
            ([str(FLOOD)], "give either --events FILE or --from-topic"),
            ([str(FLOOD), "--events", str(events)], "no events"),
            ([str(FLOOD), "--from-topic", "--since", "soon"], "neither a duration"),
            ([str(FLOOD), "--from-topic", "--against", "in-use"], "no rulebook has been pushed"),
        ):
            with pytest.raises(subprocess.CalledProcessError) as failed:
                system.run("rules", "backtest", *arguments)
            assert said in failed.value.stderr
