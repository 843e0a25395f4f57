"""A candidate beside the worker that decides, on real topics: it disturbs nobody, and its differences are told."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
import yaml

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin.candidate_comparison import compare
from engine.stream.kafka.candidates import as_candidate
from engine.stream.kafka.topics import create_topics
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import random_events, swarm_events
from tests.integration.test_end_to_end import labels, texts
from tests.system import RULEBOOKS, Oracle, System, users_of, wait_until

FLOOD, SWARM = RULEBOOKS / "flood", RULEBOOKS / "swarm"
SWARM_EDITS = ("posts_1m > 4", "posts_1m > 3"), ("device_users_1h >= 6", "device_users_1h >= 5")


def changed(tmp_path: Path, source: Path, *edits: tuple[str, str]) -> Path:
    """Another version of a rulebook."""
    (file,) = source.glob("*.yaml")
    text = file.read_text("utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "changed.yaml").write_text(text)
    return tmp_path / "changed.yaml"


@contextmanager
def as_if(system: System, settings: Settings) -> Iterator[None]:
    """Within this, the system is that of a candidate."""
    before, system.settings = system.settings, settings
    system.forget_lag_consumer()
    try:
        yield
    finally:
        system.settings = before
        system.forget_lag_consumer()


def wait_until_decided_by(system: System, *names: str) -> None:
    """Until the workers that decide and these candidates have decided every event."""
    system.wait_until_decided()
    for name in names:
        with as_if(system, as_candidate(system.settings, name)):
            system.wait_until_decided()


def effects(rulebook: Path, events: list[bytes]) -> dict[str, dict[str, str]]:
    """What must come of each event, by rule."""
    engine = OfflineEngine(load_rulebook(rulebook), Settings())
    messages = engine.run(Arrival("event", 0, event) for event in events)
    decided = [orjson.loads(message.value) for message in messages if message.topic == "decisions"]
    return {one["event_id"]: {hit["rule"]: hit["effect"] for hit in one["hits"]} for one in decided if one["hits"]}


def must_differ(here: dict[str, dict[str, str]], there: dict[str, dict[str, str]]) -> dict[Any, set[str]]:
    """The events by rule and what it comes to on both sides."""
    found: dict[Any, set[str]] = {}
    for event in here.keys() | there.keys():
        before, after = here.get(event, {}), there.get(event, {})
        for rule in before.keys() | after.keys():
            if before.get(rule) != after.get(rule):
                found.setdefault((rule, before.get(rule), after.get(rule)), set()).add(event)
    return found


def is_forgotten_by_both(system: System, candidate: Settings) -> None:
    user = sorted(system.users())[0]
    assert "of the candidate candidate" in system.run("forget", user)
    with as_if(system, candidate):
        assert user not in system.users()


def is_refused_where_it_would_disturb(system: System, candidate: Settings, rules: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as running:
        system.run("candidate", "drop", "--yes")
    assert "has 1 workers: stop them first" in running.value.stderr
    stranger = system.start_worker("stranger", options=["--as", "floodgate", "--rules", str(rules)])
    assert stranger.wait_until_ended() == 2
    assert "floodgate topics create --as floodgate" in stranger.log
    with as_if(system, msgspec.structs.replace(system.settings, group=candidate.group)):
        intruder = system.start_worker("intruder", options=["--create-topics"])
        assert intruder.wait_until_ended() == 2
        assert "a candidate's workers are in the group floodgate-as-candidate" in intruder.log


def test_a_candidate_disturbs_nobody_and_the_table_has_what_it_decides_otherwise(tmp_path: Path) -> None:
    events = random_events(3_000)
    rules = changed(
        tmp_path, FLOOD, ("posts_1m > 10", "posts_1m > 6"), ("fires_at: [11]", "fires_at: [7]"),
        ("spent_1d > 500", "spent_1d > 100000"), ("    mode: shadow\n", ""), ("hide: content", "review: content"),
    )  # fmt: skip
    with System(tmp_path, session_timeout_ms=10_000) as system:
        system.push_rules(FLOOD)
        system.start_worker("one")
        beside = system.start_worker("beside", options=["--as", "candidate", "--rules", str(rules), "--create-topics"])
        candidate = as_candidate(system.settings, "candidate")
        wait_until(beside.ready, "the candidate is ready")
        assert 'floodgate_events_total{candidate="candidate"}' in beside.get("/metrics")
        topics = ("actions", "decisions", "review", "examples", "dead-letters")
        system.publish(events)
        wait_until_decided_by(system, "candidate")

        engine = OfflineEngine(load_rulebook(FLOOD), system.settings)
        undisturbed = list(engine.run(Arrival("event", 0, event) for event in events))
        for topic in topics:  # to the byte, and nothing else
            expected = sorted(message.value for message in undisturbed if message.topic == topic)
            assert sorted(record.value for record in system.read(topic)) == expected
        assert system.users() == users_of(engine.database.values)

        here, there = effects(FLOOD, events), effects(rules, events)
        expected_rows = must_differ(here, there)
        found = orjson.loads(system.run("candidate", "compare", "--since", "2020-01-01", "--settle", "0s", "--json"))
        rows = {(row["rule"], row["incumbent"], row["candidate"]): row for row in found["decisions"]}
        assert {row: one["events"] for row, one in rows.items()} == {row: len(of) for row, of in expected_rows.items()}
        assert {row[0] for row in rows} == {"post_flood", "big_spender", "quiet_shadow"}
        users = {orjson.loads(event)["event_id"]: orjson.loads(event)["user_id"] for event in events}
        for row, of in expected_rows.items():
            assert rows[row]["users"] == len({users[event] for event in of})
            assert {example["event_id"] for example in rows[row]["examples"]} <= of
        assert found["alike"] == sum(here.get(event) == effect for event, effect in there.items())
        assert found["differing"] == len(set().union(*expected_rows.values()))
        deeds = {(row["rule"], row["incumbent"], row["candidate"]) for row in found["actions"]}
        assert ("link_spam", "hide content", "review content") in deeds
        assert ("quiet_shadow", None, "suspend user") in deeds

        in_parts = compare(system.settings, candidate, since_ms=0, most_entries=400)  # the topics read many times
        whole = compare(system.settings, candidate, since_ms=0)
        assert in_parts.alike == whole.alike == found["alike"]
        assert [(one.rule, one.events, one.users) for one in in_parts.decisions] == [
            (one.rule, one.events, one.users) for one in whole.decisions
        ]
        told = system.run("candidate", "compare", "--since", "2020-01-01", "--settle", "0s")
        assert "posts_1m > 6 (" in told
        assert "review content" in told

        is_forgotten_by_both(system, candidate)
        is_refused_where_it_would_disturb(system, candidate, rules)


def test_a_promoted_candidate_goes_on_from_its_own_state_and_nothing_is_lost(tmp_path: Path) -> None:
    events = swarm_events(900)
    rules = changed(tmp_path, SWARM, *SWARM_EDITS)
    with System(tmp_path, partitions=1, session_timeout_ms=10_000) as system:
        system.push_rules(SWARM)
        incumbent = system.start_worker("one")
        beside = system.start_worker("two", options=["--as", "blue", "--rules", str(rules), "--create-topics"])
        candidate = as_candidate(system.settings, "blue")
        system.publish(events[:300])
        with as_if(system, candidate):
            system.wait_until_decided()
        with pytest.raises(subprocess.CalledProcessError) as running:
            system.run("candidate", "promote", "--as", "blue")
        assert "has 1 workers: stop them first" in running.value.stderr
        assert beside.stop() == 0
        system.wait_until_decided()
        assert incumbent.stop() == 0
        system.publish(events[300:600])  # so that the incumbent does not stand where the candidate does
        incumbent.restart()
        settings = yaml.safe_load(system.run("candidate", "promote", "--as", "blue"))
        system.wait_until_decided()
        assert incumbent.stop() == 0
        before = len(system.actions())

        assert settings["topics"] == {"hops": "hops-as-blue"}
        system.push_rules(rules)
        stale = system.settings
        system.settings = msgspec.convert(
            {**msgspec.to_builtins(system.settings), "group": settings["group"],
             "topics": {**msgspec.to_builtins(system.settings.topics), **settings["topics"]}}, Settings,
        )  # fmt: skip
        system.forget_lag_consumer()
        create_topics(system.settings)
        assert system.run("candidate", "drop", "--as", "blue", "--yes").count("the topic") == 5
        promoted = system.start_worker("two/state-as-blue")  # on its own disk
        system.publish(events[600:])
        system.wait_until_decided()
        oracle = Oracle(rules, system.settings, events)
        assert system.users() == oracle.users
        assert system.entities() == oracle.entities
        ids = {action["action_id"] for action in system.actions()}
        late = {orjson.loads(event)["event_id"] for event in events[300:]}
        assert {one["action_id"] for one in oracle.actions if one["event_id"] in late} <= ids
        assert len(system.actions()) > before
        assert promoted.metric("floodgate_recovered_records_total") < 10  # markers: the disk had all else
        assert promoted.stop() == 0
        with as_if(system, stale), pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("candidate", "drop", "--as", "blue", "--yes")
        assert "use the settings that `promote` has printed" in refused.value.stderr


def test_a_candidate_goes_by_the_models_in_use_or_learns_for_itself(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "version: 1\nmodels: {spam: {texts: [text], min_labels: 20}}\n"
        "rules:\n  sure: {event: post, when: [score.spam > 0.7], then: {hide: content, target: event}}\n"
    )
    with System(tmp_path, partitions=1, session_timeout_ms=10_000, snapshot_interval_ms=200) as system:
        system.push_rules(rules)
        incumbent = system.start_worker("one")
        follows = system.start_worker("follows", options=["--as", "follows", "--create-topics"])
        learns = system.start_worker("learns", options=["--as", "learns", "--learn", "--create-topics"])
        system.publish(texts(0, 60))
        wait_until_decided_by(system, "follows", "learns")
        system.publish([], labels(0, 60))
        wait_until(lambda: all(one.metric("floodgate_model_labels") == 60 for one in system.workers), "all know it")
        learned = [worker.metric("floodgate_examples_learned_total") for worker in (incumbent, follows, learns)]
        assert learned == [60, 0, 60]
        assert len(system.read("examples")) == 60
        system.publish(texts(60, 80))
        wait_until_decided_by(system, "follows", "learns")
        for name in ("follows", "learns"):
            hidden = {orjson.loads(record.value)["event_id"] for record in system.read(f"actions-as-{name}")}
            assert hidden == {f"t{index}" for index in range(60, 80) if index % 2}
        assert follows.stop() == 0
        told = system.run("candidate", "drop", "--as", "follows", "--yes")
        assert "the group floodgate-as-follows" in told
        assert "there is nothing left" in system.run("candidate", "drop", "--as", "follows")
        assert system.read("actions-as-learns")
