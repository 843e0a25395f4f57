"""Time at a steady pace: from an event to its action, and the longest silence while a rulebook is switched."""

import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import orjson
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.hops import rules
from benchmarks.measure import running_engine
from benchmarks.workload import events
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.topics import create_topics

STEADY = 1_000
LIMIT_MS = 50.0
"""The 99th percentile wanted at STEADY events a second."""

_SECONDS = 8.0
_WARM_UP_S = 3.0
_PROBES_PER_S = 100
_QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}

Probe = tuple[float, float]
"""When an event was sent and when its action came."""


def pace(console: Console, cpu_us_per_event: float) -> dict[str, Any]:
    """The tables and the summary's part. 70 % of capacity is that of one core at this cost of an event."""
    busy = int(0.7 * 1e6 / cpu_us_per_event)
    found = {f"{rate} events/s": _latency(probes(rate)) for rate in (STEADY, busy)}
    hops = {f"{STEADY} events/s, {stops} hops": _latency(probes(STEADY, stops)) for stops in (1, 2, 3)}
    table = Table("", *_QUANTILES, title="event to action, ms")
    for name, row in (found | hops).items():
        table.add_row(name, *(f"{value:.0f}" for value in row.values()))
    console.print(table)
    steady = found[f"{STEADY} events/s"]["p99"]
    told = "ok" if steady < LIMIT_MS else "TOO MUCH"
    console.print(f"p99 at {STEADY} events/s: {steady:.0f} ms, below {LIMIT_MS:.0f} wanted: {told}")
    silence = {name: round(_longest_silence_ms(probes(busy, switch=switch))) for name, switch in
               (("without", False), ("with a rulebook switch", True))}  # fmt: skip
    console.print(f"longest silence at {busy} events/s, ms: {silence}")
    return {"latency_ms": found | hops, "longest_silence_ms": silence}


def probes(rate: int, stops: int = 0, switch: bool = False) -> list[Probe]:
    """Run a worker at this pace. Some events ask for an action: when they were sent, and when it came."""
    with BrokerProcess("--retention-mb", "0") as broker:
        settings = Settings(brokers=broker.address, partitions=4, standby_replicas=0)
        create_topics(settings)
        publish_rulebook(settings, load_rulebook(rules(stops, probing=True)), "bench", "")
        changed = {"rules.yaml": rules(stops, probing=True)["rules.yaml"] + "  # changed\n"}

        def push() -> None:
            publish_rulebook(settings, load_rulebook(changed), "bench", "")

        with running_engine(settings, free_port()):
            return _run(settings, _stream(rate), rate, push if switch else None)


def _stream(rate: int) -> list[tuple[bytes, bytes]]:
    every = max(1, rate // _PROBES_PER_S)
    now_ms, made = int(time.time() * 1000), []
    for index, (key, value) in enumerate(events(int(rate * _SECONDS), seed=11)):
        event = orjson.loads(value)
        event["ts"], event["probe"] = now_ms + index * 1000 // rate, index % every == 0
        event["event_id"] = f"{index}"
        made.append((key, orjson.dumps(event)))
    return made


def _run(
    settings: Settings, stream: Sequence[tuple[bytes, bytes]], rate: int, switch: Callable[[], None] | None
) -> list[Probe]:
    every, sent, found = max(1, rate // _PROBES_PER_S), dict[str, float](), list[Probe]()
    consumer = KafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=5
    )
    partitions = [TopicPartition(settings.topics.actions, index) for index in range(settings.partitions)]
    consumer.assign(partitions)
    for partition in partitions:
        consumer.position(partition)  # it is known before the first action comes
    feeder = threading.Thread(target=_feed, args=(settings, stream, rate, every, sent))
    feeder.start()
    started = time.perf_counter()
    while len(found) < len(stream) // every and time.perf_counter() < started + _SECONDS + 15:
        if switch is not None and time.perf_counter() > started + _SECONDS / 2:
            threading.Thread(target=switch).start()
            switch = None
        for records in consumer.poll(timeout_ms=20).values():
            now = time.perf_counter()
            actions: list[dict[str, Any]] = [orjson.loads(record.value) for record in records]
            found += [(sent[action["event_id"]], now) for action in actions if action["rule"] == "probe"]
    feeder.join()
    consumer.close()
    if not found:
        raise RuntimeError("no action came back")
    return [probe for probe in found if probe[0] > started + _WARM_UP_S]


def _feed(
    settings: Settings, stream: Sequence[tuple[bytes, bytes]], rate: int, every: int, sent: dict[str, float]
) -> None:
    client = Producer({"bootstrap.servers": settings.brokers, "linger.ms": 1, "partitioner": "murmur2_random"})
    started = time.perf_counter()
    for index, (key, value) in enumerate(stream):
        ahead_s = started + index / rate - time.perf_counter()
        if ahead_s > 0.001:
            client.poll(0)
            time.sleep(ahead_s)
        if index % every == 0:
            sent[str(index)] = time.perf_counter()
        client.produce(settings.topics.events, value=value, key=key)
    client.flush()


def _latency(found: list[Probe]) -> dict[str, float]:
    taken = sorted((came - went) * 1000 for went, came in found)
    return {name: round(taken[int(len(taken) * share)], 1) for name, share in _QUANTILES.items()}


def _longest_silence_ms(found: list[Probe]) -> float:
    times = sorted(came for _, came in found)
    return max(later - earlier for earlier, later in pairwise(times)) * 1000
