"""What an event's journey costs: CPU per event with none to three stops, with one entity that half of all
events name, and the time from event to action at a steady thousand events a second."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.engine import Stream, Work, publish
from benchmarks.measure import measure_engine, running_engine
from benchmarks.workload import events
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.stream.publishing import publish_rulebook
from engine.stream.topics import create_topics

KINDS = ("device_id", "ip", "target_id")
RATE = 1_000
LATENCY_S = 12
_PROBE_EVERY = 10
_WARM_UP_S = 3.0
_USER_RULES = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  messages_1h: {count: message, by: user_id, over: 1h}
"""


def rules(stops: int, probing: bool = False) -> dict[str, str]:
    """A rulebook whose events visit so many entities. `probing`: it acts on the events that ask for it."""
    counters = "".join(
        f"  users_{kind}: {{distinct: user_id, of: any, by: {kind}, over: 10m}}\n" for kind in KINDS[:stops]
    )
    clauses = ["posts_1m > 70", *(f"users_{kind} > 30" for kind in KINDS[:stops])]
    made = "".join(
        f"  rule_{index}: {{event: any, when: ['{clause}', messages_1h >= 0], then: {{flag: busy}}}}\n"
        for index, clause in enumerate(clauses)
    )
    if probing:
        met = "".join(f", users_{kind} >= 1" for kind in KINDS[:stops])
        made += f"  probe: {{event: any, when: [event.probe{met}], then: {{flag: probe, target: event}}}}\n"
    return {"rules.yaml": f"{_USER_RULES}{counters}rules:\n{made}"}


def hot(stream: Stream) -> Stream:
    """The same stream, half of it from one device."""
    made = []
    for index, (key, value) in enumerate(stream):
        event = orjson.loads(value)
        if index % 2:
            event["device_id"] = "hot"
        made.append((key, orjson.dumps(event)))
    return made


def measure_hops(stops: int, stream: Stream) -> float:
    """CPU per event over a stream that is there already."""
    with BrokerProcess("--retention-mb", "0") as broker:
        settings = Settings(brokers=broker.address, partitions=4, standby_replicas=0)
        publish(settings, Work(load_rulebook(rules(stops)), stream))
        done = "floodgate_journeys_total" if stops else "floodgate_events_total"
        return measure_engine(settings, len(stream), free_port(), done).cpu_us_per_event


def measure_latency(stops: int) -> tuple[float, float]:
    """Median and 99th percentile of the milliseconds from sending an event to receiving its action."""
    with BrokerProcess("--retention-mb", "0") as broker:
        settings = Settings(brokers=broker.address, partitions=4, standby_replicas=0)
        create_topics(settings)
        publish_rulebook(settings, load_rulebook(rules(stops, probing=True)), "bench", "")
        with running_engine(settings, free_port()):
            return _percentiles(settings, _probes(RATE * LATENCY_S))


def _probes(count: int) -> Iterator[tuple[bytes, bytes]]:
    now_ms = int(time.time() * 1000)
    for index, (key, value) in enumerate(events(count, seed=11)):
        event = orjson.loads(value)
        event["ts"], event["probe"] = now_ms + index, index % _PROBE_EVERY == 0
        yield key, orjson.dumps(event)


def _percentiles(settings: Settings, stream: Iterator[tuple[bytes, bytes]]) -> tuple[float, float]:
    sent: dict[str, float] = {}
    taken: list[float] = []
    messages = list(stream)
    consumer = KafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=5
    )
    consumer.assign([TopicPartition(settings.topics.actions, index) for index in range(settings.partitions)])
    feeder = threading.Thread(target=_feed, args=(settings, messages, sent))
    feeder.start()
    deadline = time.perf_counter() + LATENCY_S + 10
    while len(taken) < len(messages) // _PROBE_EVERY and time.perf_counter() < deadline:
        for records in consumer.poll(timeout_ms=50).values():
            now = time.perf_counter()
            for record in records:
                action: dict[str, Any] = orjson.loads(record.value)
                if action["rule"] == "probe":
                    taken.append((now - sent[action["event_id"]]) * 1000)
    feeder.join()
    consumer.close()
    settled = sorted(taken[int(_WARM_UP_S * RATE / _PROBE_EVERY) :])
    if not settled:
        raise RuntimeError("no action came back")
    return settled[len(settled) // 2], settled[int(len(settled) * 0.99)]


def _feed(settings: Settings, messages: list[tuple[bytes, bytes]], sent: dict[str, float]) -> None:
    client = KafkaProducer(bootstrap_servers=settings.bootstrap_servers, linger_ms=1)
    started = time.perf_counter()
    for index, (key, value) in enumerate(messages):
        ahead_s = started + index / RATE - time.perf_counter()
        if ahead_s > 0:
            time.sleep(ahead_s)
        if index % _PROBE_EVERY == 0:
            sent[orjson.loads(value)["event_id"]] = time.perf_counter()
        client.send(settings.topics.events, key=key, value=value)
    client.close()
