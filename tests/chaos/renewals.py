"""A rulebook and a model that are published again and again, while faults are under way."""

import shutil
from pathlib import Path

from kafka import KafkaProducer
from kafka.errors import KafkaError

from engine.learning.snapshots import whole
from engine.learning.trainer import Trainer
from engine.rulebook.compiler import read_directory, rulebook_id
from engine.stream.handlers.messages import encode_rulebook
from engine.stream.kafka.clients import options
from tests.system import RULEBOOKS, System
from tests.unit.learning.inputs import HAM, SPAM, example

MODEL = """
version: 1
models:
  spam: {texts: [text], min_labels: 5}
rules:
  scored: {event: post, when: [score.spam > 0.5], then: {review: post}, mode: shadow}
"""


class Renewals:
    """Publishes the same rules with another comment, and a model that has learned more. `rulebook`: its newest id."""

    def __init__(self, system: System, directory: Path) -> None:
        self._system, self._count, self._trainer = system, 0, Trainer()
        self.rulebook = ""
        self.rules = Path(shutil.copytree(RULEBOOKS / "flood", directory / "rules"))
        (self.rules / "model.yaml").write_text(MODEL)

    def learn(self) -> None:
        """Let the next publication be another one."""
        self._count += 1
        offset = 2 * self._count
        self._trainer.learn(example(SPAM, "spam", offset), offset)
        self._trainer.learn(example(HAM, "ham", offset + 1), offset + 1)

    def publish(self) -> bool:
        """Whether the brokers have taken it: in the middle of a fault they may not."""
        topics, sources = self._system.settings.topics, read_directory(self.rules)
        sources["rules.yaml"] += f"# {self._count}\n"
        self.rulebook = rulebook_id(sources)
        rulebook = encode_rulebook(sources, self.rulebook, "soak", "", self._count)
        messages = [(topics.models, *message) for message in whole(self._trainer.models["spam"], self._count)]
        try:
            client = KafkaProducer(**options(self._system.settings))
        except KafkaError:
            return False
        try:
            for topic, key, value in [*messages, (topics.rulebooks, f"version/{self._count}-soak", rulebook)]:
                client.send(topic, value, key.encode(), partition=0).get(timeout=10)
        except KafkaError:
            return False
        finally:
            client.close()
        return True
