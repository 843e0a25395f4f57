"""What was enforced is explained, and taken back: all of a bad rule's, or one after an appeal."""

import re
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.learning.labels import Label
from engine.stream.admin.revocation import REVOKE
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.label_messages import decode_message
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
    told = [decode_message(one.value) for one in system.read(system.settings.topics.labels)]
    assert [one.action_id for one in told if isinstance(one, Revocation)] == [appealed]
    (label,) = [one for one in told if isinstance(one, Label)]
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


def test_what_was_done_is_listed_with_what_became_of_it(system: System) -> None:
    before = standing(system)
    taken, *others = sorted(before, key=lambda one: before[one]["ts"])
    system.run("actions", "revoke", taken, "--author", "mo", "--note", "it was a joke")
    listed = [orjson.loads(line) for line in system.run("actions", "list", "--json", "--limit", "9999").splitlines()]
    assert {one["action_id"] for one in listed} == set(before)
    assert [one["ts"] for one in listed] == sorted((one["ts"] for one in before.values()), reverse=True)
    (revoked,) = [one for one in listed if one["revoked"]]
    assert (revoked["action_id"], revoked["revoked"]["author"]) == (taken, "mo")
    told = system.run("actions", "list", "--revoked")
    assert "revoked by mo" in told
    assert "it was a joke" in told
    assert "1 actions on 1 users, 1 revoked" in told
    one = before[others[0]]
    for name, value in (("rule", one["rule"]), ("kind", one["kind"]), ("target", one["target"]["id"])):
        fits = [each for each in before.values() if value in (each["rule"], each["kind"], each["target"]["id"])]
        assert f"{len(fits):,} actions" in system.run("actions", "list", f"--{name}", value)
    assert f"{len(before):,} actions" in system.run("actions", "list", "--mode", "enforce")
    assert "0 actions" in system.run("actions", "list", "--mode", "canary")
    assert "0 actions" in system.run("actions", "list", "--since", "5m")  # events of last year
    assert "revoked by mo" in system.run("explain", taken)
    assert "it was a joke" in system.run("explain", before[taken]["event_id"])


def test_an_event_that_no_rule_met_is_told_clause_by_clause(system: System) -> None:
    events = [orjson.loads(one.value) for one in system.read(system.settings.topics.events)]
    decided = {orjson.loads(one.value)["event_id"] for one in system.read(system.settings.topics.decisions)}
    quiet = next(one for one in events if one["event_id"] not in decided and one["type"] == "post")
    with pytest.raises(subprocess.CalledProcessError) as unknown:
        system.run("explain", quiet["event_id"])
    assert f"`floodgate explain {quiet['event_id']} --retrace`" in unknown.value.stdout
    told = system.run("explain", quiet["event_id"], "--retrace")
    assert f"post {quiet['event_id']} by {quiet['user_id']}" in told
    assert "does not" in told
    assert re.search(r"post_flood +│ posts_1m > \d+ +│ posts_1m = \d+ +│ does not", told), told
    action = next(iter(standing(system).values()))
    assert "holds" in system.run("explain", action["action_id"], "--retrace")
    with pytest.raises(subprocess.CalledProcessError) as gone:
        system.run("explain", "no such event", "--retrace")
    assert "is not on its topic" in gone.value.stdout


def test_what_a_rule_has_met_can_be_read(system: System) -> None:
    action = sorted(standing(system).values(), key=lambda one: one["ts"])[-1]
    lines = system.run("hits", "--rule", action["rule"], "--user", action["user_id"], "--json").splitlines()
    found = [orjson.loads(line) for line in lines]
    assert {(one["rule"], one["user_id"]) for one in found} == {(action["rule"], action["user_id"])}
    assert action["event_id"] in {one["event_id"] for one in found}
    assert action["event_id"] in system.run("hits", "--user", action["user_id"], "--limit", "9999")


def test_not_everything_is_revoked_by_mistake(system: System) -> None:
    for arguments, said in (([], "say which actions"), (["--since", "soon"], "--since")):
        with pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("actions", "revoke", *arguments)
        assert said in refused.value.stderr
