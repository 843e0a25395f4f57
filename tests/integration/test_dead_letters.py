"""A producer's format changes: its events are refused, seen, and decided after all once the settings are mended."""

import subprocess
from pathlib import Path

import msgspec
import orjson
import pytest
from kafka import KafkaProducer

from engine.mappings import EventSettings
from engine.stream.handlers.messages import DEAD_LETTER_BYTES
from engine.stream.kafka.clients import options
from tests.events import START_MS
from tests.system import RULEBOOKS, System, wait_until

HOSTILE = "\x1b[2J\u202e"


def post(number: int, **more: object) -> bytes:
    """A post of one who floods, as a producer sends it that calls users otherwise."""
    event = {"event_id": f"e{number}", "type": "post", "uid": "eve", "ts": START_MS + number, "verified": False}
    return orjson.dumps({**event, "author": {"account_age_days": 1}, "text": HOSTILE, **more})


def publish(system: System, values: list[bytes]) -> None:
    with KafkaProducer(**options(system.settings)) as client:
        for number, value in enumerate(values):
            client.send(system.settings.topics.events, value, b"eve", timestamp_ms=START_MS + number)
        client.flush()


def fails(system: System, *arguments: str) -> "subprocess.CalledProcessError":
    with pytest.raises(subprocess.CalledProcessError) as failed:
        system.run("dead-letters", *arguments)
    return failed.value


def test_what_was_refused_is_decided_once_it_is_mended(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(RULEBOOKS / "flood")
        worker = system.start_worker("one")
        publish(system, [*(post(number) for number in range(12)), post(12, padding="x" * DEAD_LETTER_BYTES)])
        wait_until(lambda: len(system.read(system.settings.topics.dead_letters)) == 13, "all are refused")

        listed = system.run("dead-letters", "list", "--reason", "missing_field", "--limit", "2")
        assert "2 of 13 dead letters: events missing_field 13" in listed
        assert "`user_id` is missing" in listed
        lines = [orjson.loads(line) for line in system.run("dead-letters", "list", "--json").splitlines()]
        assert [one["id"] for one in lines] == list(range(13))
        assert [one["whole"] for one in lines] == [True] * 12 + [False]
        assert "0 of 0 dead letters" in system.run("dead-letters", "list", "--topic", "labels")
        shown = system.run("dead-letters", "show", "3")
        assert '"event_id":"e3"' in shown
        assert not {"\x1b", "\u202e"} & set(shown)
        system.run("dead-letters", "show", "3", "--out", str(tmp_path / "three"))
        assert (tmp_path / "three").read_bytes() == post(3)
        assert fails(system, "show", "99").returncode == 2

        assert not system.actions()
        assert worker.stop() == 0
        worker.configure(msgspec.structs.replace(system.settings, events=EventSettings(fields={"user_id": "uid"})))
        worker.restart()
        told = fails(system, "send", "--reason", "missing_field", "--yes")
        assert told.returncode == 1
        assert "12 is not sent: it has 16384 of" in told.stderr
        assert "sent 12 messages: events missing_field 12" in told.stdout
        system.wait_until_decided()
        assert {action["user_id"] for action in system.actions()} == {"eve"}
        actions = system.actions()
        system.run("dead-letters", "send", "0", "11", "--yes")  # a second time: no event counts twice
        system.wait_until_decided()
        assert system.actions() == actions

        assert "deleted 12 dead letters, 0 to 11" in system.run("dead-letters", "purge", "11", "--yes")
        assert [record.offset for record in system.read(system.settings.topics.dead_letters)] == [12]
        assert "there is no dead letter up to 11" in system.run("dead-letters", "purge", "11", "--yes")
