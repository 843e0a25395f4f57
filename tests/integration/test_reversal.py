"""What was enforced is explained, and taken back: all of a bad rule's, or one after an appeal."""

import re
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.stream.label_messages import read_label
from engine.stream.reversal import REVOKE
from tests.events import random_events
from tests.system import RULEBOOKS, System

FLOOD = RULEBOOKS / "flood"


def standing(system: System) -> dict[str, Any]:
    """What whoever enforces has to do by now: actions without those that were revoked."""
    done: dict[str, Any] = {}
    for action in system.actions():
        if action["kind"] == REVOKE:
            done.pop(action["revokes"], None)
        else:
            done[action["action_id"]] = action
    return done


@pytest.fixture
def system(tmp_path: Path) -> Any:
    with System(tmp_path) as made:
        made.push_rules(FLOOD)
        made.start_worker("one")
        made.publish(random_events(3_000, seed=91))
        made.wait_until_decided()
        yield made


def test_the_actions_of_a_rule_are_taken_back_and_no_others(system: System) -> None:
    before = standing(system)
    rule = sorted(action["rule"] for action in before.values())[0]
    meant = {key for key, action in before.items() if action["rule"] == rule}
    told = system.run("actions", "revoke", "--rule", rule, "--dry-run")
    assert f"{len(meant)} actions on" in told
    assert standing(system) == before
    assert f"revoked {len(meant)} actions" in system.run("actions", "revoke", "--rule", rule, "--note", "a bad edit")
    assert standing(system) == {key: action for key, action in before.items() if key not in meant}
    assert "0 actions on 0 users would be revoked" in system.run("actions", "revoke", "--rule", rule)  # a second time
    revocations = [action for action in system.actions() if action["kind"] == REVOKE]
    assert len({one["action_id"] for one in revocations}) == len(revocations) == len(meant)
    assert {one["target"]["id"] for one in revocations} == {before[key]["target"]["id"] for key in meant}


def test_an_appeal_takes_back_one_action_and_teaches(system: System) -> None:
    before = standing(system)
    appealed = sorted(before)[0]
    system.run("actions", "appeal", appealed, "--moderator", "mo")
    assert standing(system) == {key: action for key, action in before.items() if key != appealed}
    (label,) = [read_label(orjson.loads(one.value)) for one in system.read(system.settings.topics.labels)]
    assert (label.event_id, label.verdict, label.moderator) == (before[appealed]["event_id"], "ham", "mo")
    with pytest.raises(subprocess.CalledProcessError) as again:
        system.run("actions", "appeal", appealed)
    assert "no action" in again.value.stdout


def test_an_event_and_an_action_are_explained(system: System) -> None:
    action = standing(system)[sorted(standing(system))[0]]
    for name in (action["event_id"], action["action_id"]):
        told = system.run("explain", name, "--again")
        assert action["rule"] in told
        assert "holds" in told
        assert "would not have fired" in told
        assert f"action {action['action_id']}" in told
        assert "version" in told
        clauses, same = re.findall(r"evaluated again: (\d+) clauses, (\d+) as recorded", told)[0]
        assert clauses == same != "0"
    decision = orjson.loads(system.run("explain", action["event_id"], "--json").splitlines()[0])
    assert decision["event_id"] == action["event_id"]
    with pytest.raises(subprocess.CalledProcessError):
        system.run("explain", "no such event")


def test_not_everything_is_revoked_by_mistake(system: System) -> None:
    for arguments, said in (([], "say which actions"), (["--since", "soon"], "--since")):
        with pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("actions", "revoke", *arguments)
        assert said in refused.value.stderr
