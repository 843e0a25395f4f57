"""`floodgate deliver`, from the topic to a receiver that is slow, fails, is killed and started again."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer

from engine.dev.pages import read_page
from engine.stream.kafka.clients import options
from tests import forks
from tests.events import random_events
from tests.receiver import Receiver
from tests.system import RULEBOOKS, System, wait_until
from tests.ways import Deliverer, by_target

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw3Kx2pYz0c1s="


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    one = Receiver(tmp_path, SECRET)
    one.start()
    yield one
    one.kill()


def make_action(number: int, user: str, kind: str = "limit", **more: Any) -> dict[str, Any]:
    return {
        "action_id": f"a-{number}", "ts": 1_772_452_800_000 + number, "kind": kind, "event_id": f"e-{number}",
        "user_id": user, "target": {"type": "user", "id": user}, "rule": "r", "reason": "r", "explanation": "x",
        "rulebook": "v", **more,
    }  # fmt: skip


def publish(system: System, actions: list[dict[str, Any]]) -> None:
    producer = KafkaProducer(**options(system.settings))
    for action in actions:
        key = action["target"]["id"].encode()
        producer.send(system.settings.topics.actions, orjson.dumps(action), key).add_errback(pytest.fail)
    producer.flush()
    producer.close()


def test_what_a_worker_publishes_comes_to_its_receiver(tmp_path: Path, receiver: Receiver) -> None:
    with System(tmp_path) as system:
        system.push_rules(RULEBOOKS / "flood")
        system.start_worker("one")
        system.publish(random_events(2_000, seed=5))
        system.wait_until_decided()
        published = system.actions()
        assert published
        deliverer = Deliverer(system, receiver)
        wait_until(lambda: len(receiver.taken()) >= len(published), "all is delivered")
        taken = [one["body"]["action"] for one in receiver.taken()]
        assert by_target(taken) == by_target(published)
        assert sorted(map(orjson.dumps, taken)) == sorted(map(orjson.dumps, published))
        wait_until(lambda: '"ready"' in read_page(deliverer.port, "/readyz"), "it is ready")
        assert deliverer.stop() == 0
        assert "0 " in deliverer.run("status")


def test_each_action_comes_at_least_once_and_in_order_through_all_faults(tmp_path: Path, receiver: Receiver) -> None:
    """The receiver fails, is slow, is killed and started again; the process is killed twice meanwhile."""
    with System(tmp_path) as system:
        actions = [make_action(number, f"u{number % 23}") for number in range(400)]
        publish(system, actions)
        receiver.behave(status=503)
        deliverer = Deliverer(system, receiver)
        wait_until(lambda: deliverer.metric("floodgate_delivery_failing_since_timestamp_seconds"), "it fails")
        receiver.behave(delay_s=0.02)
        wait_until(lambda: len(receiver.taken()) > 60, "some are delivered")
        receiver.kill()
        wait_until(lambda: deliverer.metric("floodgate_delivery_failures_total") > 20, "nobody answers")
        deliverer.kill()
        receiver.start()
        deliverer.start()
        wait_until(lambda: len(receiver.taken()) > 180, "more are delivered")
        deliverer.kill()
        deliverer.start()
        wait_until(lambda: len({one["id"] for one in receiver.taken()}) == len(actions), "all are delivered")
        assert deliverer.stop() == 0
        taken = receiver.taken()
        assert by_target([one["body"]["action"] for one in taken]) == by_target(actions)
        assert all(one["body"]["action"]["action_id"] == one["id"] for one in taken)
        repeated = len(taken) - len(actions)
        assert repeated <= 3 * 8  # what was under way when the receiver or the process was killed


def test_known_ids_are_skipped_also_by_the_next_process(tmp_path: Path, receiver: Receiver) -> None:
    with System(tmp_path) as system:
        actions = [make_action(number, f"u{number % 5}") for number in range(40)]
        publish(system, actions + actions[:10])
        deliverer = Deliverer(system, receiver)
        wait_until(lambda: deliverer.metric("floodgate_delivery_actions_total") == 50, "all of it is read")
        assert deliverer.stop() == 0
        deliverer.start()
        publish(system, [*actions, make_action(99, "u1"), make_action(100, "u1", kind="add")])
        wait_until(lambda: deliverer.metric("floodgate_delivery_actions_total") == 42, "the rest is read")
        assert [one["id"] for one in receiver.received()].count("a-99") == 1
        assert len(receiver.received()) == 41
        page = read_page(deliverer.port, "/metrics")
        assert 'floodgate_delivery_actions_total{outcome="known",receiver="posts"} 40.0' in page
        assert 'floodgate_delivery_actions_total{outcome="not_asked_for",receiver="posts"} 1.0' in page
        assert deliverer.stop() == 0


def test_an_action_that_a_receiver_never_takes_holds_up_only_its_target_and_is_set_aside(
    tmp_path: Path, receiver: Receiver
) -> None:
    with System(tmp_path) as system:
        receiver.behave(refuses=["a-0"])
        publish(system, [make_action(0, "eve"), make_action(1, "eve")])
        deliverer = Deliverer(system, receiver, most_tries=3)
        wait_until(lambda: len(receiver.received()) > 6, "it is tried again and again, as nothing else is taken")
        assert not deliverer.metric("floodgate_delivery_set_aside")
        publish(system, [make_action(2, "anna"), make_action(3, "anna")])
        wait_until(lambda: {one["id"] for one in receiver.taken()} == {"a-1", "a-2", "a-3"}, "the others are delivered")
        wait_until(lambda: deliverer.metric("floodgate_delivery_set_aside") == 1, "it is set aside")
        wait_until(lambda: " 0 " in deliverer.run("status", code=1), "nothing is left")
        assert "a-0" in deliverer.run("set-aside")
        (kept,) = map(json.loads, deliverer.run("set-aside", "--json").splitlines())
        assert kept["action"] == make_action(0, "eve")
        assert "has not taken a-0: 500" in deliverer.run("again", code=1)
        receiver.behave()
        assert "1 of 1 were taken" in deliverer.run("again", "a-0")
        assert receiver.taken()[-1]["id"] == "a-0"
        assert "0 actions are set aside" in deliverer.run("set-aside")
        assert deliverer.stop() == 0


def test_a_second_process_on_the_same_store_is_refused(tmp_path: Path, receiver: Receiver) -> None:
    with System(tmp_path) as system:
        deliverer = Deliverer(system, receiver)
        wait_until(lambda: '"ready"' in read_page(deliverer.port, "/readyz"), "it is ready")
        ran: subprocess.CompletedProcess[str] = forks.run(
            "engine.cli", ["deliver", "--config", str(deliverer.config)], dict(os.environ)
        )
        assert ran.returncode == 2
        assert "another process delivers" in ran.stderr
        assert deliverer.stop() == 0
