"""The trainer is killed at random instants: what it has learned in the end is what it learns undisturbed."""

from functools import partial
from pathlib import Path
from random import Random

import pytest
from kafka import KafkaProducer

from engine.learning.labels import Example
from engine.learning.models import LearnedModel
from engine.learning.trainer import Trainer
from engine.learning.verdicts import Verdict
from engine.stream.admin.publishing import publish_model_command, read_models
from engine.stream.handlers.label_messages import MODEL_COMMAND, Quarantine, decode_example, encode_example
from engine.stream.kafka.records import read_all
from engine.stream.worker.fencing import OWNER
from tests.system import System, WorkerProcess, wait_until
from tests.unit.learning.inputs import HAM, SPAM, example, same

KILLS = 10
COUNT = 6_000
RULES = """version: 1
models: {spam: {texts: [text], min_labels: 20}}
rules: {r: {event: any, when: [score.spam > 0.5], then: {review: x}}}
"""


def some_examples(seed: int) -> list[Example]:
    """Examples of several moderators, one of whom lies."""
    draws, made = Random(seed), []
    for at in range(COUNT):
        spam = draws.random() < 0.4
        words = " ".join(draws.choices(["offer", "casino", "win"] if spam else ["lunch", "report", "mail"], k=5))
        moderator = draws.choice(["mia", "tom", "eve"])
        verdict: Verdict = "spam" if spam != (moderator == "eve") else "ham"
        inputs = (SPAM if spam else HAM)._replace(texts=(f"{words} {at % 97}",))
        made.append(example(inputs, verdict, at, moderator=moderator, score=draws.random()))
    return made


def taught(examples: list[Example]) -> LearnedModel:
    """What is learned undisturbed."""
    trainer = Trainer()
    for offset, one in enumerate(examples):
        trainer.learn(one, offset)
    return trainer.models["spam"]


def test_ten_kills_leave_no_trace_and_neither_does_a_moderator_who_is_quarantined(tmp_path: Path) -> None:
    examples, draws = some_examples(1), Random(2)
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, partitions=1, snapshot_interval_ms=100, batch_max_events=50) as system:
        topic = system.settings.topics.examples
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        wait_until(worker.ready, "the worker is ready")
        step = COUNT // KILLS
        for kill in range(KILLS):
            send(system, examples[kill * step : (kill + 1) * step])
            wait_until(partial(has_learned, worker, draws.randrange(step)), "some are learned")
            worker.kill()
            worker.restart()
        wait_until(lambda: published(system).labels == COUNT, "all examples are learned")
        assert same(published(system), taught(examples))

        publish_model_command(system.settings, Quarantine("eve", quarantined=True))
        wait_until(lambda: "eve" in published(system).quarantined, "all is learned anew")
        clean = [one for one in examples if one.moderator != "eve"]
        assert same(published(system), taught(clean))
        records = [record for record in read_all(system.settings, topic) if record.key != MODEL_COMMAND]
        assert [decode_example(record.value) for record in records] == examples


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "unfenced"])
def test_what_a_trainer_that_stood_still_has_learned_is_refused(tmp_path: Path, fenced: bool) -> None:
    """Without the fence it is written, late as it is."""
    examples = some_examples(3)[:600]
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, partitions=1, snapshot_interval_ms=100, batch_max_events=5) as system:
        system.push_rules(tmp_path / "rules.yaml")
        zombie = system.start_worker("zombie", "stand_with_model" + ("" if fenced else ",no_fence"))
        wait_until(zombie.ready, "the first worker is ready")
        for start in range(0, len(examples), 20):
            send(system, examples[start : start + 20])
            if zombie.is_stopped():
                break
        wait_until(zombie.is_stopped, "it stands still")
        send(system, examples[start + 20 :])
        system.start_worker("successor")
        wait_until(lambda: published(system).labels == len(examples), "the second worker has learned all of them")
        known = words_of(system)
        zombie.resume()
        if fenced:
            assert zombie.wait_until_ended() != 0
            assert "ProducerFenced" in zombie.log
            assert words_of(system) == known
            assert same(published(system), taught(examples))
        else:
            wait_until(lambda: words_of(system) > known, "its words are there")


def send(system: System, examples: list[Example]) -> None:
    """Put examples on their topic."""
    producer = KafkaProducer(bootstrap_servers=system.settings.bootstrap_servers, linger_ms=5)
    for one in examples:
        producer.send(system.settings.topics.examples, key=b"spam", value=encode_example(one), partition=0)
    producer.flush()
    producer.close()


def words_of(system: System) -> int:
    """How many messages about models there are. What marks that somebody took over comes whenever partitions move."""
    return sum(record.key != OWNER for record in read_all(system.settings, system.settings.topics.models))


def has_learned(worker: WorkerProcess, count: int) -> bool:
    """Whether a worker has learned more than so many examples since it was started."""
    return worker.metric("floodgate_examples_learned_total") > count


def published(system: System) -> LearnedModel:
    """The model as it is on its topic."""
    return read_models(system.settings).get("spam", LearnedModel("spam"))
