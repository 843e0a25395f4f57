"""Faults injected where they hurt, against what an undisturbed run gives."""

from pathlib import Path

import orjson
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from engine.stream.kafka.clients import options
from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System, wait_until

FLOOD = RULEBOOKS / "flood"
EVENTS = 8_000


@pytest.mark.parametrize("fault", ["drop_fetch", "drop_again"])
def test_a_dropped_fetch_is_read_again(tmp_path: Path, fault: str) -> None:
    with System(tmp_path, batch_max_events=20) as system:
        events = random_events(EVENTS, seed=21)
        system.push_rules(FLOOD)
        worker = system.start_worker("one", faults=fault)
        wait_until(worker.ready, "it is ready")
        for start in range(0, EVENTS, 1_000):  # in several fetches
            system.publish(events[start : start + 1_000])
        system.publish(events[EVENTS:])
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert "FAULT a fetch was dropped" in worker.log
        assert worker.metric("floodgate_offset_gaps_total") > 0
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.users() == oracle.users


def test_a_dropped_fetch_with_nothing_behind_it_is_read_again(tmp_path: Path) -> None:
    with System(tmp_path, partitions=1) as system:
        events = random_events(50, seed=23)
        system.push_rules(FLOOD)
        system.publish(events)
        worker = system.start_worker("one", faults="drop_last")
        system.wait_until_decided()
        assert "FAULT a fetch was dropped" in worker.log
        assert system.users() == Oracle(FLOOD, system.settings, events).users


def test_without_the_guard_a_dropped_fetch_loses_events(tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    with System(tmp_path) as system:
        events = random_events(EVENTS, seed=21)
        system.push_rules(FLOOD)
        worker = system.start_worker("one", faults="drop_fetch,no_guard")
        wait_until(worker.ready, "it is ready")
        for start in range(0, EVENTS, 1_000):
            system.publish(events[start : start + 1_000])
        system.publish(events[EVENTS:])
        system.wait_until_decided()
        assert system.users() != Oracle(FLOOD, system.settings, events).users


@pytest.mark.parametrize("fault", ["fail_changelog", "fail_rocksdb"])
def test_a_failed_write_stops_the_worker_and_loses_nothing(tmp_path: Path, fault: str) -> None:
    with System(tmp_path, batch_max_events=50) as system:
        events = random_events(EVENTS, seed=22)
        system.push_rules(FLOOD)
        system.publish(events)
        worker = system.start_worker("one", faults=fault)
        assert worker.wait_until_ended() != 0
        assert "FAULT" in worker.log
        assert system.lag() > 0
        worker.restart()
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.users() == oracle.users


def test_a_worker_that_is_told_to_stop_while_the_brokers_are_away_ends(tmp_path: Path) -> None:
    with System(tmp_path, stop_timeout_s=1) as system:
        system.push_rules(FLOOD)
        worker = system.start_worker("one")
        system.publish(random_events(200, seed=24))
        system.wait_until_decided()
        system.stop_broker()
        code = worker.stop()  # whether anything of it waits for an answer depends on what was under way
        assert code == 0 or (code == 1 and "it is ended" in worker.log)


def test_whoever_is_slow_to_enforce_holds_nothing_up(tmp_path: Path) -> None:
    with System(tmp_path, batch_max_events=50) as system:
        events = random_events(EVENTS, seed=25)
        system.push_rules(FLOOD)
        topic = system.settings.topics.actions
        slow = KafkaConsumer(**options(system.settings), max_poll_records=50, fetch_max_bytes=2_000)
        slow.assign([TopicPartition(topic, number) for number in range(system.settings.partitions)])
        slow.seek_to_beginning()
        system.start_worker("one")
        system.publish(events)
        received: set[str] = set()

        def receive() -> set[str]:
            for records in slow.poll(timeout_ms=100).values():
                received.update(orjson.loads(record.value)["action_id"] for record in records)
            return received

        wait_until(receive, "a first action is there")
        system.wait_until_decided()
        seen = {action["action_id"] for action in system.actions()}
        assert seen == Oracle(FLOOD, system.settings, events).action_ids
        assert len(received) < len(seen)
        wait_until(lambda: receive() == seen, "the last one has come through")
        slow.close()


def test_nonsense_beside_the_rulebook_stops_no_worker(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        client = KafkaProducer(**options(system.settings))
        nested = b'{"author": "a", "note": "", "ts": 0, "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}"
        for key in (b"list/bad/x", b"paused/x", b"promoted/x"):
            for value in (nested, b"{}", b"\xff"):
                client.send(system.settings.topics.rulebooks, value, key)
        client.close()
        wait_until(lambda: worker.metric("floodgate_updates_refused_total") >= 6, "it is refused")
        worker.kill()
        worker.restart()  # and reads it all again
        system.publish(random_events(300, seed=26))
        system.wait_until_decided()
        assert system.users() == Oracle(FLOOD, system.settings, random_events(300, seed=26)).users
