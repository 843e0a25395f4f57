"""Apache Kafka for the tests that want it: one cluster for each test process, started when it is first asked for. Also
the order in which tests are run."""

import logging
import os
import warnings
from collections.abc import Generator, Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from engine.dev import pages
from engine.dev.kafka.cluster import KafkaCluster
from engine.errors import KafkaMissingError

# Time is measured in benchmarks, on machines without other work.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_configure() -> None:
    """Ports are chosen long before somebody listens there: each test process has some of its own."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    first, end = pages.PORTS
    share = (end - first) // processes
    pages.PORTS = first + number * share, first + (number + 1) * share


LONG_FIRST = (
    "tests/integration/test_night.py",
    "tests/integration/test_tutorial.py",
    "tests/chaos",
    "tests/e2e",
    "tests/integration",
    "tests/property",
)
"""What takes long, the longest first: nobody waits at the end for a long one that was begun last."""


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Those that take long come first; among them, and among the others, all stays as others have ordered it."""
    yield
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, path in enumerate(LONG_FIRST) if item.nodeid.startswith(path)), len(LONG_FIRST))


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Whatever a test makes of the logs, the next one finds them as they were."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.reset_defaults()


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
