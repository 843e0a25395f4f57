"""Records of a topic, as commands read them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.kafka import records
from engine.stream.kafka.records import read_all, read_since
from tests.unit.stream.broker import consumer_of
from tests.unit.stream.signed import record

SETTINGS = Settings(partitions=3)


def at(*times: int, partition: int = 0) -> list[Any]:
    return [
        record("t", b"k", b"%d.%d" % (partition, offset), offset=offset, partition=partition, timestamp=time)
        for offset, time in enumerate(times)
    ]


Reading = Callable[[dict[int, list[Any]]], None]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Sets what the topic `t` has; it is 1000 ms after the epoch."""
    monkeypatch.setattr(records, "time", SimpleNamespace(time=lambda: 1.0))
    return lambda partitions: monkeypatch.setattr(records, "consumer", consumer_of("t", partitions))


@pytest.mark.parametrize(
    ("since_ms", "most", "found"),
    [
        (None, None, ["0.0", "0.1", "0.2", "1.0"]),
        (20, None, ["0.1", "0.2"]),
        (21, None, ["0.2"]),
        (31, None, []),
        (0, None, ["0.0", "0.1", "0.2", "1.0"]),
        (None, 2, ["0.2", "1.0"]),  # one of each partition
        (None, 4, ["0.1", "0.2", "1.0"]),
        (None, 100, ["0.0", "0.1", "0.2", "1.0"]),
        (30, 4, ["0.2"]),
    ],
)
def test_a_topic_is_read_from_a_time_on_and_at_most_so_much(
    since_ms: int | None, most: int | None, found: list[str], topic: Reading
) -> None:
    topic({0: at(10, 20, 30), 1: at(5, partition=1)})
    assert sorted(record.value.decode() for record in read_all(SETTINGS, "t", since_ms, most)) == found


def test_an_empty_topic_has_nothing_and_one_that_is_not_there_is_an_error(topic: Reading) -> None:
    topic({0: [], 1: []})
    assert list(read_all(SETTINGS, "t")) == []
    with pytest.raises(TopicError, match="does not exist"):
        list(read_all(SETTINGS, "other"))


@pytest.mark.parametrize(
    ("span_ms", "found"), [(0, ["0.2"]), (10, ["0.1", "0.2"]), (500, ["1.0", "0.0", "0.1", "0.2"])]
)
def test_what_arrived_lately_is_read_in_the_order_of_its_arrival(
    span_ms: int, found: list[str], topic: Reading
) -> None:
    topic({0: at(10, 20, 30), 1: at(5, partition=1)})
    assert [one.value.decode() for one in read_since(SETTINGS, "t", span_ms)] == found


def test_a_time_that_has_not_come_hides_nothing(topic: Reading) -> None:
    topic({0: at(900, 5_000)})
    assert [one.arrived_ms for one in read_since(SETTINGS, "t", 100)] == [900, 5_000]


def test_offsets_go_before_the_times_that_records_claim_and_null_is_passed_over(topic: Reading) -> None:
    told = at(30, 10, 40)
    told[2].value = None
    topic({0: told, 1: at(20, partition=1)})
    found = [(one.value.decode(), one.arrived_ms) for one in read_since(SETTINGS, "t", 500)]
    assert found == [("1.0", 20), ("0.0", 30), ("0.1", 10)]
