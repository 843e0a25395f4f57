"""The brokers that the contract is held against: the embedded one, and Apache Kafka."""

from collections.abc import Iterator

import pytest

from engine.dev.broker.process import BrokerProcess
from engine.dev.kafka.cluster import KafkaCluster


@pytest.fixture(scope="session")
def embedded() -> Iterator[str]:
    """host:port of an embedded broker."""
    with BrokerProcess() as process:
        yield process.address


@pytest.fixture(params=["embedded", "kafka"])
def broker(request: pytest.FixtureRequest) -> str:
    """host:port of each kind of broker."""
    found = request.getfixturevalue(request.param)
    return found.address if isinstance(found, KafkaCluster) else str(found)
