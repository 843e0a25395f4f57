"""The brokers that the contract is held against. Real Kafka joins with CONTRACT_BROKERS."""

import os
from collections.abc import Iterator

import pytest

from engine.dev.broker.process import BrokerProcess


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """host:port of a broker: one that is given, or an embedded one."""
    given = os.environ.get("CONTRACT_BROKERS")
    if given:
        yield given
        return
    with BrokerProcess() as process:
        yield process.address
