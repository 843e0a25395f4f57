"""Pages of several processes as one: what is added, what is not, and that no counter falls."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from engine.stream.handlers.metrics import Metrics
from engine.stream.supervisor.page_sums import GAUGES, PageSums, read_metrics

LEFT_AS_THEY_ARE = {"process_max_fds", "process_start_time_seconds"}
"""Gauges that keep a value for each process."""


def page(registry: CollectorRegistry) -> bytes:
    """As a worker under a supervisor shows it: without when each of its series began."""
    return b"".join(line for line in generate_latest(registry).splitlines(True) if b"_created" not in line)


class Worker:
    """One that counts."""

    def __init__(self, events: int = 0, ready: int = 1, partition: int = 0, lag: int = 0) -> None:
        self.registry = CollectorRegistry()
        Counter("floodgate_events", "Events decided", registry=self.registry).inc(events)
        hits = Counter("floodgate_rule_hits", "Rules that held", ["rule"], registry=self.registry)
        hits.labels('a "quoted"\\name\n').inc(2 * events)
        delay = Histogram("floodgate_delay", "Delay", ["topic"], buckets=(1, 5), registry=self.registry)
        delay.labels("events").observe(events)
        Gauge("floodgate_ready", "Ready", registry=self.registry).set(ready)
        lags = Gauge("floodgate_lag", "Lag", ["topic", "partition"], registry=self.registry)
        lags.labels("events", partition).set(lag)
        Gauge("floodgate_last_contact_timestamp_seconds", "Contact", registry=self.registry).set(1_000 + events)
        Gauge("process_resident_memory_bytes", "Memory", registry=self.registry).set(100)
        Gauge("process_start_time_seconds", "Start", registry=self.registry).set(7)

    def page(self) -> bytes:
        return page(self.registry)


def summed(*taken: tuple[int, int, Worker | None], into: PageSums | None = None) -> dict[str, float]:
    """The page after some have answered, by its lines. Of each: its number, its start, and the worker."""
    sums = into or PageSums()
    for process, start, worker in taken:
        sums.take(process, start, read_metrics(worker.page()) if worker is not None else None)
    registry = CollectorRegistry()
    registry.register(sums)
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_counters_and_histograms_are_added_by_their_labels() -> None:
    found = summed((1, 1, Worker(3)), (2, 1, Worker(4)))
    assert found["floodgate_events_total"] == 7
    assert found['floodgate_rule_hits_total{rule="a \\"quoted\\"\\\\name\\n"}'] == 14
    assert [found[f'floodgate_delay_bucket{{le="{le}",topic="events"}}'] for le in ("1.0", "5.0", "+Inf")] == [0, 2, 2]
    assert found['floodgate_delay_count{topic="events"}'] == 2
    assert found['floodgate_delay_sum{topic="events"}'] == 7


def test_gauges_go_by_what_they_mean() -> None:
    found = summed((1, 1, Worker(3, partition=0, lag=5)), (2, 1, Worker(4, ready=0, partition=1, lag=6)))
    assert found["floodgate_ready"] == 0
    assert found["floodgate_last_contact_timestamp_seconds"] == 1_003
    assert found["process_resident_memory_bytes"] == 200
    assert found['floodgate_lag{partition="0",topic="events"}'] == 5
    assert found['floodgate_lag{partition="1",topic="events"}'] == 6
    assert found['process_start_time_seconds{process="1"}'] == found['process_start_time_seconds{process="2"}'] == 7


def test_a_partition_that_changes_hands_is_not_counted_twice() -> None:
    found = summed((1, 1, Worker(lag=5)), (2, 1, Worker(lag=4)))
    assert found['floodgate_lag{partition="0",topic="events"}'] == 5


def test_what_an_ended_process_has_counted_stays_in_the_sum() -> None:
    sums = PageSums()
    assert summed((1, 1, Worker(30)), (2, 1, Worker(4)), into=sums)["floodgate_events_total"] == 34
    assert summed((1, 2, None), (2, 1, Worker(5)), into=sums)["floodgate_events_total"] == 35
    assert summed((1, 2, Worker(1)), (2, 1, Worker(6)), into=sums)["floodgate_events_total"] == 37
    found = summed((1, 3, Worker(2)), (2, 1, Worker(6)), into=sums)
    assert found["floodgate_events_total"] == 39
    assert found['floodgate_delay_count{topic="events"}'] == 4
    assert found["process_resident_memory_bytes"] == 200


def test_one_that_does_not_answer_keeps_its_counts_and_loses_its_gauges() -> None:
    sums = PageSums()
    summed((1, 1, Worker(30, lag=5)), (2, 1, Worker(4, partition=1)), into=sums)
    found = summed((1, 1, None), (2, 1, Worker(5, partition=1)), into=sums)
    assert found["floodgate_events_total"] == 35
    assert 'floodgate_lag{partition="0",topic="events"}' not in found
    assert found["floodgate_ready"] == 0
    assert sums.answering == {2}
    assert summed((1, 1, Worker(31)), into=sums)["floodgate_ready"] == 1


def test_none_that_answers_is_a_page_too() -> None:
    assert summed((1, 1, None), (2, 1, None)) == {"floodgate_ready": 0}


def test_kinds_and_meanings_stay() -> None:
    registry, worker = CollectorRegistry(), Worker(3)
    sums = PageSums()
    sums.take(1, 1, read_metrics(worker.page()))
    registry.register(sums)
    told = {line for line in worker.page().decode().splitlines() if line.startswith("# TYPE")}
    assert {line for line in generate_latest(registry).decode().splitlines() if line.startswith("# TYPE")} == told


def test_each_gauge_of_a_worker_has_a_rule() -> None:
    gauges = {metric.name for metric in read_metrics(page(Metrics().registry)) if metric.type == "gauge"}
    assert gauges == GAUGES.keys() | LEFT_AS_THEY_ARE
