"""How the engine stands, as `floodgate status` knows it: asked again and again, beside the pages."""

import threading
import time

import msgspec
import structlog
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from engine.console.store.database import Store
from engine.console.store.health import STATUS, note_health
from engine.errors import FloodgateError
from engine.settings import Settings
from engine.stream.admin.status import read_status

_EVERY_S = 15.0
_MOST_BEHIND = 10_000
_log = structlog.stdlib.get_logger("floodgate.console")


class StandingReader:
    """Keeps the engine's status in the store. What cannot be asked is said with its reason."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store

    def run(self, stopping: threading.Event) -> None:
        """Ask until told to stop."""
        while not stopping.is_set():
            try:
                self.step()
            except SQLAlchemyError as error:
                _log.warning("the engine's status could not be kept", error=str(error))
            stopping.wait(_EVERY_S)

    def step(self) -> None:
        """Ask once."""
        try:
            standing = read_status(self._settings)
            lag = sum(partition.lag for partition in standing.partitions)
            problems = list(standing.problems(_MOST_BEHIND))
            document = {**msgspec.to_builtins(standing), "lag": lag, "problems": problems}
        except (FloodgateError, KafkaError) as error:
            document = {"problems": [str(error)]}
        with self._store.write() as connection:
            note_health(connection, STATUS, document, int(time.time() * 1000))
