"""This engine on the benchmark's work: events in a topic, a worker process, answers out of a topic."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition

from benchmarks.measure import Cost, measure_engine
from benchmarks.recount import Check
from engine.core.domain.events import FieldMapping
from engine.core.domain.rules import Rulebook
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port
from engine.learning.labels import Example
from engine.learning.models import LearnedModel
from engine.learning.scored import read_scored
from engine.learning.scorers import ModelScorer
from engine.learning.snapshots import SnapshotWriter
from engine.learning.verdicts import Verdict
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.topics import create_topics

RULES = Path(__file__).parent / "rules"
PARTITIONS = 4
LABELLED = 20
"""One event in so many is labelled."""

Stream = Sequence[tuple[bytes, bytes]]
"""(key, value) of each event, in order of arrival."""


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine run is given. `model`: the messages of the model that it scores with, if any."""

    rulebook: Rulebook
    stream: Stream
    model: Stream = ()
    labels: Stream = ()


def benchmark_rules(learn: bool = False) -> Rulebook:
    """The rules of the shared workload."""
    source = (RULES / "rules.yaml").read_text()
    return load_rulebook({"rules.yaml": source.replace("learn: false", f"learn: {str(learn).lower()}")})


@contextmanager
def prepared(work: Work, partitions: int = PARTITIONS, **settings: object) -> Iterator[Settings]:
    """A broker in which everything is there already."""
    with BrokerProcess("--retention-mb", "0") as broker:
        made = Settings(brokers=broker.address, partitions=partitions, standby_replicas=0, **settings)  # type: ignore[arg-type]  # names of settings
        publish(made, work)
        yield made


def publish(settings: Settings, work: Work) -> None:
    """Create the topics and fill them."""
    create_topics(settings)
    publish_rulebook(settings, work.rulebook, "bench", "")
    send(settings, settings.topics.models, work.model)
    send(settings, settings.topics.events, work.stream)
    send(settings, settings.topics.labels, work.labels)


def send(settings: Settings, topic: str, messages: Stream) -> None:
    """Produce in big compressed batches, as the peers' topics are filled."""
    client = Producer(
        {
            "bootstrap.servers": settings.brokers, "linger.ms": 50, "batch.size": 900_000, "batch.num.messages": 2_000,
            "compression.type": "zstd", "partitioner": "murmur2_random", "queue.buffering.max.messages": 2_000_000,
        }
    )  # fmt: skip
    for index, (key, value) in enumerate(messages):
        arrived = {"timestamp": orjson.loads(value)["ts"]} if topic == settings.topics.events else {}
        client.produce(topic, value=value, key=key, **arrived)
        if index % 1_000 == 0:
            client.poll(0)
    if client.flush(120):
        raise RuntimeError(f"the broker did not take all messages of {topic}")


def run(work: Work) -> tuple[Cost, str]:
    """What the work costs, and the checksum over the decisions."""
    with prepared(work) as settings:
        metric, count = "floodgate_events_total", len(work.stream)
        if work.labels:
            metric, count = "floodgate_examples_learned_total", len(work.labels)
        cost = measure_engine(settings, count, free_port(), metric)
        return cost, answers(settings)


def answers(settings: Settings) -> str:
    """The checksum over all decisions on which some rule held."""
    check = Check()
    for event_id, rules in hits(settings):
        check.add(event_id, rules)
    return str(check)


def hits(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    """The event and the rules of each decision on which some rule held."""
    client = KafkaConsumer(bootstrap_servers=settings.bootstrap_servers, enable_auto_commit=False)
    partitions = [TopicPartition(settings.topics.decisions, index) for index in range(settings.partitions)]
    client.assign(partitions)
    client.seek_to_beginning()
    left = sum(client.end_offsets(partitions).values())
    while left:
        for records in client.poll(timeout_ms=1_000, max_records=10_000).values():
            left -= len(records)
            for record in records:
                decision = orjson.loads(record.value)
                if decision["hits"]:
                    yield decision["event_id"], [hit["rule"] for hit in decision["hits"]]
    client.close()


def trained(rulebook: Rulebook, sample: Stream) -> LearnedModel:
    """A model that has seen these events; every 17th user is a spammer."""
    spec, model, mapping = benchmark_rules(learn=True).models["spam"], LearnedModel("spam"), FieldMapping()
    scorer = ModelScorer(spec, None)
    evaluator = Evaluator(rulebook, {"spam": scorer})
    records: dict[str, EntityRecord] = {}
    for _, value in sample:
        event = mapping.read(orjson.loads(value))
        program = rulebook.program(event.type)
        assert program is not None
        evaluator.evaluate(event, program, records.setdefault(event.user_id, EntityRecord()))
        rows = scorer.take()
        if rows is not None:
            [(_, seen)] = read_scored(rows.encode(), rows.keys.tolist())
            verdict: Verdict = "spam" if int(event.user_id[1:]) % 17 == 0 else "ham"
            model.learn(
                Example("spam", event.event_id, verdict, None, None, seen.names, seen.inputs, (0, 0), event.ts_ms)
            )
    return model


def published(model: LearnedModel) -> Stream:
    """The model as messages of its topic."""
    return [(key.encode(), value) for key, value in SnapshotWriter().publish(model)]


def labels_for(stream: Stream) -> list[tuple[bytes, bytes]]:
    """Verdicts on one event in twenty."""
    made = []
    for key, value in stream[::LABELLED]:
        event = orjson.loads(value)
        verdict = "spam" if int(event["user_id"][1:]) % 17 == 0 else "ham"
        made.append((key, orjson.dumps({"event_id": event["event_id"], "label": verdict, "ts": event["ts"] + 1})))
    return made
