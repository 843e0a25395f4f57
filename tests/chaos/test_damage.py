"""A worker's disk is lost or damaged: what was on it is rebuilt from the changelog."""

import shutil
from pathlib import Path

import pytest

from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System, wait_until

FLOOD = RULEBOOKS / "flood"


def lose(disk: Path) -> None:
    """Everything."""
    shutil.rmtree(disk)


def tear_manifest(disk: Path) -> None:
    """Half of what tells which files there are."""
    for path in disk.rglob("MANIFEST-*"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lose_current(disk: Path) -> None:
    """The file that tells where the manifest is."""
    for path in disk.rglob("CURRENT"):
        path.write_bytes(b"nowhere")


def overwrite_blocks(disk: Path) -> None:
    """Bytes in the middle of the data."""
    damaged = 0
    for path in [*disk.rglob("*.sst"), *disk.rglob("*.log")]:
        data = bytearray(path.read_bytes())
        if path.suffix == ".sst" and len(data) > 600:
            data[100:500] = bytes(400)
            path.write_bytes(data)
            damaged += 1
    assert damaged or not list(disk.rglob("*.sst"))


def test_a_full_disk_ends_the_worker_and_loses_nothing(tmp_path: Path) -> None:
    events = random_events(6_000, seed=43)
    with System(tmp_path, batch_max_events=50) as system:
        system.push_rules(FLOOD)
        worker = system.start_worker("one")
        system.publish(events[:3_000])
        system.wait_until_decided()
        worker.fill_disk()
        system.publish(events[3_000:])
        assert worker.wait_until_ended() != 0
        worker.restart()
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.users() == oracle.users


@pytest.mark.parametrize("damage", [lose, tear_manifest, lose_current, overwrite_blocks], ids=lambda one: one.__name__)
def test_a_damaged_disk_is_put_aside_and_rebuilt(tmp_path: Path, damage: "object") -> None:
    assert callable(damage)
    events = random_events(6_000, seed=41)
    with System(tmp_path, batch_max_events=50) as system:
        system.push_rules(FLOOD)
        system.publish(events[:3_000])
        worker = system.start_worker("one")
        system.wait_until_decided()
        worker.stop()
        damage(tmp_path / "one")
        worker.restart()
        system.publish(events[3_000:])
        for _ in range(6):  # as its supervisor would: each start finds one of the four databases
            wait_until(lambda: worker.has_ended() or system.lag() == 0, "it has ended, or decided everything")
            if worker.has_ended():
                worker.restart()
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.users() == oracle.users
