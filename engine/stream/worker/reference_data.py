"""The reference data of a worker: databases in files, tables that come on topics, and what of them is missing."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from engine.core.domain.reference import Lookup
from engine.core.domain.rules import Rulebook
from engine.reference.bank_files import BankFiles
from engine.reference.data import References
from engine.reference.databases import Databases
from engine.reference.tables import Tables
from engine.settings import Settings
from engine.stream.handlers.metrics import Metrics
from engine.stream.worker.table_follower import TableFollower

_log = structlog.stdlib.get_logger("floodgate")

LOOK_AT_FILES_EVERY_S = 10.0
"""How often files are looked at."""


class ReferenceData:
    """What the rulebook in use names. `on_caught_up` is called when the tables are known."""

    def __init__(self, settings: Settings, metrics: Metrics, on_caught_up: Callable[[], None]) -> None:
        tables = Tables(settings.max_table_rows, settings.max_table_bytes)
        self._databases, self._metrics = Databases(settings.reference_data_dir), metrics
        self._bank_files = BankFiles(settings.reference_data_dir)
        self.references = References(self._databases, tables)
        self.follower = TableFollower(tables, settings, metrics, on_caught_up)
        self._told: dict[str, datetime] = {}
        self._errors: dict[str, str] = {}
        self._told_banks: tuple[dict[str, int], dict[str, str]] = ({}, {})
        self._named: tuple[tuple[Lookup, ...], Mapping[str, str]] = ((), {})

    @property
    def is_known(self) -> bool:
        """Whether all that was on the tables' topics has been read."""
        return self.follower.is_caught_up

    def use(self, rulebook: Rulebook) -> None:
        """Have what a rulebook names, and nothing else."""
        self._bank_files.use(rulebook.banks.values())
        self._tell_bank_files()
        if (rulebook.lookups, rulebook.topics) != self._named:
            self._named = (rulebook.lookups, rulebook.topics)
            self._databases.use(rulebook.lookups)
            self.follower.use(rulebook.lookups, rulebook.topics)
            self._tell_databases()

    def missing(self) -> list[str]:
        """What the rulebook names and is not there: its values are unknown."""
        topics = [f"topic {topic}" for topic in self.follower.missing()]
        files = [*self._databases.missing(), *self._bank_files.missing()]
        return [*(f"file {name}" for name in files), *topics]

    async def look_at_files(self) -> None:
        """Use files that have been replaced, from the next batch on."""
        self._databases.refresh()
        self._tell_databases()
        await asyncio.to_thread(self._bank_files.read)
        self._bank_files.show()
        self._tell_bank_files()

    def _tell_bank_files(self) -> None:
        counts, errors = self._bank_files.counts(), dict(self._bank_files.errors)
        for name, pictures in counts.items():
            if self._told_banks[0].get(name) != pictures:
                _log.info("a bank of pictures is in use", file=name, pictures=pictures)
        for name in errors.keys() - self._told_banks[1].keys():
            _log.error("a bank of pictures cannot be read; the file before it stays in use", file=name,
                       error=errors[name])  # fmt: skip
        self._told_banks = counts, errors

    def _tell_databases(self) -> None:
        built_at, errors = dict(self._databases.built()), dict(self._databases.errors)
        for name, built in built_at.items():
            self._metrics.database_built.labels(name).set(built.timestamp())
            if self._told.get(name) != built:
                _log.info("a database of networks is in use", file=name, built=built.date().isoformat())
        for name in errors.keys() - self._errors.keys():
            _log.error("a database of networks cannot be read; the one before it stays in use", file=name,
                       error=errors[name])  # fmt: skip
        self._told, self._errors = built_at, errors
        for name in self._databases.missing():
            self._metrics.database_built.labels(name).set(0)
