"""A database that is closed and opened again keeps what is in it; a recovery has an end of its own."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from faust.stores.rocksdb import RocksDBOptions
from faust.types import TP

from engine.settings import Settings
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.tables import EntityStore, RecoveryService, forget_options

RECORDS = 500


def kept(path: Path, careful: bool) -> int:
    """What is left after three times, and a compaction."""
    options = RocksDBOptions(ttl=40 * 86_400, use_rocksdict=True)
    for time in range(3):
        if careful:
            forget_options(path)
        database = options.open(path)
        for number in range(RECORDS):
            database[f"{time}-{number}".encode()] = f"event {number:04}".encode()
        if time == 2:
            database.compact_range(None, None)
        count = sum(1 for _ in database.keys())  # noqa: SIM118  # not a dictionary
        database.close()
    return count


@pytest.mark.parametrize("careful", [True, False], ids=["careful", "careless"])
def test_a_compaction_keeps_what_is_not_old(tmp_path: Path, careful: bool) -> None:
    found = kept(tmp_path / "some.db", careful)
    assert found == 3 * RECORDS if careful else found < 3 * RECORDS  # rocksdict does better? then `tables.py` may go


def test_the_app_opens_its_databases_with_care(tmp_path: Path) -> None:
    app = FloodgateApp(Settings(data_dir=str(tmp_path)))
    store = app.entities.data
    assert isinstance(store, EntityStore)
    for _ in range(2):
        database = store._open_for_partition(0)
        (options,) = store.partition_path(0).glob("OPTIONS-*")
        assert options.read_text().count("id=TtlCompactionFilterFactory") == 1
        database.close()


def test_the_end_of_an_earlier_recovery_is_not_the_end_of_the_next_one(tmp_path: Path) -> None:
    """A rebalance in the middle of a recovery: what had been fetched before it may still end it."""
    service = FloodgateApp(Settings(data_dir=str(tmp_path))).tables.recovery  # type: ignore[attr-defined]  # typed as less
    service.signal_recovery_end.set()
    service._set_recovery_started()
    assert service.in_recovery
    assert not service.signal_recovery_end.is_set()


def test_what_a_rebalance_has_just_added_is_read_from_its_beginning() -> None:
    class Consumer:
        sought: ClassVar[dict[TP, int]] = {}

        async def seek_wait(self, partitions: dict[TP, int]) -> None:
            self.sought.update(partitions)

    tps = [TP("changelog", number) for number in range(3)]
    offsets: Any = Counter(dict(zip(tps, (None, -1, 7), strict=True)))
    service, consumer = RecoveryService.__new__(RecoveryService), Consumer()
    asyncio.run(service._seek_offsets(consumer, set(tps), offsets, "standby"))
    assert consumer.sought == dict(zip(tps, (0, 0, 7), strict=True))
