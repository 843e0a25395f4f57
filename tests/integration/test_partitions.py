"""State is moved from 4 partitions to 16, by a command that is killed again and again, and nobody can tell."""

import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from engine.core.state.entities import NEVER
from engine.core.state.records import dump_record, load_record
from engine.errors import TopicError
from engine.state.store import ENTITY, USER
from engine.stream.kafka.placing import among
from engine.stream.kafka.topics import changelog_topic, check_topics, create_topics
from tests import forks
from tests.events import swarm_events
from tests.system import RULEBOOKS, Oracle, System, WorkerProcess, wait_until

SWARM = RULEBOOKS / "swarm"
BEFORE, TO = 4, 16

State = dict[tuple[int, bytes], bytes]
"""All that there is, by partition and key."""


def state(system: System) -> State:
    newest = {(one.partition, one.key): one.value for one in system.read(changelog_topic(system.settings))}
    return {at: value for at, value in newest.items() if value is not None}


def records(kept: State, partitions: int) -> dict[bytes, bytes]:
    """Each user's and entity's record, without its offsets. It is there once, and so are those whom it names."""
    placed, found = among(partitions), dict[bytes, bytes]()
    for (partition, key), value in kept.items():
        if key.startswith((USER, ENTITY)):
            assert partition == placed(key[1:])
            assert key not in found
            record = load_record(value)
            record.offset = record.hops = NEVER
            for contributors in record.contributors.values():
                assert all(note.user_partition == placed(note.user_id.encode()) for note in contributors.notes)
                contributors.replace([note._replace(user_partition=0) for note in contributors.notes])
            found[key] = dump_record(record)
    return found


def others(kept: State) -> set[bytes]:
    return {key for _, key in kept if not key.startswith((USER, ENTITY))}


def test_state_is_the_same_in_more_partitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOODGATE_DATA_DIR", str(tmp_path / "operator"))
    events = swarm_events(3_000, seed=5)
    with System(tmp_path) as system:
        system.push_rules(SWARM)
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        system.publish(events[:1_500])
        system.wait_until_decided()
        with pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("partitions", "move", "--to", str(TO))
        assert "the group floodgate has 1 members: stop all of its workers" in refused.value.stderr
        worker.stop()
        assert "nothing is in the way" in system.run("partitions", "plan", "--to", str(TO))
        kept = state(system)
        _interrupt(system, worker, tmp_path)
        assert "state_generation: 2" in system.run("partitions", "move", "--to", str(TO))
        with pytest.raises(TopicError, match="set `state_generation` to 2"):
            check_topics(system.settings)
        system.settings = msgspec.structs.replace(system.settings, partitions=TO, state_generation=2)
        moved = state(system)
        assert records(moved, TO) == records(kept, BEFORE)
        assert others(moved) == others(kept)

        worker.configure(system.settings)
        worker.restart()
        wait_until(worker.ready, "it is ready with more partitions")
        system.forget_lag_consumer()
        system.publish(events[1_500:])
        system.wait_until_decided()
        oracle = Oracle(SWARM, system.settings, events)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert {action["rule"] for action in oracle.actions} == {"swarm", "network", "farm"}
        assert system.users() == oracle.users
        assert system.entities() == oracle.entities
        assert {record.partition for record in system.read(system.settings.topics.events)} == set(range(TO))
        _forget_in_what_was_left_behind(system, kept)
        assert system.run("partitions", "delete-former") == "deleted floodgate-entities-changelog\n"


def naming(kept: State, user: bytes) -> State:
    """What names a user."""
    whole = re.compile(re.escape(user) + rb"(?!\d)")
    return {at: value for at, value in kept.items() if whole.search(at[1]) or whole.search(value)}


def _forget_in_what_was_left_behind(system: System, kept: State) -> None:
    """One who is noted at entities, beside others."""
    current = system.settings
    system.settings = former = msgspec.structs.replace(current, state_generation=1)
    before = state(system)
    assert before == kept
    users = [key.removeprefix(USER) for _, key in kept if key.startswith(USER)]
    user = max(users, key=lambda name: len(naming(kept, name)))
    own = naming(kept, user)
    assert {key.startswith(ENTITY) for _, key in own} == {True, False}
    system.settings = current
    told = system.run("forget", user.decode(), "--dry-run")
    assert f"in {changelog_topic(former)}, which state was moved away from" in told
    assert f"the state knows nothing of {user.decode()}" in system.run("forget", user.decode())
    system.settings = former
    left = state(system)
    system.settings = current
    assert naming(left, user) == {}
    of_others = {(at, value) for at, value in kept.items() - own.items() if at[1].startswith((USER, ENTITY))}
    assert of_others <= left.items()
    assert [key for _, key in own.keys() & left.keys() if key.startswith(ENTITY)]  # without one of its names


def _interrupt(system: System, worker: WorkerProcess, directory: Path) -> None:
    """A move is killed at several places, and taken back once."""

    def kill_at(said: str) -> None:
        with (directory / "move.log").open("ab") as log:
            environment = {**system.environment(), "KILLED_AT": said}
            arguments = ["partitions", "move", "--to", str(TO)]
            process = forks.start("tests.chaos.interrupted_move", arguments, environment, log, log)
            assert process.wait(60) == -9, (directory / "move.log").read_text()

    kill_at("partition 3 of 4: reading")
    worker.restart()
    assert worker.wait_until_ended() == 2
    assert "the state is half moved to more partitions" in worker.reason
    with pytest.raises(TopicError, match="half moved"):
        create_topics(system.settings)
    assert "with 4 partitions: start the workers" in system.run("partitions", "roll-back")
    check_topics(system.settings)
    kill_at("partition 2 of 4: done")
    kill_at("topic events: 16")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        system.run("partitions", "roll-back")
    assert "cannot get fewer partitions again" in refused.value.stderr
