"""A new campaign, live: how much of it is found, second by second since its first label, by two workers.

Events, labels and decisions go through real topics. The campaign talks as everybody does, and adds a few words; one of
its events in ten gets a label, two seconds after it. Decisions tell the scores.
"""

import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.measure import running_engine, wait_for
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port, metric_sum, read_page
from engine.learning.metrics import recall_at
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.text import TOPICS, paraphrase, post_text, reply_text, spam_text
from engine.stream.admin.publishing import Publisher
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.records import read_all
from engine.stream.kafka.topics import create_topics

RULES = """
version: 1
counters: {posts_1h: {count: any, by: user_id, over: 1h}}
models: {spam: {texts: [text], numbers: [posts_1h], min_labels: 50}}
rules: {likely: {event: any, when: [score.spam > 0.95], then: {review: score}}}
"""
SWITCH_LIMIT_S = 0.05
RATE = 800
SECONDS = 24
LABELLED = 0.1
LABELLED_HAM = 0.02
LABEL_DELAY_S = 2.0

_KNOWN = 4_000
_CAMPAIGN_SHARE = 0.1
_SHOWN_S = 5
_LURES = ("see my bio", "so tired, bio", "haha my bio", "was fun, the bio has more")


@dataclass(slots=True)
class Traffic:
    """Publishes events and, later, their labels. `spam`: the truth of what was published live, by event."""

    publisher: Publisher
    draws: Random = field(default_factory=lambda: Random(8))
    spam: dict[str, tuple[bool, float]] = field(default_factory=dict)
    first_label_s: float | None = None
    labels: int = 0
    _waiting: list[tuple[float, str, str, bool]] = field(default_factory=list)
    _count: int = 0

    def known(self) -> None:
        """One event of the world as it was, labelled at once."""
        spam = self.draws.random() < 0.2
        event_id, user_id = self._event(spam_text(self.draws) if spam else self._talk())
        self._label(event_id, user_id, spam)

    def live(self) -> None:
        """One event of the world with the campaign."""
        spam = self.draws.random() < _CAMPAIGN_SHARE
        text = f"{self._talk()} {paraphrase(self.draws, self.draws.choice(_LURES))}" if spam else self._talk()
        event_id, user_id = self._event(text)
        now = time.monotonic()
        self.spam[event_id] = spam, now
        if self.draws.random() < (LABELLED if spam else LABELLED_HAM):
            self._waiting.append((now + LABEL_DELAY_S, event_id, user_id, spam))
        while self._waiting and self._waiting[0][0] <= now:
            _, event_id, user_id, spam = self._waiting.pop(0)
            self._label(event_id, user_id, spam)
            if spam and self.first_label_s is None:
                self.first_label_s = now

    def _talk(self) -> str:
        topic = self.draws.choice(TOPICS)
        return post_text(self.draws, topic) if self.draws.random() < 0.5 else reply_text(self.draws, topic)

    def _event(self, text: str) -> tuple[str, str]:
        self._count += 1
        event_id, user_id = f"e{self._count}", f"u{self.draws.randrange(5_000)}"
        event = {"event_id": event_id, "type": "post", "user_id": user_id, "ts": int(time.time() * 1000), "text": text}
        self.publisher.event(orjson.dumps(event))
        return event_id, user_id

    def _label(self, event_id: str, user_id: str, spam: bool) -> None:
        moderator = f"moderator {self.draws.randrange(20)}"
        verdict = "spam" if spam else "ham"
        label = {"event_id": event_id, "label": verdict, "ts": int(time.time() * 1000), "moderator": moderator}
        self.publisher.label(orjson.dumps(label), user_id)
        self.labels += 1


def campaign(console: Console) -> dict[str, Any]:
    """The table, and the summary's part."""
    with BrokerProcess("--retention-mb", "0") as broker, ExitStack() as stack:
        settings = Settings(
            brokers=broker.address, partitions=4, standby_replicas=0, decision_sample=1.0, review_share=0.0
        )
        create_topics(settings)
        publish_rulebook(settings, load_rulebook({"rules.yaml": RULES}), "bench", "")
        ports = [free_port(), free_port()]
        workers = [stack.enter_context(running_engine(settings, port, page="/healthz")) for port in ports]
        with Publisher(settings) as publisher:
            traffic = Traffic(publisher)
            for _ in range(_KNOWN):
                traffic.known()
            publisher.flush()
            wait_for(lambda: _learned(ports) == traffic.labels, workers[0], 0.1)
            _pace(traffic)
        wait_for(lambda: _learned(ports) == traffic.labels, workers[0], 0.1)
        scores = {
            decision["event_id"]: decision["scores"].get("spam", 0.0)
            for decision in (orjson.loads(record.value) for record in read_all(settings, settings.topics.decisions))
        }
        switches = [_switches(port) for port in ports]
    return _told(console, traffic, scores, sum(found for found, _ in switches), sum(slow for _, slow in switches))


def _pace(traffic: Traffic) -> None:
    started = time.monotonic()
    for number in range(RATE * SECONDS):
        traffic.live()
        ahead = started + number / RATE - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    traffic.publisher.flush()


def _learned(ports: list[int]) -> float:
    """Labels behind the model that the workers use: the fewest."""
    return min(metric_sum(read_page(port, "/metrics"), "floodgate_model_labels") for port in ports)


def _switches(port: int) -> tuple[int, int]:
    """How often a worker has taken in a change, and how often that took longer than it may."""
    page = read_page(port, "/metrics")
    total = int(metric_sum(page, "floodgate_model_switch_seconds_count"))
    fast = next(
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if line.startswith(f'floodgate_model_switch_seconds_bucket{{le="{SWITCH_LIMIT_S}"')
    )
    return total, total - int(fast)


def _told(
    console: Console, traffic: Traffic, scores: dict[str, float], switches: int, slow: int
) -> dict[str, Any]:  # fmt: skip
    assert traffic.first_label_s is not None
    stretches: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for event_id, (spam, sent_s) in traffic.spam.items():
        stretches[int((sent_s - traffic.first_label_s) // 1)].append((scores.get(event_id, 0.0), spam))
    recalls = {}
    for second, found in sorted(stretches.items()):
        if len(found) < RATE // 2:
            continue  # the first second and the last one
        given, truth = zip(*found, strict=True)
        recalls[second] = round(recall_at(given, truth, 0.01) or 0.0, 3)
    table = Table("seconds since its first label", "recall of a new campaign at 1 % false positives")
    for second, recall in recalls.items():
        if second < _SHOWN_S or second % _SHOWN_S == 0:
            table.add_row(str(second), f"{recall:.2f}")
    console.print(table)
    console.print(
        f"{switches} changes of the model taken in by two workers, {slow} took more than {SWITCH_LIMIT_S:g} s"
    )
    return {"campaign": {"recall_by_second": recalls, "switches": switches, "slow_switches": slow}}
