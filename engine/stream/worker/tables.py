"""The table of entities, in RocksDB as Faust keeps it, but for three things.

A recovery ends by a signal that Faust clears only where it reads changelog events itself (faust/tables/recovery.py,
`_slurp_changelogs`), which we do not let it do. A rebalance in the middle of a recovery would leave it set, and the
next recovery would be over before it has read anything. So it is cleared when a recovery begins.

A recovery that a rebalance interrupts may seek partitions of which it has read nothing (`_seek_offsets`).

The third is how a database is opened again.

rocksdict (0.3.29), when a database was closed in good order, takes the options for its columns from the OPTIONS file
beside it, in place of those that it is given. The compaction filter of a database with a ttl is among them, and RocksDB
puts its filter around the one that it finds: the inner one sees values without the time that was written behind them,
takes their last four bytes for it, and the next compaction deletes what these make look old. So the file goes before a
database is opened (`docs/decisions/0021-options-of-a-database.md`).
"""

from collections import Counter
from pathlib import Path
from typing import Any

import faust
from faust.stores import rocksdb
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery


def database_options(ttl_days: int) -> dict[str, int]:
    """How a partition's database is opened. Faust's defaults are a block cache of 2 GiB; three memtables of 64 MB."""
    return {
        "block_cache_size": 32 << 20,
        "write_buffer_size": 16 << 20,
        "max_write_buffer_number": 2,
        "bloom_filter_size": 10,
        "ttl": ttl_days * 86_400,
    }


def forget_options(database: Path) -> None:
    """Let a database that is not open be opened with the options that are given, and no others."""
    for file in database.glob("OPTIONS-*"):
        file.unlink()


class EntityOptions(rocksdb.RocksDBOptions):
    """Faust's, for files that keep no keys of before (`rewriting.py`). The list of files, which has the first and last
    key of each that ever was, is written anew at each change: RocksDB would append to it up to a gigabyte. Its logs,
    which tell between which keys was compacted, stay for two days, not for a thousand openings."""

    def as_options(self) -> Any:
        """For each opening."""
        options: Any = super().as_options()
        options.set_max_manifest_file_size(1)
        options.set_log_file_time_to_roll(86_400)
        options.set_keep_log_file_num(2)
        return options


class EntityStore(rocksdb.Store):
    """Faust's store (faust/stores/rocksdb.py), whose databases are opened with our options each time."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.rocksdb_options = EntityOptions(**(self.options or {}))

    def _open_for_partition(self, partition: int) -> Any:
        forget_options(self.partition_path(partition))
        return super()._open_for_partition(partition)


class EntityTable(faust.Table[bytes, bytes]):
    """Faust's table with this store."""

    def _new_store(self) -> Any:
        return EntityStore(
            self._store or self.app.conf.store, self.app, self, table_name=self.name, key_type=self.key_type,
            key_serializer=self.key_serializer, value_serializer=self.value_serializer, value_type=self.value_type,
            loop=self.loop, options=self.options,
        )  # fmt: skip


class RecoveryService(Recovery):
    """Faust's, whose end is not that of an earlier one. Faust calls this again right before it reads."""

    def _set_recovery_started(self) -> None:
        super()._set_recovery_started()
        self.signal_recovery_end.clear()

    async def _seek_offsets(self, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        """A rebalance may have added partitions since, of which nothing has been read: None (`_add`), where Faust
        knows -1 alone, and crashes. They are read from their beginning, and the recovery after the rebalance begins
        anew."""
        known = Counter({tp: -1 if offsets[tp] is None else offsets[tp] for tp in tps})
        await super()._seek_offsets(consumer, tps, known, title)


class RecoveringTables(TableManager):
    """Faust's tables with this service, which begin at once: what Faust waits a second for (faust/tables/manager.py) is
    tables that agents make when they start, and there are none."""

    async def on_start(self) -> None:
        """Recover."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Recovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = RecoveryService(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
