"""What the application asks of Faust and Kafka, whatever else is set."""

from pathlib import Path
from typing import Any

import pytest

from engine.settings import Settings
from engine.stream.worker.app import FloodgateApp


def conf(tmp_path: Path, **settings: Any) -> Any:
    """What Faust makes of the options."""
    return FloodgateApp(Settings(data_dir=str(tmp_path), **settings)).conf


def test_what_is_sent_counts_only_when_all_replicas_have_it(tmp_path: Path) -> None:
    """An offset is committed behind it: with one acknowledgement a broker that dies would take state along."""
    assert conf(tmp_path).producer_acks == -1


def test_workers_make_no_topics(tmp_path: Path) -> None:
    """`floodgate topics create` makes them, with settings of ours: a leader's topic, or any other, would lack these."""
    made = conf(tmp_path)
    assert (made.topic_allow_declare, made.topic_disable_leader) == (False, True)


def test_a_partition_that_is_taken_away_is_finished_first(tmp_path: Path) -> None:
    assert conf(tmp_path).stream_wait_empty is True


@pytest.mark.parametrize(("session_ms", "request_s"), [(10_000, 30.0), (30_000, 30.0), (60_000, 60.0)])
def test_a_request_may_take_as_long_as_a_session(tmp_path: Path, session_ms: int, request_s: float) -> None:
    made = conf(tmp_path, session_timeout_ms=session_ms)
    assert made.broker_request_timeout == request_s
    assert made.broker_session_timeout == session_ms / 1_000


def test_a_member_soon_learns_that_others_wait_for_it(tmp_path: Path) -> None:
    assert conf(tmp_path, session_timeout_ms=3_000).broker_heartbeat_interval < 0.5


@pytest.mark.parametrize(("name", "group_instance_id"), [("", None), ("floodgate-3", "floodgate-3")])
def test_a_worker_may_keep_its_name(tmp_path: Path, name: str, group_instance_id: str | None) -> None:
    assert conf(tmp_path, instance_id=name).consumer_group_instance_id == group_instance_id


def test_brokers_are_told_which_environment_asks(tmp_path: Path) -> None:
    assert conf(tmp_path, app_id="blue-floodgate").broker_client_id == "blue-floodgate"
