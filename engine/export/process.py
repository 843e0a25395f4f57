"""`floodgate export` as a process, until it is told to stop."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from engine.errors import SettingsError
from engine.export.exporter import Exporter
from engine.export.files import Table, disagreements, filesystem
from engine.locks import only_one
from engine.settings import Settings
from engine.stream.admin.process_pages import process_pages


def export(settings: Settings, *, is_once: bool) -> int:
    """Export until SIGTERM or SIGINT, or once; how many rows it were. Raises SettingsError, StoreError, TopicError, and
    OSError where the port is taken."""
    if not settings.export.to:
        raise SettingsError("`export.to` says where tables go: a directory, or a URL")
    with _lock(settings.export.to):
        return asyncio.run(_export(settings, is_once))


def _lock(to: str) -> AbstractContextManager[None]:
    fs, root = filesystem(to)
    if not isinstance(fs, LocalFileSystem):  # there is nothing that a killed process would give back
        return nullcontext()
    return only_one(f"{root.rstrip('/')}/.export.lock", f"exports to {to}")


async def _export(settings: Settings, is_once: bool) -> int:
    stopping, own = asyncio.Event(), settings.export
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    exporter = Exporter(settings, stopping, is_once=is_once)
    if is_once:
        await exporter.run()
    else:
        async with process_pages(
            own.host, own.port, exporter.metrics.expose, lambda: [] if exporter.is_reading else ["topics"]
        ):
            await exporter.run()
    return exporter.rows


def find_faults(settings: Settings) -> Iterator[str]:
    """What is wrong with the files: offsets that are in two of them or in none, and files that cannot be read."""
    for name in settings.export.tables:
        table = Table(settings.export.to, name)
        spans = list(table.spans())
        for fault in disagreements(spans):
            yield f"{name}: {fault}"
        for span in spans:
            try:
                with table.open(span) as file:
                    pq.read_metadata(file)
            except (OSError, ValueError) as error:  # pyarrow's are ValueErrors
                yield f"{name}: {span.path} cannot be read: {error}"
