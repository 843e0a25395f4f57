"""Watches a running system from outside: its output topics and its workers' metrics."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition

from engine.dev.pages import metric_sum
from engine.dev.system import LocalSystem
from engine.stream.kafka.clients import options

_DECIDED = ("floodgate_events_total", "floodgate_events_ignored_total")
SHOWN_DECISIONS = 8


@dataclass(slots=True)
class Observation:
    """What has been seen so far."""

    decided: int = 0
    dead_letters: int = 0
    actions: list[dict[str, Any]] = field(default_factory=list)
    by_rule: Counter[str] = field(default_factory=Counter)
    shadow: Counter[str] = field(default_factory=Counter)
    recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=SHOWN_DECISIONS))
    outcomes: Counter[str] = field(default_factory=Counter)
    model_auc: float | None = None
    learned: int = 0
    behind: int = 0
    """Messages that workers have not yet decided: events, and what they are on their way to entities."""
    enriched: int = 0
    """Events about which the stage before `events` has found something out."""
    not_enriched: int = 0
    """Events about which it could not tell."""


class Observer:
    """Collects an Observation; `update` reads what is new."""

    def __init__(self, system: LocalSystem) -> None:
        self._system = system
        topics, self.seen = system.settings.topics, Observation()
        self._consumer = KafkaConsumer(**options(system.settings), enable_auto_commit=False)
        names = (topics.actions, topics.decisions)
        tps = [
            TopicPartition(name, i) for name in names for i in sorted(self._consumer.partitions_for_topic(name) or ())
        ]
        self._consumer.assign(tps)
        self._consumer.seek_to_beginning(*tps)
        self._actions = topics.actions

    def update(self, wait_ms: int) -> Observation:
        """Read what the topics and the metrics have got, for at most `wait_ms`. Raises FloodgateError when a
        worker has ended."""
        for worker in self._system.all_workers():
            worker.raise_if_ended()
        for tp, records in self._consumer.poll(timeout_ms=wait_ms).items():
            for record in records:
                document = orjson.loads(record.value)
                if tp.topic == self._actions:
                    self.seen.actions.append(document)
                    self.seen.by_rule[document["rule"]] += 1
                    self.seen.recent.append(document)
                else:
                    self.seen.outcomes[document["outcome"]] += 1
                    self.seen.shadow.update(hit["rule"] for hit in document["hits"] if hit["effect"] == "shadow")
        metrics = [worker.page("/metrics") for worker in self._system.workers]
        if not all(metrics):  # one was too busy to answer: what it said before stands
            return self.seen
        self.seen.decided = int(sum(metric_sum(page, name) for page in metrics for name in _DECIDED))
        self.seen.dead_letters = int(sum(metric_sum(page, "floodgate_dead_letters_total") for page in metrics))
        self.seen.behind = int(sum(metric_sum(page, "floodgate_lag") for page in metrics))
        self.seen.learned = int(sum(metric_sum(page, "floodgate_examples_learned_total") for page in metrics))
        aucs = [metric_sum(page, "floodgate_model_auc") for page in metrics if "\nfloodgate_model_auc{" in page]
        self.seen.model_auc = max(aucs, default=None)
        if self._system.stage is not None:
            page = self._system.stage.page("/metrics")
            self.seen.enriched = int(metric_sum(page, "floodgate_enricher_answers_total"))
            self.seen.not_enriched = int(metric_sum(page, "floodgate_enricher_missing_total"))
        return self.seen

    def close(self) -> None:
        """Stop watching."""
        self._consumer.close()
