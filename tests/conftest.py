"""Apache Kafka for the tests that want it: one cluster for each test process, started when it is first asked for."""

import warnings
from collections.abc import Iterator

import pytest
from hypothesis import settings

from engine.dev.kafka.cluster import KafkaCluster
from engine.errors import KafkaMissingError

settings.register_profile("suite", deadline=None)  # time is measured in benchmarks, on machines without other work
settings.load_profile("suite")


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    """A single node. Skips, and says so in the summary, where Kafka cannot be had."""
    try:
        cluster = KafkaCluster()
    except KafkaMissingError as error:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(f"NOT TESTED ON APACHE KAFKA: {error}", stacklevel=1)
        pytest.skip(f"Apache Kafka could not be had: {error}")
    with cluster:
        yield cluster
