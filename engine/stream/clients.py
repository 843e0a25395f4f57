"""kafka-python's clients, as every command uses them: ten seconds to reach a broker, then a clear error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from engine.errors import BrokerError
from engine.settings import Settings

CONNECT_MS = 10_000
MAX_MESSAGE_BYTES = 8 << 20


@contextmanager
def admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client. Raises BrokerError when no broker answers."""
    with _connected(KafkaAdminClient, settings) as client:
        yield client


@contextmanager
def consumer(settings: Settings) -> Iterator[KafkaConsumer]:
    """A consumer without a group. Raises BrokerError when no broker answers."""
    with _connected(KafkaConsumer, settings, enable_auto_commit=False) as client:
        yield client


def producer(settings: Settings, **options: Any) -> KafkaProducer:
    """A producer that waits for all replicas. Raises BrokerError when no broker answers."""
    return _connect(KafkaProducer, settings, acks="all", max_request_size=MAX_MESSAGE_BYTES, **options)


@contextmanager
def _connected(kind: Any, settings: Settings, **options: Any) -> Iterator[Any]:
    client = _connect(kind, settings, **options)
    try:
        yield client
    finally:
        client.close()


def _connect(kind: Any, settings: Settings, **options: Any) -> Any:
    try:
        return kind(bootstrap_servers=settings.bootstrap_servers, bootstrap_timeout_ms=CONNECT_MS, **options)
    except (KafkaError, ValueError, OSError) as error:
        raise BrokerError(f"no Kafka broker answers at {settings.brokers}: {error}") from error
