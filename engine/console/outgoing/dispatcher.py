"""Sends out what people have decided: neither lost nor doubled, whatever crashes.

What is taken stands in the store as `sending` before it is sent. Whoever finds it so once its lease is over, because
the process that had it was killed or the broker was away, looks first whether it is on its topic already.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from engine.console.outgoing.publishing import LABEL, find_published, publish, publish_labels
from engine.console.store.database import Store
from engine.console.store.outgoing import (
    Outgoing,
    mark_failed,
    mark_sent,
    put_back,
    take_abandoned,
    take_due,
)
from engine.errors import BrokerError, FloodgateError, TopicError
from engine.settings import Settings

AT_ONCE = 200
LEASE_MS = 30_000
_IDLE_S = 0.2
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_log = structlog.stdlib.get_logger("floodgate.console")


class Dispatcher:
    """Sends what is due. `clock`: epoch seconds."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._store, self._clock = settings, store, clock

    def run(self, stopping: threading.Event) -> None:
        """Send until told to stop. A broker that is away is waited for."""
        pause_s = _LEAST_PAUSE_S
        while not stopping.is_set():
            try:
                if not self.step():
                    stopping.wait(_IDLE_S)
                pause_s = _LEAST_PAUSE_S
            except (FloodgateError, KafkaError, SQLAlchemyError) as error:
                _log.warning("what people have decided waits", error=str(error), again_in_s=pause_s)
                stopping.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def step(self) -> int:
        """Settle what was abandoned, and send what is due; returns how many were sent. Raises BrokerError, TopicError,
        KafkaError: what was taken is settled later."""
        self._settle_abandoned()
        now_ms = self._now_ms()
        with self._store.write() as connection:
            taken = take_due(connection, now_ms, now_ms + LEASE_MS, AT_ONCE)
        labels = [outgoing for outgoing in taken if outgoing.kind == LABEL]
        if labels:
            self._send_labels(labels)
        for outgoing in taken:
            if outgoing.kind != LABEL:
                self._send(outgoing)
        return len(taken)

    def _settle_abandoned(self) -> None:
        """What somebody began to send, and did not say that it is out."""
        now_ms = self._now_ms()
        with self._store.write() as connection:
            abandoned = take_abandoned(connection, now_ms, now_ms + LEASE_MS, AT_ONCE)
        labels = [outgoing for outgoing in abandoned if outgoing.kind == LABEL]
        published = find_published(self._settings, labels) if labels else set()
        with self._store.write() as connection:
            mark_sent(connection, published, now_ms)
            put_back(connection, [outgoing.id for outgoing in abandoned if outgoing.id not in published], now_ms)

    def _send_labels(self, labels: Sequence[Outgoing]) -> None:
        try:
            publish_labels(self._settings, labels)
        except BrokerError:
            raise
        except FloodgateError as error:
            if not _is_final(error):
                raise
            self._fail(labels, error)
            return
        self._sent(labels)

    def _send(self, outgoing: Outgoing) -> None:
        try:
            publish(self._settings, outgoing)
        except (BrokerError, TopicError):
            raise
        except (FloodgateError, KeyError) as error:
            if not _is_final(error):
                raise
            self._fail([outgoing], error)
            return
        self._sent([outgoing])

    def _sent(self, sent: Sequence[Outgoing]) -> None:
        with self._store.write() as connection:
            mark_sent(connection, [outgoing.id for outgoing in sent], self._now_ms())

    def _fail(self, refused: Sequence[Outgoing], error: Exception) -> None:
        _log.error("this can never go out", kind=refused[0].kind, number=len(refused), error=str(error))
        with self._store.write() as connection:
            mark_failed(connection, [outgoing.id for outgoing in refused], str(error))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _is_final(error: Exception) -> bool:
    """Whether it can never go out: the workers would refuse it. What brokers refuse may go out later."""
    return not isinstance(error.__cause__, KafkaError)
